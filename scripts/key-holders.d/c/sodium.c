/* libsodium: an Ed25519 seed signs, or an X25519 scalar agrees on secrets. */
#include <sodium.h>

#include "holder.h"

int main(int count, char **values) {
    if (asked_for_version(count, values))
        return puts(sodium_version_string()) < 0;
    CHECK(sodium_init() >= 0);
    size_t size;
    unsigned char *seed = load("seed.bin", &size), public_key[crypto_sign_PUBLICKEYBYTES];
    unsigned char *key = malloc(crypto_sign_SECRETKEYBYTES);
    CHECK(key);
    if (is(values[1], "x25519"))
        memcpy(key, seed, crypto_scalarmult_SCALARBYTES);
    else
        CHECK(crypto_sign_seed_keypair(public_key, key, seed) == 0);
    free(seed);
    for (unsigned char round = 0; round < ROUNDS; round++) {
        unsigned char out[crypto_sign_BYTES], point[crypto_scalarmult_BYTES] = {9};
        if (is(values[1], "x25519"))
            CHECK(crypto_scalarmult_base(public_key, key) == 0 && crypto_scalarmult(out, key, point) == 0);
        else
            CHECK(crypto_sign_detached(out, NULL, &round, 1, key) == 0);
    }
    stay();
}
