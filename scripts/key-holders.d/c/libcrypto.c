/* OpenSSL's and BoringSSL's EVP: a key from PEM signs. */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "holder.h"

int main(int count, char **values) {
    if (asked_for_version(count, values))
        return puts(OpenSSL_version(OPENSSL_VERSION)) < 0;
    FILE *file = fopen("key.pem", "r");
    CHECK(file);
    EVP_PKEY *key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
    CHECK(key);
    fclose(file);
    const EVP_MD *digest = EVP_PKEY_id(key) == EVP_PKEY_ED25519 ? NULL : EVP_sha256();
    for (unsigned char round = 0; round < ROUNDS; round++) {
        unsigned char text[100] = {round}, signature[1024];
        size_t size = sizeof signature;
        EVP_MD_CTX *context = EVP_MD_CTX_new();
        CHECK(context && EVP_DigestSignInit(context, NULL, digest, NULL, key) == 1);
        CHECK(EVP_DigestSign(context, signature, &size, text, sizeof text) == 1);
        EVP_MD_CTX_free(context);
    }
    stay();
}
