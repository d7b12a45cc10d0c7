# CryptX, that is LibTomCrypt: a key from PEM signs.
use strict;
use warnings;
use CryptX;
use Crypt::PK::RSA;
use Crypt::PK::ECC;
use Crypt::PK::Ed25519;

if ($ARGV[0] eq 'version') {
    print "$CryptX::VERSION\n";
    exit;
}
my $key = $ARGV[0] =~ /^rsa/ ? Crypt::PK::RSA->new('key.pem')
    : $ARGV[0] eq 'ed25519' ? Crypt::PK::Ed25519->new('key.pem') : Crypt::PK::ECC->new('key.pem');
for my $round (1 .. 5) {
    $ARGV[0] eq 'ed25519' ? $key->sign_message("text $round") : $key->sign_message("text $round", 'SHA256');
}
open(my $ready, '>', 'ready') or die;
close($ready);
sleep 1_000_000;
$key->is_private();
