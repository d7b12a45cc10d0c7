// jsencrypt: jsbn's digits sign.
'use strict';
const { stay } = require('./holder');
const crypto = require('crypto');
const fs = require('fs');
// It is made for browsers.
globalThis.window = globalThis;
const { JSEncrypt } = require('jsencrypt');

const key = new JSEncrypt();
key.setPrivateKey(fs.readFileSync('trad.pem', 'utf8'));
stay((text) => key.sign(text.toString('hex'), (data) => crypto.createHash('sha256').update(data).digest('hex'), 'sha256'));
