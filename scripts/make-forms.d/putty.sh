# puttygen: PPK of both versions, the ssh.com format, and the OpenSSH format. Sourced by make-forms.
# shellcheck shell=bash disable=SC2154

# putty_import KEY: $key.ppk out of the base key. puttygen reads PEM and the OpenSSH format, but no Ed25519 in PKCS#8.
putty_import() {
    openssl pkey -in "$1.pem" -traditional -out "$1.trad"
    puttygen "$1.trad" -C "$comment" -O private -o "$1.ppk"
}

putty_generate() {
    local key=$1
    shift
    puttygen -q -C "$comment" --new-passphrase nopassphrase -O private -o "$key.ppk" "$@"
    puttygen "$key.ppk" -O public-openssh -o "$key.pub"
    "$python" "$helpers/spki.py" ssh <"$key.pub" >"spki/$key"
}

make_putty() {
    have puttygen bc "$python" || return 0
    local version putty_tool key row cipher
    version=$(puttygen --version | sed -n '1s/.* \([0-9.]*\).*/\1/p')
    putty_tool="puttygen $version"
    for key in rsa2048 p256 p384 p521 dsa1024; do
        putty_import "$key"
    done
    putty_generate putty-ed25519 -t ed25519
    know putty-ed25519 ed25519 256 - spki/putty-ed25519
    putty_generate putty-ed448 -t ed448
    know putty-ed448 ed448 456 - spki/putty-ed448
    # Writing a PPK again is refused unless something changes, so the comment is set again.
    for key in rsa2048 p256 p384 p521 dsa1024 putty-ed25519 putty-ed448; do
        for version in 2 3; do
            puttygen "$key.ppk" -C "$comment" -O private --ppk-param "version=$version" -o "$out/$key.v$version.ppk"
            list "$key.v$version.ppk" "$key" ssh.ppk "$putty_tool" "version $version"
            puttygen "$key.ppk" -C "$comment" -O private --ppk-param "version=$version,memory=256,passes=2" \
                --new-passphrase passphrase -o "$out/$key.v$version-encrypted.ppk"
            list "$key.v$version-encrypted.ppk" "$key" ssh.ppk-encrypted "$putty_tool" "version $version"
        done
    done
    for key in rsa2048 dsa1024; do
        puttygen "$key.ppk" -O private-sshcom -o "$out/$key.sshcom.pem"
        list "$key.sshcom.pem" "$key" pem.sshcom "$putty_tool"
        sshcom_bytes "$out/$key.sshcom.pem" >"$out/$key.sshcom.bin"
        list "$key.sshcom.bin" "$key" ssh.sshcom "$putty_tool" "bytes inside the armor"
        puttygen "$key.ppk" -O private-sshcom --new-passphrase passphrase -o "$out/$key.sshcom-encrypted.pem"
        list "$key.sshcom-encrypted.pem" "$key" pem.sshcom-encrypted "$putty_tool"
        sshcom_bytes "$out/$key.sshcom-encrypted.pem" >"$out/$key.sshcom-encrypted.bin"
        list "$key.sshcom-encrypted.bin" "$key" ssh.sshcom-encrypted "$putty_tool" "bytes inside the armor"
    done
    for key in rsa2048 p256 putty-ed25519; do
        puttygen "$key.ppk" -O private-openssh-new -o "$out/$key.putty-openssh.pem"
        list "$key.putty-openssh.pem" "$key" pem.openssh "$putty_tool"
    done
    for key in rsa2048 p256; do
        puttygen "$key.ppk" -O private-openssh --new-passphrase passphrase -o "$out/$key.putty-encrypted.pem"
        case $key in
            rsa*) list "$key.putty-encrypted.pem" "$key" pem.pkcs1-encrypted "$putty_tool" "DEK-Info" ;;
            *) list "$key.putty-encrypted.pem" "$key" pem.sec1-encrypted "$putty_tool" "DEK-Info" ;;
        esac
    done

    # The first version of SSH had a file of its own.
    puttygen -q -t rsa1 -b 1024 -C "$comment" --new-passphrase nopassphrase -O private -o ssh1
    puttygen ssh1 -O public -o ssh1.pub
    read -r _ row key _ <ssh1.pub
    # shellcheck disable=SC2046 # words
    "$python" "$helpers/spki.py" rsa $(printf 'obase=16; %s; %s\n' "$key" "$row" | BC_LINE_LENGTH=0 bc) >spki/ssh1
    know putty-ssh1 rsa 1024 - spki/ssh1
    cp ssh1 "$out/putty-ssh1.key"
    list putty-ssh1.key putty-ssh1 extra.ssh1 "$putty_tool" "SSH PRIVATE KEY FILE FORMAT 1.1"
    puttygen ssh1 -C "$comment" -O private --new-passphrase passphrase -o "$out/putty-ssh1-encrypted.key"
    list putty-ssh1-encrypted.key putty-ssh1 extra.ssh1-encrypted "$putty_tool" "SSH PRIVATE KEY FILE FORMAT 1.1"
}

# The armor has header lines, one of which may go on behind a backslash.
sshcom_bytes() {
    sed -e '/^----/d' "$1" | awk 'more { more = /\\$/; next } /: / { more = /\\$/; next } { print }' | base64 -d
}
