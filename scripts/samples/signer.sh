# Answers each message on standard input with its ECDSA signature; the key stays in a variable of the shell.
key=$(cat signing-key.pem)
while read -r message; do
    printf '%s' "$message" | openssl dgst -sha256 -sign /dev/fd/3 3<<KEY | openssl base64 -A
$key
KEY
    echo
done
