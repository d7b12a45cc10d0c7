# Keys as text: base64 and hexadecimal by the usual tools. Sourced by make-forms.
# shellcheck shell=bash disable=SC2154

# text KEY FILE FORM ENCODING...: FILE (made here, by openssl) in each encoding, as KEY.FORM-ENCODING.txt.
text() {
    local key=$1 file=$2 form=$3 encoding name tool note
    shift 3
    for encoding; do
        name=$key.${form#*.}-$encoding.txt
        case $encoding in
            base64) tool=base64 note="base64, one line"; base64 -w0 <"$file" ;;
            base64-wrapped) tool=base64 note="base64, lines of 76"; base64 <"$file" ;;
            base64-crlf) tool=openssl note="base64, lines of 64 that end with CR LF"; openssl base64 -in "$file" | sed 's/$/\r/' ;;
            base64url) tool="python base64" note="base64url"; "$python" -c "$text_url" "=" <"$file" ;;
            base64url-nopad) tool="python base64" note="base64url, no padding"; "$python" -c "$text_url" "" <"$file" ;;
            pem-base64) tool=base64 note="base64 of PEM"; base64 -w0 <"$file" ;;
            pem-base64-wrapped) tool=base64 note="base64 of PEM, lines of 76"; base64 <"$file" ;;
            pem-base64-twice) tool=base64 note="base64 of base64 of PEM"; base64 -w0 <"$file" | base64 -w0 ;;
            hex) tool=xxd note="hex, one line"; xxd -p <"$file" | tr -d '\n' ;;
            hex-wrapped) tool=xxd note="hex, lines of 60"; xxd -p <"$file" ;;
            hex-upper) tool=basenc note="hex, upper case, lines of 76"; basenc --base16 <"$file" ;;
            hex-colon) tool=od note="hex:colon"; text_colon "$file" ;;
            hex-space) tool=od note="hex space"; od -An -v -tx1 <"$file" ;;
            hex-dump) tool=hexdump note="hex with addresses and characters"; hexdump -v -C <"$file" ;;
            hex-dump-words) tool=xxd note="hex in pairs of bytes, addresses and characters"; xxd <"$file" ;;
            hex-c) tool=xxd note="C array"; xxd -i <"$file" ;;
            hex-escapes) tool=sed note="\\x escapes"; xxd -p <"$file" | tr -d '\n' | sed 's/../\\x&/g' ;;
            *) echo "${0##*/}: no encoding $encoding" >&2; exit 1 ;;
        esac >"$out/$name"
        list "$name" "$key" "$form" "$tool" "$note"
    done
}

text_url='import base64, sys
sys.stdout.write(base64.urlsafe_b64encode(sys.stdin.buffer.read()).decode().rstrip("" if sys.argv[1] else "="))'

# As openssl prints numbers: 15 bytes a line.
text_colon() {
    od -An -v -tx1 -w15 <"$1" | sed 's/^ /    /; s/\([0-9a-f]\) /\1:/g; $!s/$/:/'
}

make_text() {
    have base64 basenc xxd od hexdump "$python" || return 0
    local key
    for key in rsa1024 rsa2048 p256 secp256k1 dsa1024; do
        openssl pkey -in "$key.pem" -traditional -out "$key.trad"
        unpem "$key.trad" >"$key.trad.der"
    done
    for key in rsa2048 p384 ed25519 x448; do
        unpem "$key.pem" >"$key.der"
    done
    text rsa1024 rsa1024.trad.der der.pkcs1 base64 base64-wrapped base64-crlf base64url base64url-nopad hex hex-wrapped \
        hex-upper hex-colon hex-space hex-dump hex-dump-words hex-c hex-escapes
    text p256 p256.trad.der der.sec1 base64 base64-wrapped base64url base64url-nopad hex hex-wrapped hex-upper hex-colon \
        hex-space hex-dump hex-c hex-escapes
    text ed25519 ed25519.der der.pkcs8 base64 base64url hex hex-colon hex-space hex-upper
    text x448 x448.der der.pkcs8 base64 base64url-nopad hex-space
    text rsa2048 rsa2048.der der.pkcs8 base64 base64url hex hex-space
    text p384 p384.der der.pkcs8 base64-wrapped hex-colon
    text dsa1024 dsa1024.trad.der der.dsa base64 hex
    text secp256k1 secp256k1.trad.der der.sec1 base64 hex
    text rsa1024 rsa1024.trad pem.pkcs1 pem-base64 pem-base64-wrapped pem-base64-twice
    text p256 p256.pem pem.pkcs8 pem-base64 pem-base64-wrapped pem-base64-twice
    text ed25519 ed25519.pem pem.pkcs8 pem-base64

    # Forms of other tools, as configuration files and registries carry them.
    openssl rsa -in rsa1024.pem -outform MSBLOB -out capi.blob 2>/dev/null
    text rsa1024 capi.blob windows.capi base64 hex-upper
    openssl rsa -in rsa1024.pem -outform PVK -pvk-none -out plain.pvk 2>/dev/null
    text rsa1024 plain.pvk windows.pvk base64
    openssl pkcs8 -topk8 -in p256.pem -v2 aes-256-cbc -passout "pass:$passphrase" -outform DER -out encrypted.der
    text p256 encrypted.der der.pkcs8-encrypted base64 hex
    openssl req -x509 -new -key p256.pem -days 36500 -subj "/CN=p256.demo.test" -out text.cert
    openssl pkcs12 -export -inkey p256.pem -in text.cert -passout "pass:$passphrase" -out text.p12
    text p256 text.p12 der.pkcs12 base64 base64-wrapped
}
