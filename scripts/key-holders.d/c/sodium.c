/* libsodium: an Ed25519 seed signs. */
#include <sodium.h>

#include "holder.h"

int main(int count, char **values) {
    if (asked_for_version(count, values))
        return puts(sodium_version_string()) < 0;
    CHECK(sodium_init() >= 0);
    size_t size;
    unsigned char *seed = load("seed.bin", &size), public_key[crypto_sign_PUBLICKEYBYTES];
    unsigned char *key = malloc(crypto_sign_SECRETKEYBYTES);
    CHECK(key && crypto_sign_seed_keypair(public_key, key, seed) == 0);
    free(seed);
    for (unsigned char round = 0; round < ROUNDS; round++) {
        unsigned char signature[crypto_sign_BYTES];
        CHECK(crypto_sign_detached(signature, NULL, &round, 1, key) == 0);
    }
    stay();
}
