package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io/ioutil"
	"os"
	"path/filepath"
)

// A minimiser makes an image smaller as long as it goes wrong in the same way.
type minimiser struct {
	wrong func(*image) bool
	tries int
}

// Each try starts a program: some ten seconds at most.
const maxTries = 5000

func (m *minimiser) still(img *image) bool {
	m.tries++
	return m.tries <= maxTries && m.wrong(img)
}

// minimise shortens config and manifest in turn until nothing more goes.
func (m *minimiser) minimise(img *image) *image {
	small := *img

	for before := -1; before != len(small.config)+len(small.manifest); {
		before = len(small.config) + len(small.manifest)
		small.config = m.shorten(small.config, func(doc []byte) *image {
			try := small
			try.config = doc
			return &try
		})
		small.manifest = m.shorten(small.manifest, func(doc []byte) *image {
			try := small
			try.manifest = doc
			return &try
		})
	}
	try := small
	if try.name = "a"; small.name != "a" && m.still(&try) {
		small = try
	}
	try = small
	if try.tag = "1"; small.tag != "1" && m.still(&try) {
		small = try
	}
	return &small
}

// shorten takes out members and items first, then runs of bytes.
func (m *minimiser) shorten(doc []byte, with func([]byte) *image) []byte {
	if json.Valid(doc) {
		doc = m.withoutParts(doc, with)
	}
	for size := len(doc) / 2; size > 0; size /= 2 {
		for i := 0; i+size <= len(doc); {
			try := append(append([]byte{}, doc[:i]...), doc[i+size:]...)
			if m.still(with(try)) {
				doc = try
			} else {
				i += size
			}
		}
	}
	return doc
}

// withoutParts leaves out whole members and items, outer ones first.
func (m *minimiser) withoutParts(doc []byte, with func([]byte) *image) []byte {
	for i := 0; ; i++ {
		parts := findParts(doc)
		if i >= len(parts) {
			return doc
		}
		try := append(append([]byte{}, doc[:parts[i].from]...), doc[parts[i].to:]...)
		if m.still(with(try)) {
			doc = try
			i--
		}
	}
}

// span is a member or item of valid JSON together with one comma beside it.
type span struct{ from, to int }

// findParts lists all of them, as they begin.
func findParts(doc []byte) []span {
	type open struct {
		from  int // of the part that is being read
		comma bool
	}
	var stack []open
	var parts []span

	close := func(to int) {
		top := stack[len(stack)-1]
		if len(bytes.TrimSpace(doc[top.from:to])) == 0 {
			return
		}
		if top.comma {
			parts = append(parts, span{top.from - 1, to})
		} else if doc[to] == ',' {
			parts = append(parts, span{top.from, to + 1})
		} else {
			parts = append(parts, span{top.from, to})
		}
	}
	for i := 0; i < len(doc); i++ {
		switch doc[i] {
		case '"':
			for i++; doc[i] != '"'; i++ {
				if doc[i] == '\\' {
					i++
				}
			}
		case '{', '[':
			stack = append(stack, open{from: i + 1})
		case ',':
			close(i)
			stack[len(stack)-1] = open{from: i + 1, comma: true}
		case '}', ']':
			close(i)
			stack = stack[:len(stack)-1]
		}
	}

	// the longest first
	for i := 1; i < len(parts); i++ {
		for j := i; j > 0 && parts[j].to-parts[j].from > parts[j-1].to-parts[j-1].from; j-- {
			parts[j], parts[j-1] = parts[j-1], parts[j]
		}
	}
	return parts
}

// writeCase writes an image as a golden case: what the builder makes of it and,
// where the module goes beyond that, what the module has to make.
func writeCase(dir string, img *image, source string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}

	about, err := json.MarshalIndent(&meta{Name: img.name, Tag: img.tag, Source: source}, "", "  ")
	if err != nil {
		return err
	}
	files := map[string][]byte{
		"manifest.json": img.manifest,
		"config.json":   img.config,
		"meta.json":     append(about, '\n'),
	}

	payload, err := builderAlone(img)
	if err != nil {
		files["error"] = []byte(err.Error() + "\n")
	} else {
		files["payload.json"] = payload
		files["digest"] = []byte(fmt.Sprintf("sha256:%x\n", sha256.Sum256(payload)))
	}
	if v := judge(img); v.beyond != "" {
		files["mended.json"] = v.payload
	}

	for name, content := range files {
		if err := ioutil.WriteFile(filepath.Join(dir, name), content, 0o666); err != nil {
			return err
		}
	}
	return nil
}
