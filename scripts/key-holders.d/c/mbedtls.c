/* mbed TLS: a key from PEM signs. */
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/pk.h>
#include <mbedtls/version.h>

#include "holder.h"

int main(int count, char **values) {
    if (asked_for_version(count, values)) {
        char version[16];
        mbedtls_version_get_string(version);
        return puts(version) < 0;
    }
    static mbedtls_entropy_context entropy;
    static mbedtls_ctr_drbg_context random;
    static mbedtls_pk_context key;
    mbedtls_entropy_init(&entropy);
    mbedtls_ctr_drbg_init(&random);
    mbedtls_pk_init(&key);
    CHECK(mbedtls_ctr_drbg_seed(&random, mbedtls_entropy_func, &entropy, NULL, 0) == 0);
    CHECK(mbedtls_pk_parse_keyfile(&key, "key.pem", NULL) == 0);
    for (unsigned char round = 0; round < ROUNDS; round++) {
        unsigned char hash[32] = {round}, signature[1024];
        size_t size;
        CHECK(mbedtls_pk_sign(&key, MBEDTLS_MD_SHA256, hash, 32, signature, &size, mbedtls_ctr_drbg_random, &random) == 0);
    }
    stay();
}
