// Keys as the JDK's own providers write them. usage: java Jdk BASE OUT SPKI; BASE `-` makes post-quantum keys instead.
// What it prints: see take_rows in python.sh.

import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.NoSuchAlgorithmException;
import java.security.PrivateKey;
import java.security.interfaces.ECPrivateKey;
import java.security.interfaces.EdECPrivateKey;
import java.security.interfaces.RSAPrivateCrtKey;
import java.security.spec.ECPrivateKeySpec;
import java.security.spec.EdECPrivateKeySpec;
import java.security.spec.KeySpec;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.RSAPrivateCrtKeySpec;
import java.security.spec.RSAPrivateKeySpec;

class Jdk {
    static final String TOOL = "jdk " + Runtime.version().feature();

    public static void main(String[] arguments) throws Exception {
        Path base = Path.of(arguments[0]), out = Path.of(arguments[1]), spki = Path.of(arguments[2]);
        if (!arguments[0].equals("-")) {
            numbers(base, out);
            return;
        }
        for (String algorithm : new String[] {"ML-DSA-44", "ML-DSA-65", "ML-KEM-512", "ML-KEM-768"}) {
            KeyPair pair;
            try {
                pair = KeyPairGenerator.getInstance(algorithm).generateKeyPair();
            } catch (NoSuchAlgorithmException error) {
                System.err.println("skipped: " + TOOL + " makes no " + algorithm);
                continue;
            }
            String key = "jdk-" + algorithm.toLowerCase().replace("-", "");
            Files.write(spki.resolve(key), pair.getPublic().getEncoded());
            row("know", key, "other", "-", "-");
            Files.write(out.resolve(key + ".pkcs8.der"), pair.getPrivate().getEncoded());
            row("list", key + ".pkcs8.der", key, "der.pkcs8", TOOL, algorithm);
        }
    }

    // The keys are rebuilt from their numbers: a key that was read from PKCS#8 may keep the bytes it was read from.
    static void numbers(Path base, Path out) throws Exception {
        for (String key : new String[] {"rsa1024", "p256", "p384", "p521", "ed25519", "ed448"}) {
            String algorithm = key.startsWith("rsa") ? "RSA" : key.startsWith("ed") ? "EdDSA" : "EC";
            KeyFactory factory = KeyFactory.getInstance(algorithm);
            PrivateKey read = factory.generatePrivate(new PKCS8EncodedKeySpec(Files.readAllBytes(base.resolve(key + ".der"))));
            KeySpec spec;
            String note = "-";
            if (read instanceof RSAPrivateCrtKey rsa) {
                spec = new RSAPrivateCrtKeySpec(rsa.getModulus(), rsa.getPublicExponent(), rsa.getPrivateExponent(),
                        rsa.getPrimeP(), rsa.getPrimeQ(), rsa.getPrimeExponentP(), rsa.getPrimeExponentQ(),
                        rsa.getCrtCoefficient());
                PrivateKey bare = factory.generatePrivate(new RSAPrivateKeySpec(rsa.getModulus(), rsa.getPrivateExponent()));
                Files.write(out.resolve(key + ".jdk-bare.der"), bare.getEncoded());
                row("list", key + ".jdk-bare.der", key, "der.pkcs8", TOOL, "n and d alone, other numbers 0");
            } else if (read instanceof ECPrivateKey ec) {
                spec = new ECPrivateKeySpec(ec.getS(), ec.getParams());
                note = "no public point";
            } else {
                EdECPrivateKey edwards = (EdECPrivateKey) read;
                spec = new EdECPrivateKeySpec(edwards.getParams(), edwards.getBytes().get());
            }
            Files.write(out.resolve(key + ".jdk.der"), factory.generatePrivate(spec).getEncoded());
            row("list", key + ".jdk.der", key, "der.pkcs8", TOOL, note);
        }
    }

    static void row(String... fields) {
        System.out.println(String.join("\t", fields));
    }
}
