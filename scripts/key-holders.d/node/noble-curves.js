// @noble/curves: a scalar or seed as bytes, in the arithmetic as BigInt, signs.
'use strict';
const { kind, stay } = require('./holder');
const fs = require('fs');

const load = () => new Uint8Array(Buffer.from(JSON.parse(fs.readFileSync('key.jwk', 'utf8')).d, 'base64url'));
const modules = { p256: 'nist', p384: 'nist', k256: 'secp256k1', ed25519: 'ed25519' };
const names = { p256: 'p256', p384: 'p384', k256: 'secp256k1', ed25519: 'ed25519' };
const curve = require(`@noble/curves/${modules[kind]}.js`)[names[kind]];
const key = load();
stay((text) => curve.sign(new Uint8Array(32).fill(text[0]), key));
