// Keys as .NET's RSA and DSA write them. usage: mono forms.exe rsa|dsa BLOB OUT

using System.IO;
using System.Security.Cryptography;
using System.Text;

static class Forms {
    static void Main(string[] arguments) {
        byte[] blob = File.ReadAllBytes(arguments[1]);
        AsymmetricAlgorithm key;
        byte[] exported;
        if (arguments[0] == "rsa") {
            var rsa = new RSACryptoServiceProvider { PersistKeyInCsp = false };
            rsa.ImportCspBlob(blob);
            exported = rsa.ExportCspBlob(true);
            key = rsa;
        } else {
            var dsa = new DSACryptoServiceProvider { PersistKeyInCsp = false };
            dsa.ImportCspBlob(blob);
            exported = dsa.ExportCspBlob(true);
            key = dsa;
        }
        string xml = key.ToXmlString(true);
        File.WriteAllBytes(arguments[2] + ".blob", exported);
        File.WriteAllBytes(arguments[2] + ".xml", Encoding.ASCII.GetBytes(xml));
        File.WriteAllBytes(arguments[2] + "-utf16.xml", Encoding.Unicode.GetBytes(xml));
        File.WriteAllText(arguments[2] + "-public.xml", key.ToXmlString(false));
    }
}
