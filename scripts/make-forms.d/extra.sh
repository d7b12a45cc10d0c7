# Written forms beyond the ones asked for: what other programs keep their private keys in. Sourced by make-forms.
# shellcheck shell=bash disable=SC2154

make_extra() {
    extra_text
    extra_gpg
    extra_dropbear
    extra_wireguard
    extra_dnssec
    extra_age
    extra_minisign
    extra_signify
}

# The numbers of a key as text.
extra_text() {
    local key tool
    tool="openssl $(openssl version | cut -d' ' -f2 | cut -d. -f1,2)"
    for key in rsa1024 p256 ed25519 dsa1024; do
        openssl pkey -in "$key.pem" -noout -text >"$out/$key.openssl-text.txt"
        list "$key.openssl-text.txt" "$key" extra.text "$tool" "pkey -text, numbers in hex with colons"
    done
    have certtool || return 0
    tool=$(certtool --version | sed -n '1s/certtool \([0-9]*\.[0-9]*\).*/certtool \1/p')
    for key in rsa1024 p256 ed25519; do
        certtool -k --infile "$key.pem" 2>/dev/null | sed '/^-----BEGIN/,$d' >"$out/$key.certtool-text.txt"
        list "$key.certtool-text.txt" "$key" extra.text "$tool" "numbers in hex with colons"
    done
}

# gpg-agent's own files: S-expressions in lines, and the same in their canonical form.
extra_gpg() {
    have gpg gpg-connect-agent "$python" || return 0
    local name row gpg_tool grip
    gpg_tool=$(gpg --version | sed -n '1s/.* \([0-9]*\.[0-9]*\)\..*/gpg-agent \1/p')
    for row in rsa,rsa1024,1024,- ec,nistp256,256,P-256 ed25519,ed25519,256,-; do
        rm -rf home
        mkdir -m 700 home
        local what algorithm size named
        IFS=, read -r what algorithm size named <<<"$row"
        GNUPGHOME=$work/home gpg --batch --quiet --pinentry-mode loopback --passphrase '' \
            --quick-generate-key "$comment" "$algorithm" sign never 2>/dev/null
        GNUPGHOME=$work/home gpg --batch --quiet --export -o home/public.pgp
        name=agent-$algorithm
        "$python" "$helpers/spki.py" pgp 0 <home/public.pgp >"spki/$name"
        know "$name" "$what" "$size" "$named" "spki/$name"
        grip=$(basename "$(ls home/private-keys-v1.d/*.key)" .key)
        cp "home/private-keys-v1.d/$grip.key" "$out/$name.key"
        list "$name.key" "$name" extra.gpg-agent "$gpg_tool" "private-keys-v1.d, S-expression"
        GNUPGHOME=$work/home gpgconf --kill gpg-agent
    done
}

extra_dropbear() {
    have dropbearkey "$python" || return 0
    local row type size what named key
    for row in rsa,1024,rsa,- ecdsa,256,ec,P-256 ed25519,256,ed25519,-; do
        IFS=, read -r type size what named <<<"$row"
        key=dropbear-$type
        dropbearkey -t "$type" $([[ $type = ed25519 ]] || echo "-s $size") -f "$out/$key.key" 2>/dev/null |
            grep -E '^(ssh|ecdsa)-' | "$python" "$helpers/spki.py" ssh >"spki/$key"
        know "$key" "$what" "$size" "$named" "spki/$key"
        list "$key.key" "$key" extra.dropbear "dropbearkey 2022.83"
    done
}

# x25519_spki: the DER around 32 raw bytes on standard input.
x25519_spki() {
    printf '\x30\x2a\x30\x05\x06\x03\x2b\x65\x6e\x03\x21\x00'
    cat
}

extra_wireguard() {
    have wg || return 0
    wg genkey >wireguard.key
    wg pubkey <wireguard.key | base64 -d | x25519_spki >spki/wireguard
    know wireguard x25519 256 - spki/wireguard
    printf '[Interface]\nPrivateKey = %s\nListenPort = 51820\n' "$(cat wireguard.key)" >"$out/wireguard.conf"
    list wireguard.conf wireguard extra.wireguard "wg 1.0" "base64 of 32 bytes behind PrivateKey"
}

extra_dnssec() {
    have dnssec-keygen "$python" || return 0
    local row algorithm size what named key file
    for row in RSASHA256,1024,rsa,- ECDSAP256SHA256,256,ec,P-256 ED25519,256,ed25519,-; do
        IFS=, read -r algorithm size what named <<<"$row"
        key=dnssec-${algorithm,,}
        # shellcheck disable=SC2046 # a word or none
        file=$(dnssec-keygen -q -a "$algorithm" $([[ $what != rsa ]] || echo "-b $size") demo.test)
        "$python" - "$what" "$file.key" >"spki/$key.hex" <<'END'
import base64, sys
raw = base64.b64decode("".join(open(sys.argv[2]).read().splitlines()[-1].split()[6:]))
match sys.argv[1]:
    case "rsa":
        print("rsa", raw[1 + raw[0]:].hex(), raw[1:1 + raw[0]].hex())
    case "ec":
        print("curve nistp256", raw[:32].hex(), raw[32:].hex())
    case _:
        print(raw.hex())
END
        if [[ $what = ed25519 ]]; then
            { printf '\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00'; xxd -r -p "spki/$key.hex"; } >"spki/$key"
        else
            # shellcheck disable=SC2046 # words
            "$python" "$helpers/spki.py" $(cat "spki/$key.hex") >"spki/$key"
        fi
        know "$key" "$what" "$size" "$named" "spki/$key"
        cp "$file.private" "$out/$key.private"
        list "$key.private" "$key" extra.dnssec "dnssec-keygen 9.18" "Private-key-format v1.3"
    done
}

extra_age() {
    have age-keygen || return 0
    age-keygen -o "$out/age.txt" 2>/dev/null
    know age x25519 256 -
    list age.txt age extra.age "age 1.1" "AGE-SECRET-KEY-1, bech32"
}

extra_minisign() {
    have minisign || return 0
    minisign -G -W -p minisign.pub -s "$out/minisign.key" >/dev/null
    { printf '\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00'; tail -n 1 minisign.pub | base64 -d | tail -c 32; } >spki/minisign
    know minisign ed25519 256 - spki/minisign
    list minisign.key minisign extra.minisign "minisign 0.10" "no passphrase"
}

extra_signify() {
    have signify-openbsd || return 0
    signify-openbsd -G -n -p signify.pub -s "$out/signify.sec"
    { printf '\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00'; tail -n 1 signify.pub | base64 -d | tail -c 32; } >spki/signify
    know signify ed25519 256 - spki/signify
    list signify.sec signify extra.signify "signify 31" "no passphrase"
}
