# Ruby's openssl: a key from PEM signs.
require 'openssl'

if ARGV[0] == 'version'
  puts "#{OpenSSL::VERSION}, Ruby #{RUBY_VERSION}"
  exit
end
key = OpenSSL::PKey.read(File.read('key.pem'))
digest = ARGV[0] == 'ed25519' ? nil : 'SHA256'
5.times { |round| key.sign(digest, "text #{round}") }
File.write('ready', '')
sleep 1_000_000
key.oid
