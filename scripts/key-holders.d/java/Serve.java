/** JSSE: a server with a key from PKCS#12. Started as `Serve KIND PORT`. */

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;

public class Serve {
    public static void main(String[] arguments) throws Exception {
        if (arguments[0].equals("version")) {
            System.out.println(System.getProperty("java.version"));
            return;
        }
        char[] passphrase = "throwaway".toCharArray();
        KeyStore store = KeyStore.getInstance("PKCS12");
        try (InputStream file = Files.newInputStream(Path.of("key.p12"))) {
            store.load(file, passphrase);
        }
        KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(store, passphrase);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), null, null);
        int port = Integer.parseInt(arguments[1]);
        SSLServerSocket server = (SSLServerSocket) context.getServerSocketFactory().createServerSocket(port);
        while (true) {
            try (SSLSocket socket = (SSLSocket) server.accept()) {
                socket.startHandshake();
                socket.getOutputStream().write('.');
            } catch (IOException broken) {
                // The driver looks whether the port is open before it talks TLS.
                System.err.println(broken);
            }
        }
    }
}
