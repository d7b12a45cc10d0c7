// elliptic: bn.js's 26-bit digits sign.
'use strict';
const { kind, stay } = require('./holder');
const { ec: EC, eddsa: EdDSA } = require('elliptic');
const fs = require('fs');

const load = () => {
    const jwk = JSON.parse(fs.readFileSync('key.jwk', 'utf8'));
    const secret = Buffer.from(jwk.d, 'base64url').toString('hex');
    if (kind === 'ed25519') return new EdDSA('ed25519').keyFromSecret(secret);
    return new EC({ p256: 'p256', p384: 'p384', k256: 'secp256k1' }[kind]).keyFromPrivate(secret, 'hex');
};
const key = load();
stay((text) => key.sign(text.toString('hex').repeat(32)));
