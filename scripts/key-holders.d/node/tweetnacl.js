// tweetnacl: an Ed25519 seed from a file signs.
'use strict';
const { stay } = require('./holder');
const fs = require('fs');
const nacl = require('tweetnacl');

const key = nacl.sign.keyPair.fromSeed(new Uint8Array(fs.readFileSync('seed.bin')));
stay((text) => nacl.sign.detached(new Uint8Array(text), key.secretKey));
