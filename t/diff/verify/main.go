// Reads signed schema 1 manifests from files and verifies them by libtrust,
// the library that Docker 1.x and distribution 2.x verify them with.
//
//	verify [-roots ca.pem] FILE...
//
// For each file one line: its name, the key's id, the algorithm, how the key
// came ("jwk", or "x5c": then the chain has to lead to one of the roots) and
// the digest of the payload. The document also has to be byte for byte what
// libtrust writes for these signatures. The exit status is 1 if any did not verify.
//
// It is built without a network from Debian's golang-go and
// golang-github-docker-libtrust-dev:
//
//	GO111MODULE=off GOPATH=/usr/share/gocode go build -o verify main.go
package main

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/ioutil"
	"os"

	"github.com/docker/libtrust"
)

type header struct {
	Signatures []struct {
		Header struct {
			Algorithm string   `json:"alg"`
			Chain     []string `json:"x5c"`
		} `json:"header"`
	} `json:"signatures"`
}

func main() {
	roots := flag.String("roots", "", "PEM file of the CAs for x5c")
	flag.Parse()

	pool := x509.NewCertPool()

	if *roots != "" {
		pem, err := ioutil.ReadFile(*roots)
		if err != nil || !pool.AppendCertsFromPEM(pem) {
			fmt.Fprintf(os.Stderr, "%s: no certificate\n", *roots)
			os.Exit(2)
		}
	}

	if flag.NArg() == 0 {
		fmt.Fprintln(os.Stderr, "usage: verify [-roots ca.pem] FILE...")
		os.Exit(2)
	}

	failed := false

	for _, name := range flag.Args() {
		line, err := verify(name, pool)
		if err != nil {
			fmt.Printf("%s: FAILED: %v\n", name, err)
			failed = true
			continue
		}
		fmt.Printf("%s: %s\n", name, line)
	}

	if failed {
		os.Exit(1)
	}
}

func verify(name string, pool *x509.CertPool) (string, error) {
	content, err := ioutil.ReadFile(name)
	if err != nil {
		return "", err
	}

	signature, err := libtrust.ParsePrettySignature(content, "signatures")
	if err != nil {
		return "", err
	}

	keys, err := signature.Verify()
	if err != nil {
		return "", err
	}

	if len(keys) != 1 {
		return "", fmt.Errorf("%d signatures instead of one", len(keys))
	}

	var h header

	if err := json.Unmarshal(content, &h); err != nil {
		return "", err
	}

	form := "jwk"

	if len(h.Signatures[0].Header.Chain) > 0 {
		form = "x5c"

		chains, err := signature.VerifyChains(pool)
		if err != nil {
			return "", err
		}

		if len(chains) == 0 {
			return "", errors.New("no chain leads to a root")
		}
	}

	// What libtrust would write has to be what was read.
	pretty, err := signature.PrettySignature("signatures")
	if err != nil {
		return "", err
	}

	if !bytes.Equal(pretty, content) {
		return "", errors.New("verifies, but is not in libtrust's own form")
	}

	payload, err := signature.Payload()
	if err != nil {
		return "", err
	}

	return fmt.Sprintf("%s %s %s sha256:%x", keys[0].KeyID(),
		h.Signatures[0].Header.Algorithm, form, sha256.Sum256(payload)), nil
}
