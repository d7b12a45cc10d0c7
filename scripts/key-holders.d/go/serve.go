// Go's crypto/tls: a server with a key from PEM. Started as `serve KIND PORT`.
package main

import (
	"crypto/tls"
	"fmt"
	"log"
	"net/http"
	"os"
	"runtime"
)

func main() {
	if os.Args[1] == "version" {
		fmt.Println(runtime.Version())
		return
	}
	pair, err := tls.LoadX509KeyPair("cert.pem", "key.pem")
	if err != nil {
		log.Fatal(err)
	}
	server := http.Server{Addr: "127.0.0.1:" + os.Args[2], TLSConfig: &tls.Config{Certificates: []tls.Certificate{pair}}}
	log.Fatal(server.ListenAndServeTLS("", ""))
}
