"""tlslite-ng: a key from PEM signs, in CPython's integers."""

from tlslite.api import parsePEMKey

import holder

holder.kind("tlslite-ng")
key = parsePEMKey(holder.read("key.pem"), private=True, implementations=["python"])
holder.stay(lambda text: key.hashAndSign(text, hAlg="sha256"))
