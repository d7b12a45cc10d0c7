# python packages: JSON Web Keys, post-quantum PKCS#8, and further writers of known forms. Sourced by make-forms.
# shellcheck shell=bash disable=SC2154

make_python() {
    have "$python" || return 0
    local module key modules=()
    for module in cryptography jwcrypto joserfc Crypto asyncssh; do
        if "$python" -c "import $module" 2>/dev/null; then
            modules+=("$module")
        else
            echo "skipped: $group, package $module is missing" >&2
        fi
    done
    mkdir -p base
    for key in "${base_keys[@]}"; do
        cp "$key.pem" base/
    done
    for module in "${modules[@]}"; do
        "$python" "$helpers/python-$module.py" base "$out" spki "$passphrase" >rows.python
        take_rows rows.python
    done
    [[ " ${modules[*]} " != *" cryptography "* ]] || layouts
}

# take_rows FILE: rows of a helper: `know`, KEY, KIND, BITS, CURVE for a key of its own (its SPKI in spki/KEY, if any), and
# `list`, FILE, KEY, FORM, TOOL, NOTE, tab-separated.
take_rows() {
    local verb first second third fourth fifth
    while IFS=$'\t' read -r verb first second third fourth fifth; do
        case $verb in
            know)
                if [[ -s spki/$first ]]; then
                    know "$first" "$second" "$third" "$fourth" "spki/$first"
                else
                    know "$first" "$second" "$third" "$fourth"
                fi
                ;;
            list) list "$first" "$second" "$third" "$fourth" "$fifth" ;;
            *) echo "${0##*/}: a helper wrote $verb" >&2; exit 1 ;;
        esac
    done <"$1"
}

# A file of a cloud service in the layout that its documentation shows, which only that service writes.
layouts() {
    "$python" - rsa2048.pem >"$out/rsa2048.service-account.json" <<'END'
import json, sys

print(json.dumps({
    "type": "service_account",
    "project_id": "throwaway-demo",
    "private_key_id": "0" * 40,
    "private_key": open(sys.argv[1]).read(),
    "client_email": "throwaway@throwaway-demo.iam.gserviceaccount.com",
    "client_id": "100000000000000000000",
    "auth_uri": "https://accounts.google.com/o/oauth2/auth",
    "token_uri": "https://oauth2.googleapis.com/token",
    "auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs",
    "client_x509_cert_url": "https://www.googleapis.com/robot/v1/metadata/x509/throwaway",
    "universe_domain": "googleapis.com",
}, indent=2))
END
    list rsa2048.service-account.json rsa2048 pem.pkcs8 "python json" "layout: service account, line ends as \\n"
}
