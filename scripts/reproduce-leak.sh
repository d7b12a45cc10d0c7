#!/usr/bin/env bash
# Reproduces the path of a signing key in a crash dump out of a locked environment, with throwaway keys on the loopback, and
# shows the gate closing it. `samples/leak-path/README.md` tells the story.
#
# usage: scripts/reproduce-leak.sh [CRASHES]       20 if it is not given; as many with the race as without it
#
# LIBRARY=aws-lc-rs|ring|openssl   what the service signs with (aws-lc-rs)
# DUMPGATE=FILE                    the program, else it is built
# DEEP=1                           let it look where keys are unlikely, too
# KEEP=DIR                         keep dumps, environments and live keys there, else all is removed at the end
# REPORT=FILE                      write the numbers there, as JSON
set -euo pipefail
# What is typed is meant from where it is typed.
dumpgate=${DUMPGATE:+$(realpath "$DUMPGATE")}
keep=${KEEP:+$(realpath -m "$KEEP")}
report=${REPORT:+$(realpath -m "$REPORT")}
cd "$(dirname "$0")/.."

library=${LIBRARY:-aws-lc-rs}
features=()
case $library in
aws-lc-rs) ;;
ring) features=(--features ring) ;;
openssl)
    features=(--features openssl)
    if ! command -v pkg-config >/dev/null || ! pkg-config --exists openssl; then
        echo "LIBRARY=openssl needs the system's OpenSSL: apt-get install libssl-dev pkg-config" >&2
        exit 2
    fi
    ;;
*)
    echo "no such LIBRARY: $library (aws-lc-rs, ring or openssl)" >&2
    exit 2
    ;;
esac
if [ "$(uname -s)" != Linux ]; then
    echo "the crash writer is for Linux" >&2
    exit 2
fi

target=${CARGO_TARGET_DIR:-target}
if [ -z "$dumpgate" ]; then
    cargo build --locked --release --quiet
    dumpgate=$target/release/dumpgate
fi
cargo build --locked --release --quiet --package leak-path "${features[@]}"
exec "$target/release/leak-path" reproduce "${1:-20}" --library "$library" --dumpgate "$dumpgate" \
    ${DEEP:+--deep} ${keep:+--keep "$keep"} ${report:+--report "$report"}
