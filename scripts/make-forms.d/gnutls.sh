# certtool of GnuTLS: PKCS#8 with attributes, PKCS#12, and its own choice of PBES2. Sourced by make-forms.
# shellcheck shell=bash disable=SC2154

make_gnutls() {
    have certtool || return 0
    local gnutls_tool name
    gnutls_tool=$(certtool --version | sed -n '1s/certtool \([0-9]*\.[0-9]*\).*/certtool \1/p')
    # A key made from a seed keeps the seed as an attribute of its PKCS#8.
    certtool --generate-privkey --provable --bits 2048 --pkcs8 --password= --outfile provable.pem >/dev/null 2>&1
    # Above the PEM certtool tells the numbers in words.
    sed -n '/^-----BEGIN/,/^-----END/p' provable.pem >"$out/gnutls-rsa2048.provable.pem"
    public provable.pem spki/provable
    know gnutls-rsa2048 rsa 2048 - spki/provable
    list gnutls-rsa2048.provable.pem gnutls-rsa2048 pem.pkcs8 "$gnutls_tool" "attribute with the seed"
    unpem "$out/gnutls-rsa2048.provable.pem" >"$out/gnutls-rsa2048.provable.der"
    list gnutls-rsa2048.provable.der gnutls-rsa2048 der.pkcs8 "$gnutls_tool" "attribute with the seed"
    for name in ed25519 p384 x448; do
        certtool -k --infile "$name.pem" --pkcs8 --password= --outfile written.pem >/dev/null 2>&1 || continue
        sed -n '/^-----BEGIN/,/^-----END/p' written.pem >"$out/$name.gnutls.pem"
        # A key it read it writes in the traditional form where there is one, and without the curve that PKCS#8 told.
        if grep -q "BEGIN EC PRIVATE" "$out/$name.gnutls.pem"; then
            list "$name.gnutls.pem" "$name" pem.sec1 "$gnutls_tool" "no curve parameters"
        else
            list "$name.gnutls.pem" "$name" pem.pkcs8 "$gnutls_tool"
        fi
    done
    for name in aes-256,rsa1024 3des-pkcs12,p256 arcfour,ed25519; do
        certtool --to-p8 --load-privkey "${name#*,}.pem" --pkcs-cipher "${name%,*}" --password "$passphrase" --outder \
            --outfile "$out/${name#*,}.gnutls-${name%,*}.der" >/dev/null 2>&1
        list "${name#*,}.gnutls-${name%,*}.der" "${name#*,}" der.pkcs8-encrypted "$gnutls_tool" "${name%,*}"
    done
    openssl req -x509 -new -key rsa2048.pem -days 36500 -subj "/CN=rsa2048.demo.test" -out gnutls.cert
    certtool --to-p12 --load-privkey rsa2048.pem --load-certificate gnutls.cert --p12-name rsa2048 \
        --password "$passphrase" --outder --outfile "$out/rsa2048.gnutls.p12" >/dev/null 2>&1
    list rsa2048.gnutls.p12 rsa2048 der.pkcs12 "$gnutls_tool"
}
