// What the holders in JavaScript have in common: they sign some times, say that they are ready, and stay.
'use strict';
const fs = require('fs');

exports.kind = process.argv[2];
if (exports.kind === 'version') {
    // Several are named by their package; what belongs to Node by Node.
    const name = process.argv[3];
    const { bun, boringssl, openssl } = process.versions;
    const engine = bun ? `Bun ${bun}` : `Node ${process.version}`;
    const library = bun ? `BoringSSL ${boringssl.slice(0, 8)}` : `OpenSSL ${openssl}`;
    const read = () => JSON.parse(fs.readFileSync(`${process.env.NODE_PATH}/${name}/package.json`)).version;
    console.log(name && name !== 'PORT' ? `${read()}, ${engine}` : `${engine}, ${library}`);
    process.exit();
}

// What a program does besides: garbage, so that what nobody holds any more is collected.
const work = () => {
    const kept = new Map();
    for (let number = 0; number < 300000; number++) {
        const text = JSON.stringify({ session: number, user: number * 7919 });
        if (number % 1000 === 0) kept.set(text, JSON.parse(text));
    }
    return kept;
};

exports.stay = async (sign) => {
    for (let round = 0; round < 5; round++) await sign(Buffer.from([round]));
    const kept = work();
    fs.writeFileSync('ready', '');
    setInterval(() => sign.length + kept.size, 1000000);
};
