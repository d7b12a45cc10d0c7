/** java.security: a key from PEM signs, by the providers of the JDK or, as `Sign KIND bc`, by Bouncy Castle. */

import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.Provider;
import java.security.Security;
import java.security.Signature;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;

public class Sign {
    public static void main(String[] arguments) throws Exception {
        boolean bouncy = arguments.length > 1 && arguments[1].equals("bc");
        if (bouncy) {
            Class<?> provider = Class.forName("org.bouncycastle.jce.provider.BouncyCastleProvider");
            Security.insertProviderAt((Provider) provider.getDeclaredConstructor().newInstance(), 1);
        }
        if (arguments[0].equals("version")) {
            String version = System.getProperty("java.version");
            System.out.println(bouncy ? Security.getProvider("BC").getVersionStr() + ", Java " + version : version);
            return;
        }
        PrivateKey key = load(arguments[0]);
        String algorithm = "SHA256withECDSA";
        if (arguments[0].startsWith("rsa")) algorithm = "SHA256withRSA";
        if (arguments[0].equals("ed25519")) algorithm = "Ed25519";
        for (byte round = 0; round < 5; round++) {
            Signature signature = Signature.getInstance(algorithm);
            signature.initSign(key);
            signature.update(round);
            signature.sign();
        }
        work();
        Files.createFile(Path.of("ready"));
        Thread.sleep(1_000_000_000L);
        System.out.println(key.getAlgorithm());
    }

    /** What a program does besides: garbage, so that what nobody holds any more is collected. */
    private static void work() {
        StringBuilder kept = new StringBuilder();
        for (int number = 0; number < 200_000; number++) {
            String text = "session " + number + " of user " + number * 7919L;
            if (number % 1000 == 0) kept.append(text);
        }
        System.gc();
        if (kept.length() == 0) throw new IllegalStateException();
    }

    private static PrivateKey load(String kind) throws Exception {
        String text = Files.readString(Path.of("key.pem")).replaceAll("-----.*?-----|\\s", "");
        String family = kind.startsWith("rsa") ? "RSA" : kind.equals("ed25519") ? "Ed25519" : "EC";
        return KeyFactory.getInstance(family).generatePrivate(new PKCS8EncodedKeySpec(Base64.getDecoder().decode(text)));
    }
}
