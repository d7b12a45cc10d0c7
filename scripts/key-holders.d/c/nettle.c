/* Nettle, without GnuTLS: RSA from PKCS#1, a scalar from SEC 1, an Ed25519 seed sign. */
#include <fcntl.h>
#include <nettle/ecc-curve.h>
#include <nettle/ecdsa.h>
#include <nettle/eddsa.h>
#include <nettle/bignum.h>
#include <nettle/rsa.h>
#include <nettle/sha2.h>
#include <nettle/version.h>

#include "holder.h"

static struct rsa_public_key public_key;
static struct rsa_private_key private_key;
static struct ecc_scalar scalar;
static uint8_t edwards_public[32], seed[32];

static void random_bytes(void *context, size_t length, uint8_t *out) {
    int file = open("/dev/urandom", O_RDONLY);
    CHECK(context == NULL && file >= 0 && read(file, out, length) == (ssize_t)length);
    close(file);
}

static void load_scalar(const char *kind) {
    const struct ecc_curve *curve = nettle_get_secp_256r1();
    size_t size, length = 32, start = 7; /* 30 xx 02 01 01 04 20 */
    if (is(kind, "p384"))
        curve = nettle_get_secp_384r1(), length = 48, start = 8; /* 30 81 xx 02 01 01 04 30 */
    unsigned char *text = load("trad.der", &size);
    mpz_t number;
    mpz_init(number);
    nettle_mpz_set_str_256_u(number, length, text + start);
    ecc_scalar_init(&scalar, curve);
    CHECK(ecc_scalar_set(&scalar, number));
    mpz_clear(number);
    free(text);
}

int main(int count, char **values) {
    if (asked_for_version(count, values))
        return printf("%d.%d\n", nettle_version_major(), nettle_version_minor()) < 0;
    size_t size;
    if (is(values[1], "rsa")) {
        unsigned char *text = load("trad.der", &size);
        rsa_public_key_init(&public_key);
        rsa_private_key_init(&private_key);
        CHECK(rsa_keypair_from_der(&public_key, &private_key, 0, size, text));
        free(text);
    } else if (is(values[1], "ed25519")) {
        unsigned char *text = load("seed.bin", &size);
        memcpy(seed, text, sizeof seed);
        free(text);
        ed25519_sha512_public_key(edwards_public, seed);
    } else {
        load_scalar(values[1]);
    }
    for (unsigned char round = 0; round < ROUNDS; round++) {
        if (is(values[1], "rsa")) {
            struct sha256_ctx hash;
            sha256_init(&hash);
            sha256_update(&hash, 1, &round);
            mpz_t signature;
            mpz_init(signature);
            CHECK(rsa_sha256_sign_tr(&public_key, &private_key, NULL, random_bytes, &hash, signature));
            mpz_clear(signature);
        } else if (is(values[1], "ed25519")) {
            uint8_t signature[64];
            ed25519_sha512_sign(edwards_public, seed, 1, &round, signature);
        } else {
            uint8_t digest[32] = {round};
            struct dsa_signature signature;
            dsa_signature_init(&signature);
            ecdsa_sign(&scalar, NULL, random_bytes, sizeof digest, digest, &signature);
            dsa_signature_clear(&signature);
        }
    }
    stay();
}
