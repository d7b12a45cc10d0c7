# openssl: PEM and DER of every layout, PKCS#12, CAPI blobs and PVK. Sourced by make-forms.
# shellcheck shell=bash disable=SC2154

openssl_tool="openssl $(openssl version | cut -d' ' -f2 | cut -d. -f1,2)"

openssl_pkcs8() {
    local key
    for key in "${base_keys[@]}"; do
        cp "$key.pem" "$out/$key.pkcs8.pem"
        list "$key.pkcs8.pem" "$key" pem.pkcs8 "$openssl_tool"
        unpem "$key.pem" >"$out/$key.pkcs8.der"
        list "$key.pkcs8.der" "$key" der.pkcs8 "$openssl_tool"
    done
}

openssl_traditional() {
    local key form
    for key in rsa1024 rsa2048 p256 p384 p521 secp256k1 dsa1024 dsa2048; do
        case $key in
            rsa*) form=pkcs1 ;;
            dsa*) form=dsa ;;
            *) form=sec1 ;;
        esac
        openssl pkey -in "$key.pem" -traditional -out "$out/$key.$form.pem"
        list "$key.$form.pem" "$key" "pem.$form" "$openssl_tool"
        unpem "$out/$key.$form.pem" >"$out/$key.$form.der"
        list "$key.$form.der" "$key" "der.$form" "$openssl_tool"
    done
}

# The cipher stands in a DEK-Info line; the body is not DER.
openssl_legacy_encrypted() {
    local row key form cipher
    for row in rsa2048,pkcs1,des3 rsa1024,pkcs1,aes256 rsa2048,pkcs1,camellia128 rsa1024,pkcs1,des p256,sec1,aes128 \
        p384,sec1,des3 p521,sec1,camellia256 secp256k1,sec1,aes192 dsa1024,dsa,aes256 dsa2048,dsa,des3; do
        IFS=, read -r key form cipher <<<"$row"
        local provider=()
        [[ $cipher != des ]] || provider=(-provider legacy -provider default)
        openssl pkey "${provider[@]}" -in "$key.pem" -traditional "-$cipher" -passout "pass:$passphrase" \
            -out "$out/$key.$form-$cipher.pem"
        list "$key.$form-$cipher.pem" "$key" "pem.$form-encrypted" "$openssl_tool" "$cipher, DEK-Info"
    done
}

openssl_pkcs8_encrypted() {
    local row key name note options
    while IFS='|' read -r key name note options; do
        # shellcheck disable=SC2086 # the options are words
        openssl pkcs8 -topk8 -provider legacy -provider default -in "$key.pem" $options -passout "pass:$passphrase" \
            -out "$out/$key.pkcs8-$name.pem"
        list "$key.pkcs8-$name.pem" "$key" pem.pkcs8-encrypted "$openssl_tool" "$note"
        unpem "$out/$key.pkcs8-$name.pem" >"$out/$key.pkcs8-$name.der"
        list "$key.pkcs8-$name.der" "$key" der.pkcs8-encrypted "$openssl_tool" "$note"
    done <<'END'
rsa2048|pbes2|PBES2, PBKDF2-SHA256, AES-256-CBC|-v2 aes-256-cbc
p256|pbes2-sha1|PBES2, PBKDF2-SHA1, AES-128-CBC|-v2 aes-128-cbc -v2prf hmacWithSHA1
ed25519|pbes2-des3|PBES2, PBKDF2-SHA256, 3DES|-v2 des3
p384|scrypt|PBES2, scrypt, AES-256-CBC|-scrypt -scrypt_N 1024 -v2 aes-256-cbc
rsa1024|pbes1-des|PBES1, MD5, DES|-v1 PBE-MD5-DES
p256|pbes1-sha1des|PBES1, SHA1, DES|-v1 PBE-SHA1-DES
rsa2048|p12-3des|PKCS#12 PBE, SHA1, 3DES|-v1 PBE-SHA1-3DES
dsa1024|p12-rc2-40|PKCS#12 PBE, SHA1, RC2-40|-v1 PBE-SHA1-RC2-40
ed448|p12-rc4-128|PKCS#12 PBE, SHA1, RC4-128|-v1 PBE-SHA1-RC4-128
x25519|pbes2-camellia|PBES2, PBKDF2-SHA256, Camellia-192-CBC|-v2 camellia-192-cbc
END
}

# Keys that the base keys do not cover: more than two primes, RSA-PSS, curves spelled out.
openssl_own() {
    local row key size primes
    for row in rsa2048x3,2048,3 rsa4096x4,4096,4; do
        IFS=, read -r key size primes <<<"$row"
        openssl genrsa -primes "$primes" -out "$key.pem" "$size" 2>/dev/null
        public "$key.pem" "spki/$key"
        know "$key" rsa "$size" - "spki/$key"
        cp "$key.pem" "$out/$key.pkcs8.pem"
        list "$key.pkcs8.pem" "$key" pem.pkcs8 "$openssl_tool" "multi-prime, $primes primes"
        unpem "$key.pem" >"$out/$key.pkcs8.der"
        list "$key.pkcs8.der" "$key" der.pkcs8 "$openssl_tool" "multi-prime, $primes primes"
        openssl pkey -in "$key.pem" -traditional -out "$out/$key.pkcs1.pem"
        list "$key.pkcs1.pem" "$key" pem.pkcs1 "$openssl_tool" "multi-prime, $primes primes"
        unpem "$out/$key.pkcs1.pem" >"$out/$key.pkcs1.der"
        list "$key.pkcs1.der" "$key" der.pkcs1 "$openssl_tool" "multi-prime, $primes primes"
    done

    # The fingerprint is that of the same numbers under rsaEncryption, so it goes by way of the PKCS#1 inside.
    openssl genpkey -quiet -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_pss_keygen_md:sha256 \
        -pkeyopt rsa_pss_keygen_mgf1_md:sha256 -pkeyopt rsa_pss_keygen_saltlen:32 -out pss.pem
    unpem pss.pem >"$out/rsa2048pss.pkcs8.der"
    local offset
    offset=$(openssl asn1parse -inform DER -in "$out/rsa2048pss.pkcs8.der" | sed -n 's/^ *\([0-9]*\):d=1 .*OCTET STRING.*/\1/p')
    openssl asn1parse -inform DER -in "$out/rsa2048pss.pkcs8.der" -strparse "$offset" -noout -out pss.pkcs1
    openssl rsa -inform DER -in pss.pkcs1 -pubout -outform DER -out spki/pss 2>/dev/null
    know rsa2048pss rsa 2048 - spki/pss
    list rsa2048pss.pkcs8.der rsa2048pss der.pkcs8 "$openssl_tool" "RSA-PSS with parameters, named as rsaEncryption"
    cp pss.pem "$out/rsa2048pss.pkcs8.pem"
    list rsa2048pss.pkcs8.pem rsa2048pss pem.pkcs8 "$openssl_tool" "RSA-PSS with parameters, named as rsaEncryption"

    for key in p256 p384 p521 secp256k1; do
        openssl pkey -in "$key.pem" -ec_param_enc explicit -outform PEM -out "$out/$key.pkcs8-explicit.pem"
        list "$key.pkcs8-explicit.pem" "$key" pem.pkcs8 "$openssl_tool" "explicit curve parameters"
        unpem "$out/$key.pkcs8-explicit.pem" >"$out/$key.pkcs8-explicit.der"
        list "$key.pkcs8-explicit.der" "$key" der.pkcs8 "$openssl_tool" "explicit curve parameters"
    done
    openssl ec -in p256.pem -param_enc explicit -conv_form compressed -outform DER \
        -out "$out/p256.sec1-explicit-compressed.der" 2>/dev/null
    list p256.sec1-explicit-compressed.der p256 der.sec1 "$openssl_tool" "explicit curve parameters, compressed points"
    openssl ec -in p384.pem -conv_form compressed -outform DER -out "$out/p384.sec1-compressed.der" 2>/dev/null
    list p384.sec1-compressed.der p384 der.sec1 "$openssl_tool" "compressed public point"
    openssl ec -in p521.pem -conv_form hybrid -outform DER -out "$out/p521.sec1-hybrid.der" 2>/dev/null
    list p521.sec1-hybrid.der p521 der.sec1 "$openssl_tool" "hybrid public point"
}

# Algorithms and curves that the scanner has no arithmetic for.
openssl_rare() {
    local key size note options
    while IFS='|' read -r key size note options; do
        # shellcheck disable=SC2086 # the options are words
        openssl genpkey -quiet $options -out "$key.pem"
        public "$key.pem" "spki/$key"
        know "$key" other "$size" - "spki/$key"
        cp "$key.pem" "$out/$key.pkcs8.pem"
        list "$key.pkcs8.pem" "$key" pem.pkcs8 "$openssl_tool" "$note"
        unpem "$key.pem" >"$out/$key.pkcs8.der"
        list "$key.pkcs8.der" "$key" der.pkcs8 "$openssl_tool" "$note"
    done <<'END'
brainpool256|256|curve brainpoolP256r1|-algorithm EC -pkeyopt ec_paramgen_curve:brainpoolP256r1
brainpool512t|512|curve brainpoolP512t1|-algorithm EC -pkeyopt ec_paramgen_curve:brainpoolP512t1
p224|224|curve secp224r1|-algorithm EC -pkeyopt ec_paramgen_curve:secp224r1
p192|192|curve prime192v1|-algorithm EC -pkeyopt ec_paramgen_curve:prime192v1
k283|283|curve sect283k1|-algorithm EC -pkeyopt ec_paramgen_curve:sect283k1
sm2|256|SM2|-algorithm SM2
dh2048|2048|DH, group ffdhe2048|-algorithm DH -pkeyopt group:ffdhe2048
dhx1024|1024|X9.42 DH, RFC 5114 group|-algorithm DHX -pkeyopt dh_rfc5114:1
END
}

openssl_windows() {
    local key
    for key in rsa1024 rsa2048 dsa1024; do
        openssl "${key%%[0-9]*}" -in "$key.pem" -outform MSBLOB -out "$out/$key.capi.blob" 2>/dev/null
        list "$key.capi.blob" "$key" windows.capi "$openssl_tool" "MSBLOB"
        openssl "${key%%[0-9]*}" -in "$key.pem" -outform PVK -pvk-none -out "$out/$key.none.pvk" 2>/dev/null
        list "$key.none.pvk" "$key" windows.pvk "$openssl_tool" "in clear"
    done
    local strength
    for strength in strong weak; do
        openssl rsa -provider legacy -provider default -in rsa2048.pem -outform PVK "-pvk-$strength" \
            -passout "pass:$passphrase" -out "$out/rsa2048.$strength.pvk" 2>/dev/null
        list "rsa2048.$strength.pvk" rsa2048 windows.pvk-encrypted "$openssl_tool" "$strength RC4"
    done
    openssl dsa -provider legacy -provider default -in dsa1024.pem -outform PVK -pvk-strong \
        -passout "pass:$passphrase" -out "$out/dsa1024.strong.pvk" 2>/dev/null
    list dsa1024.strong.pvk dsa1024 windows.pvk-encrypted "$openssl_tool" "strong RC4"
}

# The certificate in the store is not listed on its own: its key is the key beside it.
openssl_pkcs12() {
    local key name note options
    for key in rsa2048 p256 ed25519; do
        openssl req -x509 -new -key "$key.pem" -days 36500 -subj "/CN=$key.demo.test" -out "$key.cert"
    done
    while IFS='|' read -r key name note options; do
        # shellcheck disable=SC2086 # the options are words
        openssl pkcs12 -export -provider legacy -provider default -inkey "$key.pem" -in "$key.cert" -name "$key" $options \
            -passout "pass:$passphrase" -out "$out/$key.$name.p12"
        list "$key.$name.p12" "$key" der.pkcs12 "$openssl_tool" "$note"
    done <<'END'
rsa2048|default|key and certificate encrypted, PBES2 AES-256|
p256|default|key and certificate encrypted, PBES2 AES-256|
rsa2048|legacy|key 3DES, certificate RC2-40|-legacy
p256|certnone|key encrypted, certificate in clear|-certpbe NONE
rsa2048|clear|key and certificate in clear|-keypbe NONE -certpbe NONE
ed25519|clear|key and certificate in clear|-keypbe NONE -certpbe NONE
p256|keynone|key in clear, certificate encrypted|-keypbe NONE
ed25519|nomac|key and certificate encrypted, no MAC|-nomac
rsa2048|clear-nomac|key and certificate in clear, no MAC|-keypbe NONE -certpbe NONE -nomac
p256|keyonly|key alone, encrypted|-nocerts
END
}

make_openssl() {
    openssl_pkcs8
    openssl_traditional
    openssl_legacy_encrypted
    openssl_pkcs8_encrypted
    openssl_own
    openssl_rare
    openssl_windows
    openssl_pkcs12
}
