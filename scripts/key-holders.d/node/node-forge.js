// node-forge: RSA in 28-bit digits signs.
'use strict';
const { stay } = require('./holder');
const forge = require('node-forge');
const fs = require('fs');

const key = forge.pki.privateKeyFromPem(fs.readFileSync('key.pem', 'utf8'));
stay((text) => {
    const digest = forge.md.sha256.create();
    digest.update(text.toString('binary'));
    return key.sign(digest);
});
