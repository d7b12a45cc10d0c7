/* Crypto++: a key from PKCS#8 signs. */
#include <crypto++/eccrypto.h>
#include <crypto++/files.h>
#include <crypto++/osrng.h>
#include <crypto++/rsa.h>
#include <crypto++/sha.h>
#include <crypto++/xed25519.h>

#include "holder.h"

using namespace CryptoPP;

static std::unique_ptr<PK_Signer> read_key(const char *kind) {
    FileSource file("key.der", true);
    if (is(kind, "rsa")) {
        RSA::PrivateKey key;
        key.Load(file);
        return std::make_unique<RSASS<PKCS1v15, SHA256>::Signer>(key);
    }
    if (is(kind, "ed25519")) {
        auto signer = std::make_unique<ed25519Signer>();
        signer->AccessPrivateKey().Load(file);
        return signer;
    }
    ECDSA<ECP, SHA256>::PrivateKey key;
    key.Load(file);
    return std::make_unique<ECDSA<ECP, SHA256>::Signer>(key);
}

int main(int count, char **values) {
    if (asked_for_version(count, values))
        return printf("%d.%d\n", CRYPTOPP_VERSION / 100, CRYPTOPP_VERSION / 10 % 10) < 0;
    AutoSeededRandomPool random;
    auto signer = read_key(values[1]);
    for (byte round = 0; round < ROUNDS; round++) {
        SecByteBlock signature(signer->MaxSignatureLength());
        signer->SignMessage(random, &round, 1, signature);
    }
    stay();
}
