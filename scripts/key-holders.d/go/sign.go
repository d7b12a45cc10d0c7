// Go's crypto: a key from PEM signs.
package main

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"runtime"
	"time"
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func load() crypto.Signer {
	text, err := os.ReadFile("key.pem")
	must(err)
	block, _ := pem.Decode(text)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	must(err)
	return key.(crypto.Signer)
}

// work is what a program does besides: garbage, so that what nobody holds any more is collected.
func work() {
	kept := map[string]int{}
	for number := 0; number < 200000; number++ {
		text := fmt.Sprintf("session %d of user %d", number, number*7919)
		if number%1000 == 0 {
			kept[text] = number
		}
	}
	runtime.GC()
	runtime.KeepAlive(kept)
}

func main() {
	if os.Args[1] == "version" {
		fmt.Println(runtime.Version())
		return
	}
	key := load()
	for round := byte(0); round < 5; round++ {
		hash := sha256.Sum256([]byte{round})
		var options crypto.SignerOpts = crypto.SHA256
		if _, edwards := key.(ed25519.PrivateKey); edwards {
			options = crypto.Hash(0)
		}
		_, err := key.Sign(rand.Reader, hash[:], options)
		must(err)
	}
	work()
	must(os.WriteFile("ready", nil, 0o600))
	for {
		time.Sleep(time.Hour)
		runtime.KeepAlive(key)
	}
}
