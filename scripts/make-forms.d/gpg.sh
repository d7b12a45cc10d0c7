# gpg: OpenPGP secret keys, binary and armored, in clear and under a passphrase. Sourced by make-forms.
# shellcheck shell=bash disable=SC2154

# gpg_key NAME ALGORITHM SUBALGORITHM ROW...: a key with a subkey; a ROW is KIND,BITS,CURVE of the one and of the other.
gpg_key() {
    local name=$1 algorithm=$2 sub=$3 protection file row form suffix at
    shift 3
    for protection in clear encrypted; do
        rm -rf home
        mkdir -m 700 home
        {
            echo "Key-Type: ${algorithm%:*}"
            [[ $algorithm = *:[0-9]* ]] && echo "Key-Length: ${algorithm#*:}" || echo "Key-Curve: ${algorithm#*:}"
            echo "Key-Usage: sign"
            echo "Subkey-Type: ${sub%:*}"
            [[ $sub = *:[0-9]* ]] && echo "Subkey-Length: ${sub#*:}" || echo "Subkey-Curve: ${sub#*:}"
            [[ $sub != RSA* ]] || echo "Subkey-Usage: encrypt"
            echo "Name-Real: Throwaway"
            echo "Name-Email: $comment"
            echo "Expire-Date: 0"
            [[ $protection = clear ]] && echo "%no-protection" || echo "Passphrase: $passphrase"
            echo "%commit"
        } >parameters
        gpg_run --gen-key parameters
        gpg_run --export -o public.pgp
        file=$name.$protection
        gpg_run --export-secret-keys -o "$out/$file.pgp"
        gpg_run --armor --export-secret-keys -o "$out/$file.asc"
        suffix=
        [[ $protection = clear ]] || suffix=-encrypted
        at=0
        for row; do
            "$python" "$helpers/spki.py" pgp "$at" <public.pgp >"spki/$file.$at"
            # shellcheck disable=SC2086 # the row is words
            if [[ -s spki/$file.$at ]]; then
                know "$file.$at" ${row//,/ } "spki/$file.$at"
            else
                know "$file.$at" ${row//,/ }
            fi
            for form in "$file.pgp pgp.secret-key" "$file.asc pem.pgp"; do
                list "${form% *}" "$file.$at" "${form#* }$suffix" "$gpg_tool" "$([[ $at = 0 ]] && echo primary || echo subkey)"
            done
            at=$((at + 1))
        done
        GNUPGHOME=$work/home gpgconf --kill gpg-agent
    done
}

gpg_run() {
    GNUPGHOME=$work/home gpg --batch --quiet --yes --pinentry-mode loopback --passphrase-file passphrase \
        --s2k-count 1024 "$@"
}

make_gpg() {
    have gpg gpgconf "$python" || return 0
    gpg_tool=$(gpg --version | sed -n '1s/.* \([0-9]*\.[0-9]*\)\..*/gpg \1/p')
    gpg_key gpg-rsa RSA:2048 RSA:2048 rsa,2048,- rsa,2048,-
    gpg_key gpg-ed25519 EDDSA:ed25519 ECDH:cv25519 ed25519,256,- x25519,256,-
    gpg_key gpg-p256 ECDSA:nistp256 ECDH:nistp256 ec,256,P-256 ec,256,P-256
    gpg_key gpg-p521 ECDSA:nistp521 ECDH:nistp384 ec,521,P-521 ec,384,P-384
    gpg_key gpg-secp256k1 ECDSA:secp256k1 ECDH:secp256k1 ec,256,secp256k1 ec,256,secp256k1
    gpg_key gpg-dsa DSA:2048 ELG:1024 dsa,2048,- other,1024,-
}
