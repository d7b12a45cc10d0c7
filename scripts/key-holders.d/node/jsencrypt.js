// jsencrypt: jsbn's digits sign.
'use strict';
const { stay } = require('./holder');
const crypto = require('crypto');
const fs = require('fs');
// It is made for browsers.
globalThis.window = globalThis.self = globalThis;
const loaded = require('jsencrypt');

const JSEncrypt = loaded.JSEncrypt || loaded.default || loaded;
const hash = (text) => crypto.createHash('sha256').update(text).digest('hex');
const key = new JSEncrypt();
key.setPrivateKey(fs.readFileSync('trad.pem', 'utf8'));
stay((text) => {
    if (!key.sign(text.toString('hex'), hash, 'sha256')) throw new Error('it does not sign');
});
