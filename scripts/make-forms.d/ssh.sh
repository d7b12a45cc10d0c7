# ssh-keygen: the OpenSSH format, in PEM and as the bytes inside, and what else ssh-keygen writes. Sourced by make-forms.
# shellcheck shell=bash disable=SC2154

ssh_spki() {
    "$python" "$helpers/spki.py" ssh <"$1" >"$2"
}

# ssh_write KEY FILE: lists FILE, an unencrypted OpenSSH key, as PEM and bytes, and an encrypted copy of it likewise.
ssh_write() {
    local key=$1 file=$2 cipher=$3
    cp "$file" "$out/$key.openssh.pem"
    list "$key.openssh.pem" "$key" pem.openssh "$ssh_tool"
    unpem "$file" >"$out/$key.openssh.bin"
    list "$key.openssh.bin" "$key" ssh.openssh "$ssh_tool" "bytes inside the PEM"
    install -m 600 "$file" encrypted
    ssh-keygen -q -p -Z "$cipher" -a 4 -P "" -N "$passphrase" -f encrypted >/dev/null
    cp encrypted "$out/$key.openssh-encrypted.pem"
    list "$key.openssh-encrypted.pem" "$key" pem.openssh-encrypted "$ssh_tool" "$cipher"
    unpem encrypted >"$out/$key.openssh-encrypted.bin"
    list "$key.openssh-encrypted.bin" "$key" ssh.openssh-encrypted "$ssh_tool" "$cipher, bytes inside the PEM"
}

make_ssh() {
    have ssh-keygen "$python" || return 0
    ssh_tool=$(ssh -V 2>&1 | sed 's/^OpenSSH_\([0-9.]*\).*/ssh-keygen \1/')
    local key cipher row
    # A key in PEM is rewritten in the OpenSSH format when its passphrase changes, were it to none.
    for row in rsa2048,aes256-ctr p256,aes256-gcm@openssh.com p384,aes128-cbc p521,chacha20-poly1305@openssh.com \
        dsa1024,aes192-ctr; do
        IFS=, read -r key cipher <<<"$row"
        install -m 600 "$key.pem" clear
        ssh-keygen -q -p -P "" -N "" -f clear >/dev/null
        ssh-keygen -q -c -C "$comment" -f clear >/dev/null
        ssh_write "$key" clear "$cipher"
    done
    ssh-keygen -q -t ed25519 -N "" -C "$comment" -f own
    ssh_spki own.pub spki/own
    know ssh-ed25519 ed25519 256 - spki/own
    ssh_write ssh-ed25519 own aes256-ctr
    rm own own.pub
    # Its other output formats.
    ssh-keygen -q -t rsa -b 1024 -m PEM -N "" -C "$comment" -f own
    public own spki/own
    know ssh-rsa1024 rsa 1024 - spki/own
    cp own "$out/ssh-rsa1024.pkcs1.pem"
    list ssh-rsa1024.pkcs1.pem ssh-rsa1024 pem.pkcs1 "$ssh_tool"
    ssh-keygen -q -p -m PKCS8 -P "" -N "$passphrase" -f own >/dev/null
    cp own "$out/ssh-rsa1024.pkcs8-encrypted.pem"
    list ssh-rsa1024.pkcs8-encrypted.pem ssh-rsa1024 pem.pkcs8-encrypted "$ssh_tool"
    ssh-keygen -q -p -m PEM -P "$passphrase" -N "$passphrase" -f own >/dev/null
    cp own "$out/ssh-rsa1024.pkcs1-encrypted.pem"
    list ssh-rsa1024.pkcs1-encrypted.pem ssh-rsa1024 pem.pkcs1-encrypted "$ssh_tool" "DEK-Info"
}
