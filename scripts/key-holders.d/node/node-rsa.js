// node-rsa: jsbn's digits in its own arithmetic sign.
'use strict';
const { stay } = require('./holder');
const fs = require('fs');
const { NodeRSA } = require('node-rsa');

const key = new NodeRSA(fs.readFileSync('trad.pem', 'utf8'), 'pkcs1-private-pem', { environment: 'browser' });
stay((text) => key.sign(text));
