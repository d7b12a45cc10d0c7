# keytool, the JDK's and Bouncy Castle's encoders: key stores, and PKCS#8 of their making. Sourced by make-forms.
# shellcheck shell=bash disable=SC2154

make_java() {
    have java keytool || return 0
    local key store jar=/usr/share/java/bcprov.jar java_tool
    java_tool="keytool $(java -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p')"
    for key in rsa2048 p256 ed25519 dsa1024; do
        openssl req -x509 -new -key "$key.pem" -days 36500 -subj "/CN=$key.demo.test" -out java.cert
        openssl pkcs12 -export -inkey "$key.pem" -in java.cert -name "$key" -passout "pass:$passphrase" -out java.p12
        for store in jks jceks pkcs12; do
            rm -f java.store
            keytool -importkeystore -noprompt -srckeystore java.p12 -srcstoretype PKCS12 -srcstorepass "$passphrase" \
                -destkeystore java.store -deststoretype "$store" -deststorepass "$passphrase" \
                -destkeypass "$passphrase" >/dev/null 2>&1
            cp java.store "$out/$key.keytool.$store"
            case $store in
                pkcs12) list "$key.keytool.$store" "$key" der.pkcs12 "$java_tool" "key and certificate encrypted" ;;
                *) list "$key.keytool.$store" "$key" der.jks "$java_tool" "${store^^}, encrypted inside" ;;
            esac
        done
    done
    rm -f java.store
    keytool -genkeypair -keyalg EC -groupname secp384r1 -dname CN=own.demo.test -validity 36500 -alias own \
        -keystore java.store -storetype PKCS12 -storepass "$passphrase" >/dev/null 2>&1
    openssl pkcs12 -in java.store -nodes -nocerts -passin "pass:$passphrase" -out own.pem
    public own.pem spki/keytool
    know keytool-p384 ec 384 P-384 spki/keytool
    cp java.store "$out/keytool-p384.p12"
    list keytool-p384.p12 keytool-p384 der.pkcs12 "$java_tool" "key and certificate encrypted"

    have javac || return 0
    mkdir -p classes base
    for key in "${base_keys[@]}"; do
        unpem "$key.pem" >"base/$key.der"
    done
    javac -d classes "$helpers/Jdk.java"
    java -cp classes Jdk base "$out" spki >rows.java
    take_rows rows.java
    if [[ -n ${FORMS_JDK:-} ]]; then
        "$FORMS_JDK/bin/java" -cp classes Jdk - "$out" spki >rows.java
        take_rows rows.java
    else
        echo "skipped: $group, no second JDK for post-quantum keys, see FORMS_JDK" >&2
    fi
    if [[ -e $jar ]]; then
        javac -cp "$jar" -d classes "$helpers/Bouncy.java"
        java -cp "classes:$jar" Bouncy base "$out" spki >rows.java
        take_rows rows.java
    else
        echo "skipped: $group, libbcprov-java is missing" >&2
    fi
}
