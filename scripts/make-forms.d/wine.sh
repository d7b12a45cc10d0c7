# Windows' programming interfaces as Wine implements them: CNG and CAPI blobs. Sourced by make-forms.
# shellcheck shell=bash disable=SC2154

make_wine() {
    local wine=/usr/lib/wine/wine64
    [[ -x $wine ]] || { echo "skipped: $group, wine64 is missing" >&2; return 0; }
    have x86_64-w64-mingw32-gcc "$python" || return 0
    local wine_tool name what size named
    wine_tool=$("$wine" --version | sed 's/^wine-\([0-9.]*\).*/wine \1/')
    x86_64-w64-mingw32-gcc -O1 -o forms-wine.exe "$helpers/wine.c" -lbcrypt -lncrypt -ladvapi32
    mkdir -p wine-out
    (cd wine-out && HOME=$work WINEPREFIX=$work/prefix WINEDEBUG=-all WINEDLLOVERRIDES="mscoree,mshtml=" \
        timeout 300 "$wine" ../forms-wine.exe >../wine.log 2>&1 </dev/null) || true
    sed -n 's/\r$//; s/^skipped/&/p' wine.log >&2
    local blob names
    names=$(find wine-out -name '*.blob' -printf '%f\n' | cut -d. -f1 | sort -u)
    for name in $names; do
        case $name in
            *rsa*) what=rsa size=${name##*rsa} named=- ;;
            *dsa1024) what=dsa size=1024 named=- ;;
            *) what=ec size=${name##*-p} named=P-${name##*-p} ;;
        esac
        if [[ -e wine-out/$name.public ]]; then
            "$python" "$helpers/spki.py" cng <"wine-out/$name.public" >"spki/$name"
        else
            openssl "$what" -inform MSBLOB -in "wine-out/$name.capi.blob" -pubout -outform DER -out "spki/$name" 2>/dev/null
        fi
        know "$name" "$what" "$size" "$named" "spki/$name"
        for blob in wine-out/"$name".*.blob; do
            cp "$blob" "$out/"
            blob=${blob##*/}
            case $blob in
                *.capi.blob) list "$blob" "$name" windows.capi "$wine_tool" "CryptExportKey" ;;
                *.ncrypt.blob) list "$blob" "$name" "windows.cng-$what" "$wine_tool" "$(head -c 4 "$out/$blob"), NCryptExportKey" ;;
                *) list "$blob" "$name" "windows.cng-$what" "$wine_tool" "$(head -c 4 "$out/$blob"), BCryptExportKey" ;;
            esac
        done
    done
    [[ -n $names ]] || echo "skipped: $group, no key made" >&2
    HOME=$work WINEPREFIX=$work/prefix /usr/lib/wine/wineserver64 -k 2>/dev/null || true
}
