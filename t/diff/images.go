package main

import (
	"encoding/json"
	"strings"
)

const (
	dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
	dockerConfig   = "application/vnd.docker.container.image.v1+json"
	dockerLayer    = "application/vnd.docker.image.rootfs.diff.tar.gzip"
	ociManifest    = "application/vnd.oci.image.manifest.v1+json"
	ociConfig      = "application/vnd.oci.image.config.v1+json"
	ociLayer       = "application/vnd.oci.image.layer.v1.tar+gzip"
	emptyLayer     = "sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4"
)

// plan is what the two documents of an image have in common.
type plan struct {
	empty  []bool // of each history entry
	layers int
	oci    bool
	fault  string // the one thing that is wrong with the image, if any

	deepManifest bool // deep there, not in the config
	wrongLayer   bool // a wrong type is in a layer's descriptor
}

// Faults, each with its share in a thousand images.  What follows from them is
// the reference's business: some of them refuse, some do nothing, and those of
// the history are mended by the module.
var faults = []struct {
	what  string
	share int
}{
	{"broken config", 20}, {"broken manifest", 12}, {"bad grammar", 14}, {"deep", 4},
	{"type in config", 25}, {"type in manifest", 20}, {"bad time", 16}, {"bad digest", 16},
	{"bad manifest type", 12}, {"layer of another kind", 2}, {"config of another kind", 2}, {"artifact", 2}, {"members of an index", 6}, {"wrong count of diff_ids", 12},
	{"no rootfs", 4}, {"no object", 3}, {"bad reference", 2},
	{"no history", 16}, {"short history", 16}, {"long history", 16}, {"no layers", 4},
}

// newImage makes the image of one case, with what is in it.
func newImage(seed, index uint64) (*image, []feature) {
	g := &generator{random: newRandom(seed, index)}
	p := g.newPlan()

	config := g.config(p)
	manifest := g.manifest(p, config)
	img := &image{config: []byte(config), manifest: []byte(manifest)}
	g.reference(img, p)
	g.finish(img, p)
	return img, g.features
}

func (g *generator) newPlan() *plan {
	p := &plan{oci: g.below(2) == 0, deepManifest: g.below(5) == 0}
	g.spaces = []int{compact, compact, compact, pretty, odd}[g.below(5)]
	g.strange = g.permille(60)

	entries := 1
	switch n := g.below(1000); {
	case n < 250:
	case n < 700:
		entries = g.between(2, 4)
	case n < 960:
		entries = g.between(4, 12)
	case n < 998:
		entries = g.between(12, 40)
	default:
		entries = g.between(100, 300)
	}
	if g.below(20000) == 0 {
		// about as many as the module bears
		entries = g.between(9999, 10001)
	}

	emptiness := []int{0, 300, 600}[g.below(3)]
	p.empty = make([]bool, entries)
	for i := range p.empty {
		p.empty[i] = g.permille(emptiness)
		if !p.empty[i] {
			p.layers++
		}
	}

	draw := g.below(1000)
	for _, f := range faults {
		if draw -= f.share; draw < 0 {
			p.fault = f.what
			break
		}
	}
	if p.fault == "no layers" {
		p.layers = 0
	}
	p.wrongLayer = p.fault == "type in manifest" && p.layers > 0 && g.below(2) == 0
	g.notePlan(p)
	return p
}

func (g *generator) notePlan(p *plan) {
	g.note(1, "payload")
	if len(p.empty) == 1 {
		g.note(3, "single entry")
	} else {
		g.note(3, "several entries")
		g.note(4, "entry before the last")
	}
	for i, empty := range p.empty {
		if !empty {
			continue
		}
		g.note(2, "empty layer")
		if i < len(p.empty)-1 {
			g.note(4, "throwaway")
		} else {
			g.note(5, "empty last entry")
		}
	}
	if g.spaces != compact {
		g.note(3, "hash of a config with white space")
		g.note(9, "white space between tokens")
		g.note(12, "white space")
	}
}

// reference makes the name and the tag that the client asked for.
func (g *generator) reference(img *image, p *plan) {
	parts := make([]string, g.between(1, 3))
	for i := range parts {
		parts[i] = g.pick("library", "busybox", "a", "team", "app-1", "x_y", "x__y", "a.b", "0", "manifests", "blobs", "very--long")
	}
	img.name = strings.Join(parts, "/")
	img.tag = g.pick("latest", "1.0", "_", "V1.2-rc.3", "0", "a_b", strings.Repeat("t", 128))
	if g.permille(30) {
		g.note(1, "no tag")
		img.tag = ""
	}
	if p.fault == "bad reference" {
		if g.below(2) == 0 {
			img.name = g.pick("", "a//b", "/a", "a/", "a b", "-a", "a/B", "a\xff", strings.Repeat("n", 256), "a/<b>")
		} else {
			img.tag = g.pick("-a", ".a", "a b", "é", "a/b", strings.Repeat("t", 129), "a\"b", "a\n")
		}
	}
}

// finish breaks what is to be broken in the finished bytes.
func (g *generator) finish(img *image, p *plan) {
	switch p.fault {
	case "broken config":
		img.config = g.mutate(img.config)
	case "broken manifest":
		img.manifest = g.mutate(img.manifest)
	case "no object":
		doc := []byte(g.pick("", " ", "null", "[]", "[{}]", "1", `"s"`, "true", "{}", "\ufeff{}", "{}{}", "{} x"))
		if g.below(2) == 0 {
			img.config = doc
		} else {
			img.manifest = doc
		}
	}
	if !json.Valid(img.config) || !json.Valid(img.manifest) {
		g.note(12, "not JSON")
	}
}

// mutate changes a few bytes anywhere, or cuts the document off.
func (g *generator) mutate(doc []byte) []byte {
	for n := g.between(1, 3); n > 0 && len(doc) > 0; n-- {
		i := g.below(len(doc))
		switch g.below(6) {
		case 0:
			doc = doc[:i]
		case 1:
			doc = append(doc[:i:i], doc[i+1:]...)
		case 2:
			doc = append(doc[:i:i], append([]byte{byte(g.next())}, doc[i:]...)...)
		case 3:
			j := i + g.below(len(doc)-i)
			doc = append(doc[:j:j], append(append([]byte{}, doc[i:j]...), doc[j:]...)...)
		case 4:
			doc = append(doc[:i:i], append([]byte(g.pick(`"`, `\`, ",", "{", "}", "[", "]", ":", " ", "0", "null", "\x00", "\n")), doc[i:]...)...)
		case 5:
			doc[i] = g.pick(`"`, `\`, ",", "{", "}", "[", "]", ":", " ", "9", "e", ".", "-", "\x1f", "u", "\xff")[0]
		}
	}
	return doc
}
