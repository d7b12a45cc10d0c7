# public: the public halves of keys here, which confirm private ones. Sourced by make-forms.
# shellcheck shell=bash disable=SC2154

make_public() {
    have openssl gpg gpgconf node mcs mono "$python" || return 0
    local key at version
    for key in rsa1024 p256; do
        openssl req -new -key "$key.pem" -subj "/CN=$comment" -out "$out/$key.request.pem"
        list "$key.request.pem" "$key" pem.certificate-request "$openssl_tool"
    done
    openssl rsa -in rsa1024.pem -RSAPublicKey_out -outform DER -out "$out/rsa1024.public.pkcs1.der" 2>/dev/null
    list rsa1024.public.pkcs1.der rsa1024 der.pkcs1-public "$openssl_tool"
    openssl rsa -in rsa1024.pem -pubout -outform MSBLOB -out "$out/rsa1024.public.blob" 2>/dev/null
    list rsa1024.public.blob rsa1024 windows.public-blob "$openssl_tool" PUBLICKEYBLOB

    gpg_tool=$(gpg --version | sed -n '1s/.* \([0-9]*\.[0-9]*\)\..*/gpg \1/p')
    rm -rf home
    mkdir -m 700 home
    gpg_run --import "$target/gpg-p256.clear.pgp"
    gpg_run --export -o "$out/gpg-p256.public.pgp"
    gpg_run --armor --export -o "$out/gpg-p256.public.asc"
    for at in 0 1; do
        "$python" "$helpers/spki.py" pgp "$at" <"$out/gpg-p256.public.pgp" >"spki/gpg-p256.public.$at"
        know "gpg-p256.public.$at" ec 256 P-256 "spki/gpg-p256.public.$at"
        list gpg-p256.public.pgp "gpg-p256.public.$at" pgp.public-key "$gpg_tool"
        list gpg-p256.public.asc "gpg-p256.public.$at" pem.pgp-public "$gpg_tool"
    done
    GNUPGHOME=$work/home gpgconf --kill gpg-agent

    for key in rsa1024 p256 ed25519 x25519; do
        node -e 'const { createPublicKey } = require("node:crypto"), { readFileSync } = require("node:fs");
            const key = createPublicKey(readFileSync(process.argv[1]));
            process.stdout.write(JSON.stringify(key.export({ format: "jwk" })))' "$key.pem" >"$out/$key.public.jwk"
        list "$key.public.jwk" "$key" json.jwk-public "node $(node --version | sed 's/v\([0-9]*\).*/\1/')"
    done

    version=$(mono --version | sed -n '1s/.*version \([0-9]*\.[0-9]*\).*/\1/p')
    mcs -out:forms.exe "$helpers/mono.cs"
    for key in rsa1024 dsa1024; do
        openssl "${key%%[0-9]*}" -in "$key.pem" -outform MSBLOB -out "$key.blob" 2>/dev/null
        HOME=$work mono forms.exe "${key%%[0-9]*}" "$key.blob" "$work/$key"
        install -m 644 "$key-public.xml" "$out/$key.public.xml"
        list "$key.public.xml" "$key" "xml.${key%%[0-9]*}-public" "mono $version" "ToXmlString"
    done
}
