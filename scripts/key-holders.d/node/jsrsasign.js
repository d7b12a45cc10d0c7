// jsrsasign: jsbn's digits sign.
'use strict';
const { kind, stay } = require('./holder');
const fs = require('fs');
const { KEYUTIL, KJUR } = require('jsrsasign');

const key = KEYUTIL.getKey(fs.readFileSync('key.pem', 'utf8'));
stay((text) => {
    const signature = new KJUR.crypto.Signature({ alg: kind.startsWith('rsa') ? 'SHA256withRSA' : 'SHA256withECDSA' });
    signature.init(key);
    signature.updateHex(text.toString('hex'));
    return signature.sign();
});
