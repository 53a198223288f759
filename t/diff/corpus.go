package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/ioutil"
	"os"
	"path/filepath"
	"strings"
)

// meta is meta.json of a golden case.
type meta struct {
	Name       string `json:"name"`
	Tag        string `json:"tag"`
	Source     string `json:"source"`
	ByManifest bool   `json:"layers_from_manifest,omitempty"`
}

// checkCorpus runs the builder over the golden cases below dir and tells which
// files it does not reproduce.  It returns their number.
func checkCorpus(dir string) int {
	var cases []string

	for _, depth := range []string{"", "*", "*/*"} {
		found, err := filepath.Glob(filepath.Join(dir, depth, "manifest.json"))
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", dir, err)
			return 1
		}
		cases = append(cases, found...)
	}

	wrong := 0
	count := map[string]int{}
	for _, manifest := range cases {
		dir := filepath.Dir(manifest)
		if _, err := os.Stat(filepath.Join(dir, "config.json")); err != nil {
			// a list, or a schema 1 manifest
			continue
		}
		found, err := checkGolden(dir)
		if err != nil {
			fmt.Printf("%s: %v\n", dir, err)
			wrong++
		}
		count[found]++
	}

	fmt.Printf("%s: %d payloads, %d refusals and %d mended payloads reproduced, %d cases not\n",
		dir, count["payload"]+count["mended"], count["refused"], count["mended"], wrong)
	if len(count) == 0 {
		return 1
	}
	return wrong
}

func checkGolden(dir string) (string, error) {
	var m meta
	var img image

	text, err := ioutil.ReadFile(filepath.Join(dir, "meta.json"))
	if err == nil {
		err = json.Unmarshal(text, &m)
	}
	if err != nil {
		return "", err
	}
	img.name, img.tag = m.Name, m.Tag
	if img.manifest, err = ioutil.ReadFile(filepath.Join(dir, "manifest.json")); err != nil {
		return "", err
	}
	if img.config, err = ioutil.ReadFile(filepath.Join(dir, "config.json")); err != nil {
		return "", err
	}
	if m.ByManifest {
		// the media type is to be ignored
		img.manifest = withoutMediaType(img.manifest)
	}

	golden, err := ioutil.ReadFile(filepath.Join(dir, "payload.json"))
	refused := os.IsNotExist(err)
	payload, err := builderAlone(&img)
	if refused != (err != nil) {
		return "", fmt.Errorf("the builder says %v, there is a payload: %v", err, !refused)
	}
	if !bytes.Equal(payload, golden) {
		return "", fmt.Errorf("the builder makes another payload")
	}

	mended, err := ioutil.ReadFile(filepath.Join(dir, "mended.json"))
	if err == nil {
		v := judge(&img)
		if v.beyond == "" || !bytes.Equal(v.payload, mended) {
			return "", fmt.Errorf("mended.json is not what the specification asks for")
		}
		return "mended", nil
	}
	if refused {
		return "refused", nil
	}
	return "payload", nil
}

func builderAlone(img *image) ([]byte, error) {
	_, layers, err := readManifest(img.manifest)
	if err != nil {
		return nil, err
	}
	m, err := build(img, layers, img.config)
	if err != nil {
		return nil, err
	}
	return m.Canonical, nil
}

func withoutMediaType(manifest []byte) []byte {
	var members map[string]json.RawMessage

	if json.Unmarshal(manifest, &members) != nil {
		return manifest
	}
	for name := range members {
		if strings.EqualFold(name, "mediaType") {
			delete(members, name)
		}
	}
	text, err := json.Marshal(members)
	if err != nil {
		return manifest
	}
	return text
}
