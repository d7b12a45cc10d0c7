// What the holders in JavaScript have in common: they sign some times, say that they are ready, and stay.
'use strict';
const fs = require('fs');

exports.kind = process.argv[2];
if (exports.kind === 'version') {
    // Several are named by their package; what belongs to Node by Node.
    const name = process.argv[3];
    const version = name && name !== 'PORT' ? JSON.parse(fs.readFileSync(`${process.env.NODE_PATH}/${name}/package.json`)).version : '';
    console.log(version ? `${version}, Node ${process.version}` : `${process.version}, OpenSSL ${process.versions.openssl}`);
    process.exit();
}

exports.stay = async (sign) => {
    for (let round = 0; round < 5; round++) await sign(Buffer.from([round]));
    fs.writeFileSync('ready', '');
    setInterval(() => sign.length, 1000000);
};
