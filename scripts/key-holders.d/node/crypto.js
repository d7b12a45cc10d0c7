// Node's crypto: a KeyObject from PEM signs.
'use strict';
const { stay } = require('./holder');
const crypto = require('crypto');
const fs = require('fs');

const key = crypto.createPrivateKey(fs.readFileSync('key.pem', 'utf8'));
const digest = key.asymmetricKeyType === 'ed25519' ? null : 'sha256';
stay((text) => crypto.sign(digest, text, key));
