// sshpk: a key from PEM signs.
'use strict';
const { kind, stay } = require('./holder');
const fs = require('fs');
const sshpk = require('sshpk');

const key = sshpk.parsePrivateKey(fs.readFileSync('key.ssh', 'utf8'), 'ssh-private');
stay((text) => {
    const signer = key.createSign(kind === 'ed25519' ? 'sha512' : 'sha256');
    signer.update(text);
    return signer.sign();
});
