/* OpenSSL's and BoringSSL's EVP: a key from PEM signs, or agrees on secrets (X25519). */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "holder.h"

static void sign(EVP_PKEY *key, unsigned char round) {
    const EVP_MD *digest = EVP_PKEY_id(key) == EVP_PKEY_ED25519 ? NULL : EVP_sha256();
    unsigned char text[100] = {round}, signature[1024];
    size_t size = sizeof signature;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    CHECK(context && EVP_DigestSignInit(context, NULL, digest, NULL, key) == 1);
    CHECK(EVP_DigestSign(context, signature, &size, text, sizeof text) == 1);
    EVP_MD_CTX_free(context);
}

static void agree(EVP_PKEY *key, unsigned char round) {
    unsigned char point[32] = {9, round}, secret[32];
    size_t size = sizeof secret;
    EVP_PKEY *peer = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, point, sizeof point);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    CHECK(peer && context && EVP_PKEY_derive_init(context) == 1 && EVP_PKEY_derive_set_peer(context, peer) == 1);
    CHECK(EVP_PKEY_derive(context, secret, &size) == 1);
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(peer);
}

int main(int count, char **values) {
    if (asked_for_version(count, values))
        return puts(OpenSSL_version(OPENSSL_VERSION)) < 0;
    FILE *file = fopen("key.pem", "r");
    CHECK(file);
    EVP_PKEY *key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
    CHECK(key);
    fclose(file);
    for (unsigned char round = 0; round < ROUNDS; round++)
        EVP_PKEY_id(key) == EVP_PKEY_X25519 ? agree(key, round) : sign(key, round);
    stay();
}
