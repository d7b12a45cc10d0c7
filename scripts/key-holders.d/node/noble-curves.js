// @noble/curves: a scalar or seed as bytes, in the arithmetic as BigInt, signs.
'use strict';
const { kind, stay } = require('./holder');
const fs = require('fs');

const load = () => new Uint8Array(Buffer.from(JSON.parse(fs.readFileSync('key.jwk', 'utf8')).d, 'base64url'));
const curves = {
    p256: () => import('@noble/curves/nist.js').then((all) => all.p256),
    p384: () => import('@noble/curves/nist.js').then((all) => all.p384),
    k256: () => import('@noble/curves/secp256k1.js').then((all) => all.secp256k1),
    ed25519: () => import('@noble/curves/ed25519.js').then((all) => all.ed25519),
};
const key = load();
curves[kind]().then((curve) => stay((text) => curve.sign(new Uint8Array(32).fill(text[0]), key)));
