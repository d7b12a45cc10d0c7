/* NSS: a key from PKCS#8 lies in the software token's memory and signs. */
#include <cryptohi.h>
#include <keyhi.h>
#include <nss.h>
#include <pk11pub.h>
#include <secoid.h>

#include "holder.h"

int main(int count, char **values) {
    if (asked_for_version(count, values))
        return puts(NSS_GetVersion()) < 0;
    CHECK(NSS_NoDB_Init(NULL) == SECSuccess);
    PK11SlotInfo *slot = PK11_GetInternalSlot();
    CHECK(slot);
    /* The token wants the public half along: the number by which it names the key. */
    size_t size;
    unsigned char *public_text = load("spki.der", &size);
    SECItem item = {siBuffer, public_text, (unsigned int)size};
    CERTSubjectPublicKeyInfo *info = SECKEY_DecodeDERSubjectPublicKeyInfo(&item);
    CHECK(info);
    SECKEYPublicKey *public_key = SECKEY_ExtractPublicKey(info);
    CHECK(public_key);
    SECItem *name = is(values[1], "rsa") ? &public_key->u.rsa.modulus : &public_key->u.ec.publicValue;
    unsigned char *text = load("key.der", &size);
    item = (SECItem){siBuffer, text, (unsigned int)size};
    SECKEYPrivateKey *key = NULL;
    CHECK(PK11_ImportDERPrivateKeyInfoAndReturnKey(slot, &item, NULL, name, PR_FALSE, PR_FALSE, KU_ALL, &key, NULL) ==
          SECSuccess);
    free(text);
    free(public_text);
    SECOidTag algorithm = is(values[1], "rsa") ? SEC_OID_PKCS1_SHA256_WITH_RSA_ENCRYPTION
                                               : SEC_OID_ANSIX962_ECDSA_SHA256_SIGNATURE;
    for (unsigned char round = 0; round < ROUNDS; round++) {
        SECItem signature;
        CHECK(SEC_SignData(&signature, &round, 1, key, algorithm) == SECSuccess);
        SECITEM_FreeItem(&signature, PR_FALSE);
    }
    stay();
}
