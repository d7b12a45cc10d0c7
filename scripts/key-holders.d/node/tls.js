// Node's tls: a server with a key from PEM. Started as `tls.js KIND PORT`.
'use strict';
require('./holder');
const fs = require('fs');
const tls = require('tls');

const server = tls.createServer({ key: fs.readFileSync('key.pem'), cert: fs.readFileSync('cert.pem') }, (socket) => socket.end('.'));
server.on('tlsClientError', (error) => console.error(error.message));
server.listen(Number(process.argv[3]), '127.0.0.1');
