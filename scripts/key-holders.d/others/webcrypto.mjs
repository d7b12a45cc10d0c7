// WebCrypto of Deno or another runtime: a CryptoKey from PKCS#8 signs. Started as `webcrypto.mjs KIND`.
import { readFileSync, writeFileSync } from 'node:fs';
import process from 'node:process';

const kind = process.argv[2];
if (kind === 'version') {
    console.log(process.versions.deno ? `Deno ${process.versions.deno}` : process.version);
    process.exit();
}
const hash = 'SHA-256';
const algorithms = {
    p256: { name: 'ECDSA', namedCurve: 'P-256', hash }, p384: { name: 'ECDSA', namedCurve: 'P-384', hash },
    ed25519: { name: 'Ed25519' },
};
const algorithm = algorithms[kind] || { name: 'RSASSA-PKCS1-v1_5', hash };
const key = await crypto.subtle.importKey('pkcs8', readFileSync('key.der'), algorithm, false, ['sign']);
for (let round = 0; round < 5; round++) await crypto.subtle.sign(algorithm, key, new Uint8Array([round]));
writeFileSync('ready', '');
setInterval(() => key.type, 1000000);
