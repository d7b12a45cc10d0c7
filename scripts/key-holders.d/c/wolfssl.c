/* wolfCrypt: a key from DER signs. */
#include <wolfssl/options.h>
#include <wolfssl/version.h>
#include <wolfssl/wolfcrypt/asn_public.h>
#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/ed25519.h>
#include <wolfssl/wolfcrypt/rsa.h>

#include "holder.h"

static WC_RNG random_source;
static RsaKey rsa;
static ecc_key curve;
static ed25519_key edwards;

int main(int count, char **values) {
    if (asked_for_version(count, values))
        return puts(LIBWOLFSSL_VERSION_STRING) < 0;
    CHECK(wc_InitRng(&random_source) == 0);
    size_t size;
    word32 at = 0;
    if (is(values[1], "rsa")) {
        unsigned char *text = load("trad.der", &size);
        CHECK(wc_InitRsaKey(&rsa, NULL) == 0 && wc_RsaPrivateKeyDecode(text, &at, &rsa, (word32)size) == 0);
        CHECK(wc_RsaSetRNG(&rsa, &random_source) == 0);
        free(text);
    } else if (is(values[1], "ed25519")) {
        unsigned char *text = load("key.der", &size);
        CHECK(wc_ed25519_init(&edwards) == 0);
        CHECK(wc_Ed25519PrivateKeyDecode(text, &at, &edwards, (word32)size) == 0);
        free(text);
        unsigned char public_key[ED25519_PUB_KEY_SIZE];
        CHECK(wc_ed25519_make_public(&edwards, public_key, sizeof public_key) == 0);
        CHECK(wc_ed25519_import_public(public_key, sizeof public_key, &edwards) == 0);
    } else {
        unsigned char *text = load("trad.der", &size);
        CHECK(wc_ecc_init(&curve) == 0 && wc_EccPrivateKeyDecode(text, &at, &curve, (word32)size) == 0);
        free(text);
    }
    for (unsigned char round = 0; round < ROUNDS; round++) {
        unsigned char hash[32] = {round}, signature[1024];
        word32 length = sizeof signature;
        if (is(values[1], "rsa"))
            CHECK(wc_RsaSSL_Sign(hash, sizeof hash, signature, length, &rsa, &random_source) > 0);
        else if (is(values[1], "ed25519"))
            CHECK(wc_ed25519_sign_msg(hash, sizeof hash, signature, &length, &edwards) == 0);
        else
            CHECK(wc_ecc_sign_hash(hash, sizeof hash, signature, &length, &random_source, &curve) == 0);
    }
    stay();
}
