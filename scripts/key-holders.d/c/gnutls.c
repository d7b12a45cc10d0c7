/* GnuTLS: a key from PEM signs. */
#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "holder.h"

int main(int count, char **values) {
    if (asked_for_version(count, values))
        return puts(gnutls_check_version(NULL)) < 0;
    gnutls_datum_t text;
    CHECK(gnutls_load_file("key.pem", &text) == 0);
    gnutls_privkey_t key;
    CHECK(gnutls_privkey_init(&key) == 0);
    CHECK(gnutls_privkey_import_x509_raw(key, &text, GNUTLS_X509_FMT_PEM, NULL, 0) == 0);
    gnutls_free(text.data);
    gnutls_sign_algorithm_t algorithm = GNUTLS_SIGN_RSA_SHA256;
    if (is(values[1], "p256"))
        algorithm = GNUTLS_SIGN_ECDSA_SHA256;
    else if (is(values[1], "p384"))
        algorithm = GNUTLS_SIGN_ECDSA_SHA384;
    else if (is(values[1], "p521"))
        algorithm = GNUTLS_SIGN_ECDSA_SHA512;
    else if (is(values[1], "ed25519"))
        algorithm = GNUTLS_SIGN_EDDSA_ED25519;
    for (unsigned char round = 0; round < ROUNDS; round++) {
        gnutls_datum_t data = {&round, 1}, signature;
        CHECK(gnutls_privkey_sign_data2(key, algorithm, 0, &data, &signature) == 0);
        gnutls_free(signature.data);
    }
    stay();
}
