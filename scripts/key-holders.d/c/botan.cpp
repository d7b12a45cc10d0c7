/* Botan: a key from PEM signs. */
#include <botan/auto_rng.h>
#include <botan/data_src.h>
#include <botan/pkcs8.h>
#include <botan/pubkey.h>
#include <botan/version.h>

#include "holder.h"

static std::unique_ptr<Botan::Private_Key> read_key() {
    Botan::DataSource_Stream file("key.pem");
    return Botan::PKCS8::load_key(file);
}

int main(int count, char **values) {
    if (asked_for_version(count, values))
        return puts(Botan::short_version_cstr()) < 0;
    Botan::AutoSeeded_RNG random;
    auto key = read_key();
    std::string padding = is(values[1], "rsa") ? "EMSA3(SHA-256)" : is(values[1], "ed25519") ? "Pure" : "EMSA1(SHA-256)";
    Botan::PK_Signer signer(*key, random, padding);
    for (uint8_t round = 0; round < ROUNDS; round++)
        signer.sign_message(&round, 1, random);
    stay();
}
