# node: JSON Web Keys and PKCS#8 of its crypto module; a newer node for post-quantum keys. Sourced by make-forms.
# shellcheck shell=bash disable=SC2154

make_node() {
    local node
    mkdir -p base
    for key in "${base_keys[@]}"; do
        cp "$key.pem" base/
    done
    for node in node ${FORMS_NODE:-}; do
        have "$node" || continue
        "$node" "$helpers/node.mjs" base "$out" spki "$passphrase" >rows.node
        take_rows rows.node
    done
}
