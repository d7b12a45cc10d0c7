/* libgcrypt: a key from an S-expression signs; ordinary memory, as most programs use it. */
#include <gcrypt.h>

#include "holder.h"

int main(int count, char **values) {
    if (asked_for_version(count, values))
        return puts(gcry_check_version(NULL)) < 0;
    gcry_check_version(NULL);
    gcry_control(GCRYCTL_DISABLE_SECMEM, 0);
    gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0);
    size_t size;
    unsigned char *text = load("key.sexp", &size);
    gcry_sexp_t key;
    CHECK(gcry_sexp_new(&key, text, size, 1) == 0);
    free(text);
    for (int round = 0; round < ROUNDS; round++) {
        unsigned char hash[32] = {(unsigned char)round};
        gcry_sexp_t data, signature;
        const char *form = "(data (flags pkcs1) (hash sha256 %b))";
        if (is(values[1], "ed25519"))
            form = "(data (flags eddsa) (hash-algo sha512) (value %b))";
        else if (!is(values[1], "rsa"))
            form = "(data (flags raw) (value %b))";
        CHECK(gcry_sexp_build(&data, NULL, form, 32, hash) == 0);
        CHECK(gcry_pk_sign(&signature, data, key) == 0);
        gcry_sexp_release(signature);
        gcry_sexp_release(data);
    }
    stay();
}
