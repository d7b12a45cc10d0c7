/* LibTomCrypt on LibTomMath: an RSA key from PKCS#1 signs. */
#define LTM_DESC
#include <tomcrypt.h>

#include "holder.h"

int main(int count, char **values) {
    if (asked_for_version(count, values))
        return puts(SCRYPT) < 0;
    ltc_mp = ltm_desc;
    CHECK(register_prng(&sprng_desc) >= 0);
    int hash = register_hash(&sha256_desc);
    size_t size;
    unsigned char *text = load("trad.der", &size);
    static rsa_key key;
    CHECK(rsa_import(text, size, &key) == CRYPT_OK);
    free(text);
    for (unsigned char round = 0; round < ROUNDS; round++) {
        unsigned char digest[32] = {round}, signature[1024];
        unsigned long length = sizeof signature;
        CHECK(rsa_sign_hash_ex(digest, 32, signature, &length, LTC_PKCS_1_V1_5, NULL, find_prng("sprng"), hash, 0, &key) ==
              CRYPT_OK);
    }
    stay();
}
