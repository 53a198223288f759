package main

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io/ioutil"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"

	"github.com/docker/distribution/manifest/schema1"
	"github.com/docker/libtrust"
)

// runSigned compares signed bodies, with keys of every kind: libtrust and the
// module sign the same payload by the same key.
func runSigned() int {
	dir, err := ioutil.TempDir("", "difftest")
	if err != nil {
		fmt.Fprintf(os.Stderr, "difftest: %v\n", err)
		return 1
	}
	defer os.RemoveAll(dir)

	keys, err := makeKeys(dir)
	if err != nil {
		fmt.Fprintf(os.Stderr, "difftest: %v\n", err)
		return 1
	}

	compared, wrong := 0, 0
	for index := uint64(0); compared < *signed; index++ {
		img, _ := newImage(*seed, index)
		v := judge(img)
		if v.err != nil {
			continue
		}
		ours, err := signByModule(dir, keys[compared%len(keys)], img)
		if err == nil && ours == nil {
			// refused, which is the other test's business
			continue
		}
		if err == nil {
			err = compareSigned(ours, v.payload, keys[compared%len(keys)])
		}
		if err != nil {
			fmt.Printf("WRONG: seed %d, case %d, %s: %v\n", *seed, index, keys[compared%len(keys)].file, err)
			wrong++
		}
		compared++
	}
	fmt.Printf("seed %d: %d signed bodies by %d keys compared, %d wrong\n", *seed, compared, len(keys), wrong)
	if wrong > 0 {
		return 1
	}
	return 0
}

type testKey struct {
	libtrust.PrivateKey
	file string
}

// makeKeys writes new keys as PEM and as JWK.  The PEM is not libtrust's: that
// puts the key's ID into a header, and from there into the signed document.
func makeKeys(dir string) ([]testKey, error) {
	var keys []testKey

	for _, kind := range []struct {
		name string
		make func() (libtrust.PrivateKey, error)
	}{
		{"p256", libtrust.GenerateECP256PrivateKey},
		{"p384", libtrust.GenerateECP384PrivateKey},
		{"p521", libtrust.GenerateECP521PrivateKey},
		{"rsa2048", libtrust.GenerateRSA2048PrivateKey},
	} {
		key, err := kind.make()
		if err != nil {
			return nil, err
		}
		file := filepath.Join(dir, kind.name)
		if err := libtrust.SaveKey(file+".jwk", key); err != nil {
			return nil, err
		}
		der, err := x509.MarshalPKCS8PrivateKey(key.CryptoPrivateKey())
		if err != nil {
			return nil, err
		}
		text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
		if err := ioutil.WriteFile(file+".pem", text, 0o600); err != nil {
			return nil, err
		}
		keys = append(keys, testKey{key, file + ".jwk"}, testKey{key, file + ".pem"})
	}
	return keys, nil
}

// signByModule gives nothing where the image is refused.
func signByModule(dir string, key testKey, img *image) ([]byte, error) {
	manifest, config := filepath.Join(dir, "manifest.json"), filepath.Join(dir, "config.json")
	if err := ioutil.WriteFile(manifest, img.manifest, 0o666); err != nil {
		return nil, err
	}
	if err := ioutil.WriteFile(config, img.config, 0o666); err != nil {
		return nil, err
	}
	if r, err := convertOne(*program, img); err != nil || r.refusal != "" {
		return nil, err
	}

	args := []string{"convert", "--key", key.file, "--name", img.name}
	if img.tag != "" {
		args = append(args, "--tag", img.tag)
	}
	cmd := exec.Command(*program, append(args, manifest, config)...)
	cmd.Stderr = os.Stderr
	return cmd.Output()
}

// compareSigned wants the same document but for the signature and its time,
// and that the Go libraries verify it.
func compareSigned(ours, payload []byte, key testKey) error {
	var m schema1.SignedManifest

	js, err := libtrust.NewJSONSignature(payload)
	if err != nil {
		return err
	}
	if err := js.Sign(key.PrivateKey); err != nil {
		return err
	}
	theirs, err := js.PrettySignature("signatures")
	if err != nil {
		return err
	}

	parsed, err := libtrust.ParsePrettySignature(ours, "signatures")
	if err != nil {
		return fmt.Errorf("libtrust cannot read it: %v", err)
	}
	signers, err := parsed.Verify()
	if err != nil {
		return fmt.Errorf("libtrust does not verify it: %v", err)
	}
	if len(signers) != 1 || signers[0].KeyID() != key.KeyID() {
		return fmt.Errorf("signed by %v", signers)
	}
	if cut, err := parsed.Payload(); err != nil || !bytes.Equal(cut, payload) {
		return fmt.Errorf("another payload is cut out of it (%v)", err)
	}
	if err := m.UnmarshalJSON(ours); err != nil {
		return fmt.Errorf("distribution cannot read it: %v", err)
	}
	if _, err := schema1.Verify(&m); err != nil {
		return fmt.Errorf("distribution does not verify it: %v", err)
	}

	maskedOurs, err := mask(ours)
	if err != nil {
		return err
	}
	maskedTheirs, err := mask(theirs)
	if err != nil {
		return err
	}
	if !bytes.Equal(maskedOurs, maskedTheirs) {
		return fmt.Errorf("the documents differ:\n%s\n%s", tail(maskedOurs), tail(maskedTheirs))
	}
	return nil
}

var (
	signatureMember = regexp.MustCompile(`"signature": "([A-Za-z0-9_-]+)"`)
	protectedMember = regexp.MustCompile(`"protected": "([A-Za-z0-9_-]+)"`)
	timeMember      = regexp.MustCompile(`"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"`)
)

// mask puts the length of the signature in its place, and decodes the
// protected header without its time.
func mask(body []byte) ([]byte, error) {
	start := bytes.LastIndex(body, []byte(`"signatures": [`))
	if start < 0 {
		return nil, fmt.Errorf("no signatures")
	}
	block := body[start:]

	protected := protectedMember.FindSubmatch(block)
	signature := signatureMember.FindSubmatch(block)
	if protected == nil || signature == nil {
		return nil, fmt.Errorf("no signature, or no protected header: %s", block)
	}
	header, err := base64.RawURLEncoding.DecodeString(string(protected[1]))
	if err != nil {
		return nil, err
	}
	if !timeMember.Match(header) {
		return nil, fmt.Errorf("no time in %s", header)
	}

	block = bytes.Replace(block, protected[1], timeMember.ReplaceAll(header, []byte("TIME")), 1)
	block = bytes.Replace(block, signature[1], []byte(fmt.Sprint(len(signature[1]))), 1)
	return append(append([]byte{}, body[:start]...), block...), nil
}

func tail(body []byte) []byte {
	if len(body) > 800 {
		return body[len(body)-800:]
	}
	return body
}
