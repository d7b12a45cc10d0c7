// Node's crypto: a KeyObject from PEM signs, or agrees on secrets (X25519).
'use strict';
const { stay } = require('./holder');
const crypto = require('crypto');
const fs = require('fs');

const key = crypto.createPrivateKey(fs.readFileSync('key.pem', 'utf8'));
const digest = key.asymmetricKeyType === 'ed25519' ? null : 'sha256';
const agree = () => {
    const { publicKey } = crypto.generateKeyPairSync('x25519');
    return crypto.diffieHellman({ privateKey: key, publicKey });
};
stay((text) => (key.asymmetricKeyType === 'x25519' ? agree() : crypto.sign(digest, text, key)));
