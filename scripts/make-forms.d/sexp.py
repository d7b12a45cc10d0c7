"""An S-expression of libgcrypt in one of its syntaxes, by libgcrypt itself: `sexp.py KIND <FILE >OUT`.

KIND is `canonical`, or `internal` for the bytes as they lie in libgcrypt's memory. FILE is a key file of gpg-agent in
either of its formats.
"""

import ctypes
import sys

kind = sys.argv[1]
text = sys.stdin.buffer.read()
if b"Key: " in text:
    lines = text[text.index(b"Key: ") + 5 :].split(b"\n")
    end = next((i for i, line in enumerate(lines) if i and not line.startswith(b" ")), len(lines))
    text = lines[0] + b"".join(line[1:] for line in lines[1:end])
gcrypt = ctypes.CDLL("libgcrypt.so.20")
gcrypt.gcry_check_version(None)
sexp = ctypes.c_void_p()
error = gcrypt.gcry_sexp_new(ctypes.byref(sexp), text, ctypes.c_size_t(len(text)), 1)
if error:
    sys.exit(f"libgcrypt: error {error}")
gcrypt.gcry_sexp_sprint.restype = ctypes.c_size_t
size = gcrypt.gcry_sexp_sprint(sexp, 1, None, ctypes.c_size_t(0))
canonical = ctypes.create_string_buffer(size)
size = gcrypt.gcry_sexp_sprint(sexp, 1, canonical, ctypes.c_size_t(size))
if kind == "canonical":
    out = canonical.raw[:size]
else:
    # Every list and string of canonical syntax takes at most two bytes more here; it ends with a zero byte.
    depth, at, start = 0, 0, sexp.value
    while True:
        mark = ctypes.string_at(start + at, 1)[0]
        if mark == 1:
            at += 3 + int.from_bytes(ctypes.string_at(start + at + 1, 2), "little")
            continue
        depth += {3: 1, 4: -1}[mark]
        at += 1
        if depth == 0:
            break
    out = ctypes.string_at(start, at)
sys.stdout.buffer.write(out)
