// Keys as Bouncy Castle writes them: PKCS#8 version 2 with the public key, and attributes.
// usage: java Bouncy BASE OUT SPKI; what it prints: see take_rows in python.sh.

import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.spec.PKCS8EncodedKeySpec;
import org.bouncycastle.asn1.DERBMPString;
import org.bouncycastle.asn1.DERSet;
import org.bouncycastle.asn1.pkcs.Attribute;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.jce.provider.BouncyCastleProvider;

class Bouncy {
    static final BouncyCastleProvider PROVIDER = new BouncyCastleProvider();
    static final String TOOL = "Bouncy Castle " + PROVIDER.getVersionStr();

    public static void main(String[] arguments) throws Exception {
        Path base = Path.of(arguments[0]), out = Path.of(arguments[1]), spki = Path.of(arguments[2]);
        for (String key : new String[] {"ed25519", "x448", "p256", "secp256k1", "dsa2048"}) {
            String algorithm = key.startsWith("ed") ? "EdDSA" : key.startsWith("x") ? "XDH" : key.startsWith("dsa") ? "DSA" : "EC";
            byte[] read = Files.readAllBytes(base.resolve(key + ".der"));
            PrivateKey rebuilt = KeyFactory.getInstance(algorithm, PROVIDER).generatePrivate(new PKCS8EncodedKeySpec(read));
            Files.write(out.resolve(key + ".bouncy.der"), rebuilt.getEncoded());
            list(key + ".bouncy.der", key, "-");
        }
        for (String key : new String[] {"rsa1024", "p384", "ed25519"}) {
            PrivateKeyInfo info = PrivateKeyInfo.getInstance(Files.readAllBytes(base.resolve(key + ".der")));
            PrivateKeyInfo named = new PrivateKeyInfo(info.getPrivateKeyAlgorithm(), info.parsePrivateKey(), name(key));
            Files.write(out.resolve(key + ".bouncy-attributes.der"), named.getEncoded());
            list(key + ".bouncy-attributes.der", key, "attributes");
        }
        // Only a key of its own making takes its public half along.
        for (String algorithm : new String[] {"Ed25519", "X25519", "Ed448", "X448"}) {
            KeyPair pair = KeyPairGenerator.getInstance(algorithm, PROVIDER).generateKeyPair();
            String kind = algorithm.toLowerCase(), key = "bouncy-" + kind;
            Files.write(spki.resolve(key), pair.getPublic().getEncoded());
            int bits = kind.endsWith("25519") ? 256 : kind.startsWith("e") ? 456 : 448;
            System.out.println(String.join("\t", "know", key, kind, "" + bits, "-"));
            Files.write(out.resolve(key + ".v2.der"), pair.getPrivate().getEncoded());
            list(key + ".v2.der", key, "version 2 with the public key");
            PrivateKeyInfo info = PrivateKeyInfo.getInstance(pair.getPrivate().getEncoded());
            PrivateKeyInfo both = new PrivateKeyInfo(info.getPrivateKeyAlgorithm(), info.parsePrivateKey(), name(key),
                    info.getPublicKeyData().getOctets());
            Files.write(out.resolve(key + ".v2-attributes.der"), both.getEncoded());
            list(key + ".v2-attributes.der", key, "version 2 with the public key and attributes");
        }
    }

    static DERSet name(String text) {
        return new DERSet(new Attribute(PKCSObjectIdentifiers.pkcs_9_at_friendlyName, new DERSet(new DERBMPString(text))));
    }

    static void list(String file, String key, String note) {
        System.out.println(String.join("\t", "list", file, key, "der.pkcs8", TOOL, note));
    }
}
