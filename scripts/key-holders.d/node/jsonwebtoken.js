// jsonwebtoken: the PEM text is given to every call, as most programs do.
'use strict';
const { kind, stay } = require('./holder');
const fs = require('fs');
const jwt = require('jsonwebtoken');

const key = fs.readFileSync('key.pem', 'utf8');
const algorithm = { p256: 'ES256', p384: 'ES384' }[kind] || 'RS256';
stay((text) => jwt.sign({ sub: text.toString('hex') }, key, { algorithm }));
