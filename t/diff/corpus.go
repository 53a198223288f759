package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// meta is meta.json of a golden case.
type meta struct {
	Name         string `json:"name"`
	Tag          string `json:"tag"`
	Source       string `json:"source"`
	ByManifest   bool   `json:"layers_from_manifest,omitempty"`
	Beyond       string `json:"beyond,omitempty"`
	Synthesized  bool   `json:"synthesized_manifest,omitempty"`
	DifferentWas string `json:"difference,omitempty"`
}

// checkCorpus runs the builder over golden cases in directories below dir and
// tells which files it does not reproduce.  It returns their number.
func checkCorpus(dir string) int {
	cases, err := filepath.Glob(filepath.Join(dir, "*", "manifest.json"))
	if err != nil || len(cases) == 0 {
		fmt.Fprintf(os.Stderr, "no cases in %s\n", dir)
		return 1
	}

	wrong := 0
	count := map[string]int{}
	for _, manifest := range cases {
		found, err := checkGolden(filepath.Dir(manifest))
		if err != nil {
			fmt.Printf("%s: %v\n", filepath.Dir(manifest), err)
			wrong++
		}
		count[found]++
	}

	fmt.Printf("%s: %d cases: %d payloads and %d refusals reproduced, %d beyond the builder, %d not reproduced\n",
		dir, len(cases), count["payload"], count["refused"], count["beyond"], wrong)
	return wrong
}

func checkGolden(dir string) (string, error) {
	var m meta
	var img image

	text, err := os.ReadFile(filepath.Join(dir, "meta.json"))
	if err == nil {
		err = json.Unmarshal(text, &m)
	}
	if err != nil {
		return "", err
	}
	img.name, img.tag = m.Name, m.Tag
	if img.manifest, err = os.ReadFile(filepath.Join(dir, "manifest.json")); err != nil {
		return "", err
	}
	if img.config, err = os.ReadFile(filepath.Join(dir, "config.json")); err != nil {
		return "", err
	}
	golden, err := os.ReadFile(filepath.Join(dir, "payload.json"))
	refused := os.IsNotExist(err)

	// cases where the media type is to be ignored were made as OCI ones
	if m.ByManifest {
		img.manifest = withoutMediaType(img.manifest)
	}

	v := judge(&img)
	if m.Beyond == "" && v.beyond != "" {
		// a golden file of the builder alone, the module goes another way
		v.payload, v.err = builderAlone(&img)
		if refused == (v.err != nil) && bytes.Equal(v.payload, golden) {
			return "beyond", nil
		}
	}
	if refused != (v.err != nil) {
		return "", fmt.Errorf("refused: %v, golden: %v", v.err, refused)
	}
	if !bytes.Equal(v.payload, golden) {
		return "", fmt.Errorf("the payload differs")
	}
	if refused {
		return "refused", nil
	}
	return "payload", nil
}

func builderAlone(img *image) ([]byte, error) {
	layers, err := readManifest(img.manifest)
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
