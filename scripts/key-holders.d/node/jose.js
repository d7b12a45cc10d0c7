// jose on WebCrypto: a CryptoKey from PKCS#8 signs.
'use strict';
const { kind, stay } = require('./holder');
const fs = require('fs');
const jose = require('jose');

const algorithm = { p256: 'ES256', p384: 'ES384', ed25519: 'Ed25519' }[kind] || 'RS256';
jose.importPKCS8(fs.readFileSync('key.pem', 'utf8'), algorithm).then((key) =>
    stay((text) => new jose.SignJWT({ sub: text.toString('hex') }).setProtectedHeader({ alg: algorithm }).sign(key)));
