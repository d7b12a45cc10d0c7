// .NET's RSACryptoServiceProvider, on Mono in Mono's own arithmetic: a key from XML signs.
using System;
using System.IO;
using System.Security.Cryptography;
using System.Threading;

class Mono
{
    static RSACryptoServiceProvider Load()
    {
        var key = new RSACryptoServiceProvider();
        key.FromXmlString(File.ReadAllText("key.xml"));
        return key;
    }

    static void Main(string[] arguments)
    {
        if (arguments[0] == "version")
        {
            Console.WriteLine(Environment.Version);
            return;
        }
        var key = Load();
        for (int round = 0; round < 5; round++)
            key.SignData(new byte[] { (byte)round }, "SHA256");
        File.WriteAllText("ready", "");
        Thread.Sleep(1000000000);
        GC.KeepAlive(key);
    }
}
