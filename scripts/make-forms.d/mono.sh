# mono: the XML and CAPI blobs of .NET's RSA and DSA. Sourced by make-forms.
# shellcheck shell=bash disable=SC2154

make_mono() {
    have mcs mono || return 0
    local version key
    version=$(mono --version | sed -n '1s/.*version \([0-9]*\.[0-9]*\).*/\1/p')
    mcs -out:forms.exe "$helpers/mono.cs"
    for key in rsa1024 rsa2048 dsa1024; do
        openssl "${key%%[0-9]*}" -in "$key.pem" -outform MSBLOB -out "$key.blob" 2>/dev/null
        HOME=$work mono forms.exe "${key%%[0-9]*}" "$key.blob" "$out/$key.mono"
        list "$key.mono.xml" "$key" "xml.${key%%[0-9]*}" "mono $version" "ToXmlString"
        list "$key.mono.blob" "$key" windows.capi "mono $version" "ExportCspBlob"
        list "$key.mono-utf16.xml" "$key" "xml.${key%%[0-9]*}" "mono $version" "ToXmlString, UTF-16LE"
    done
}
