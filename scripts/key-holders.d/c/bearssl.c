/* BearSSL: a key from DER signs. */
#include <bearssl.h>

#include "holder.h"

static br_skey_decoder_context decoder;

int main(int count, char **values) {
    if (asked_for_version(count, values))
        return puts("0.6") < 0; /* it cannot be asked */
    size_t size;
    unsigned char *text = load("key.der", &size);
    br_skey_decoder_init(&decoder);
    br_skey_decoder_push(&decoder, text, size);
    CHECK(br_skey_decoder_last_error(&decoder) == 0);
    free(text);
    for (unsigned char round = 0; round < ROUNDS; round++) {
        unsigned char hash[32] = {round}, signature[1024];
        const br_rsa_private_key *rsa = br_skey_decoder_get_rsa(&decoder);
        const br_ec_private_key *ec = br_skey_decoder_get_ec(&decoder);
        if (rsa)
            CHECK(br_rsa_pkcs1_sign_get_default()(BR_HASH_OID_SHA256, hash, 32, rsa, signature));
        else
            CHECK(br_ecdsa_sign_asn1_get_default()(br_ec_get_default(), &br_sha256_vtable, hash, ec, signature));
    }
    stay();
}
