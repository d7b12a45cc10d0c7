// Keys as node's crypto module writes them. usage: see take_rows in python.sh.

import { createPrivateKey, createPublicKey, generateKeyPairSync, generateKeySync } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";

const [base, out, spki, passphrase] = process.argv.slice(2);
const major = Number(process.versions.node.split(".")[0]);
const tool = `node ${major}`;
const print = (...fields) => console.log(fields.join("\t"));

function list(file, key, form, note, data) {
    writeFileSync(`${out}/${file}`, data);
    print("list", file, key, form, tool, note);
}

const load = (name) => createPrivateKey(readFileSync(`${base}/${name}.pem`));

if (major < 24) {
    for (const name of ["rsa1024", "rsa2048", "p256", "p384", "p521", "secp256k1", "ed25519", "x25519", "ed448", "x448"]) {
        const jwk = load(name).export({ format: "jwk" });
        list(`${name}.node.jwk`, name, "json.jwk", "compact, order of node", JSON.stringify(jwk));
        if (["rsa2048", "p384"].includes(name))
            list(`${name}.node-pretty.jwk`, name, "json.jwk", "indented by tabs", JSON.stringify(jwk, null, "\t"));
    }
    const secret = generateKeySync("hmac", { length: 256 });
    print("know", "node-oct256", "symmetric", 256, "-");
    list("node-oct256.jwk", "node-oct256", "json.jwk", "oct", JSON.stringify(secret.export({ format: "jwk" })));

    const several = ["p256", "ed25519", "secp256k1"];
    const keys = several.map((name) => ({ kid: name, use: "sig", ...load(name).export({ format: "jwk" }) }));
    for (const name of several)
        list("several.node.jwks", name, "json.jwk", "set of three, indented", JSON.stringify({ keys }, null, 2));

    list("p384.node.pem", "p384", "pem.sec1", "-", load("p384").export({ format: "pem", type: "sec1" }));
    list("p384.node-encrypted.pem", "p384", "pem.pkcs8-encrypted", "PBES2, AES-256-CBC",
        load("p384").export({ format: "pem", type: "pkcs8", cipher: "aes-256-cbc", passphrase }));
    const lines = JSON.stringify({ key: load("p256").export({ format: "pem", type: "pkcs8" }) });
    list("p256.node-pem.json", "p256", "pem.pkcs8", "JSON, line ends as \\n", lines);
} else {
    const algorithms = ["ml-dsa-44", "ml-dsa-65", "ml-kem-512", "ml-kem-768", "slh-dsa-sha2-128s", "slh-dsa-shake-192f"];
    for (const algorithm of algorithms) {
        const key = `node-${algorithm.replaceAll("-", "")}`;
        let pair;
        try {
            pair = generateKeyPairSync(algorithm);
        } catch (error) {
            console.error(`skipped: ${tool} makes no ${algorithm}: ${error.message}`);
            continue;
        }
        writeFileSync(`${spki}/${key}`, pair.publicKey.export({ format: "der", type: "spki" }));
        print("know", key, "other", "-", "-");
        const name = algorithm.toUpperCase();
        list(`${key}.pkcs8.der`, key, "der.pkcs8", name, pair.privateKey.export({ format: "der", type: "pkcs8" }));
        list(`${key}.pkcs8.pem`, key, "pem.pkcs8", name, pair.privateKey.export({ format: "pem", type: "pkcs8" }));
        if (algorithm === "ml-dsa-44")
            list(`${key}.jwk`, key, "json.jwk", `${name}, kty AKP`, JSON.stringify(pair.privateKey.export({ format: "jwk" })));
    }
}
