# Crypt::OpenSSL::RSA: a key from PEM signs.
use strict;
use warnings;
use Crypt::OpenSSL::RSA;

if ($ARGV[0] eq 'version') {
    print "$Crypt::OpenSSL::RSA::VERSION\n";
    exit;
}

sub load_key {
    open(my $file, '<', 'trad.pem') or die;
    local $/;
    return Crypt::OpenSSL::RSA->new_private_key(<$file>);
}

my $key = load_key();
$key->use_sha256_hash();
$key->sign("text $_") for 1 .. 5;
open(my $ready, '>', 'ready') or die;
close($ready);
sleep 1_000_000;
$key->size();
