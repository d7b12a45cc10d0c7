// node-forge in SpiderMonkey's small integers, under GJS: an RSA key from PEM signs. Started with the module's directory.
const { GLib } = imports.gi;
const decode = (name) => new TextDecoder().decode(GLib.file_get_contents(name)[1]);

const directory = GLib.getenv('NODE_PATH') + '/node-forge';
if (ARGV[0] === 'version') {
    print(`${JSON.parse(decode(`${directory}/package.json`)).version}, GJS ${imports.system.version}`);
    imports.system.exit(0);
}
const module = { exports: {} };
globalThis.self = globalThis;
new Function('module', 'exports', decode(`${directory}/dist/forge.min.js`))(module, module.exports);
const forge = module.exports;

const key = forge.pki.privateKeyFromPem(decode('key.pem'));
for (let round = 0; round < 5; round++) {
    const digest = forge.md.sha256.create();
    digest.update(`text ${round}`);
    key.sign(digest);
}
GLib.file_set_contents('ready', '');
new GLib.MainLoop(null, false).run();
