package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strconv"
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
	{"bad manifest type", 12}, {"layer of another kind", 2}, {"members of an index", 6}, {"wrong count of diff_ids", 12},
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

// config makes the config document.
func (g *generator) config(p *plan) string {
	var members []string
	add := func(name, value string) { members = append(members, g.member(name, value)) }

	members = append(members, g.architecture(p), g.history(p), g.rootfs(p))
	if p.fault == "no rootfs" {
		g.note(7, "no rootfs")
		members = members[:2]
		if g.below(2) == 0 {
			add(`"rootfs"`, "null")
			g.note(16, "rootfs null")
		}
	}
	if g.below(4) > 0 {
		add(`"os"`, `"linux"`)
	}
	if g.below(4) > 0 {
		g.ignored = p.fault != "no history"
		add(`"created"`, g.moment())
		g.ignored = false
	} else if g.below(4) == 0 {
		g.note(5, "created of the config is not looked at")
		add(`"created"`, g.pick(`"yesterday"`, "0", "null", `{"a":1}`, `"2021-02-30T00:00:00Z"`))
	}
	if g.below(3) > 0 {
		add(`"config"`, g.runConfig())
	}
	for _, name := range []string{`"author"`, `"docker_version"`, `"container"`} {
		if g.below(4) == 0 {
			add(name, g.str(compacted))
		}
	}
	members = append(members, g.stale(p)...)
	members = append(members, g.unknownMembers()...)
	if p.fault == "type in config" {
		members = append(members, g.wrongConfigMember())
	}
	if p.fault == "bad grammar" {
		g.note(12, "bad grammar")
		add(`"x"`, g.badGrammar())
	}
	if p.fault == "deep" && !p.deepManifest {
		members = append(members, g.deep())
	}

	text := g.space() + g.object(g.shuffle(members)) + g.space()
	if g.permille(3) {
		text = g.space() + text + "\n"
	}
	if len(members) > 3 {
		g.note(6, "order of members")
	}
	return text
}

func (g *generator) architecture(p *plan) string {
	name := g.name("architecture")

	if name != `"architecture"` {
		g.note(18, "architecture spelt otherwise")
	}
	switch n := g.below(1000); {
	case n < 30:
		g.note(1, "architecture null")
		g.note(16, "architecture null")
		return g.member(name, "null")
	case n < 60:
		return g.member(name, g.str(bare))
	case n < 70:
		g.note(15, "architecture twice")
		g.note(18, "architecture twice")
		first := g.member(g.name("architecture"), g.pick(`"arm"`, `"arm64"`, "null"))
		return g.member(name, `"amd64"`) + g.space() + "," + g.space() + first
	case n < 80:
		g.note(15, "architecture in two spellings")
		return g.member(`"`+g.otherCase("architecture")+`"`, `"arm"`) + "," + g.member(name, `"amd64"`)
	case n < 85:
		g.note(16, "null after a string")
		g.note(18, "null after a string")
		return g.member(name, `"amd64"`) + "," + g.member(name, "null")
	case n < 95:
		// an unknown member takes its place
		g.note(1, "no architecture")
		return g.member(`"arch"`, `"amd64"`)
	}
	return g.member(name, g.pick(`"amd64"`, `"arm64"`, `"386"`, `""`))
}

// runConfig looks like an image's own config.
func (g *generator) runConfig() string {
	var members []string

	for _, name := range []string{"Env", "Cmd", "Entrypoint"} {
		items := make([]string, g.below(4))
		for i := range items {
			items[i] = g.str(compacted)
		}
		if g.below(5) > 0 {
			members = append(members, g.member(`"`+name+`"`, g.array(items)))
		}
	}
	if g.below(2) == 0 {
		members = append(members, g.member(`"Labels"`, g.value(compacted, 2)))
	}
	if g.below(8) == 0 {
		members = append(members, g.member(`"Healthcheck"`, g.object([]string{g.member(`"Interval"`, g.number())})))
	}
	return g.object(g.shuffle(members))
}

// stale makes members that the last entry may not take over.
func (g *generator) stale(p *plan) []string {
	var members []string

	if g.permille(40) {
		g.note(5, "id in the config")
		members = append(members, g.member(g.pick(`"id"`, `"id"`, `"ID"`, `"\u0069d"`), g.str(compacted)))
	}
	if g.permille(40) {
		g.note(5, "parent in the config")
		name := g.pick(`"parent"`, `"parent"`, `"parent"`, `"Parent"`, `"PARENT"`, `"p\u0061rent"`)
		members = append(members, g.member(name, g.pick(`"sha256:00"`, `""`, "null", `"x"`, "7")))
	}
	if g.permille(30) {
		g.note(5, "throwaway in the config")
		name := g.pick(`"throwaway"`, `"throwaway"`, `"ThrowAway"`, `"throw\u0061way"`)
		members = append(members, g.member(name, g.pick("true", "false", "null", `"x"`)))
	}
	return members
}

// unknownMembers are handed on as they are.
func (g *generator) unknownMembers() []string {
	var members []string
	names := []string{}

	count := g.below(4)
	if g.permille(4) {
		count = g.between(20, 120)
	}
	for i := 0; i < count; i++ {
		names = append(names, g.str(decoded))
	}
	if g.permille(30) {
		g.note(6, "beyond the BMP against U+E000 and later")
		names = append(names, "\"\U00010000"+words[g.below(len(words))]+"\"",
			g.pick("\"\ue000\"", "\"\uffee\"", `"\uff5e"`), "\"\U0001f600\"", `"\ud83d\ude01"`)
	}
	if g.permille(20) {
		g.note(6, "names beside those that are set")
		names = append(names, g.pick(`""`, `"\u0000"`, `"!"`), g.pick(`"i"`, `"id\u0000"`, `"ida"`, `"ic"`),
			g.pick(`"paren"`, `"parents"`, `"parent\u0000"`, `"throwawa"`, `"throwaways"`), g.pick(`"history\u0000"`, `"rootfs "`))
	}
	if g.permille(15) {
		g.note(14, "name that only looks like a known one")
		names = append(names, g.pick(`"hi\u017ftorys"`, "\"Kernel\"", `"rootf\u212a"`, `"history "`, `"histor\u0131"`))
	}
	if g.permille(20) {
		g.note(14, "known name with a bit flipped")
		known := []byte(g.pick("history", "rootfs", "architecture", "parent", "throwaway", "id", "created"))
		i := g.below(len(known))
		flipped := known[i] ^ 1<<uint(g.below(7))
		names = append(names, `"`+string(known[:i])+g.hexEscape(int(flipped))+string(known[i+1:])+`"`)
	}
	if g.permille(8) {
		g.note(11, "names equal by decoding")
		names = append(names, `"ab"`, `"\u0061b"`, `"a\u0062"`)
	}
	if g.permille(8) {
		g.note(11, "names equal by invalid UTF-8")
		names = append(names, "\"a\xff\"", "\"a\xfe\"", `"a\ud800"`, `"a`+"\ufffd"+`"`)
	}
	if g.permille(8) {
		g.note(15, "unknown member twice")
		names = append(names, `"twice"`, `"twice"`, `"Twice"`)
	}
	for _, name := range names {
		value := g.value(compacted, 2)
		if g.permille(60) {
			value = "null"
		}
		if value == "null" {
			g.note(19, "null at the top")
		}
		members = append(members, g.member(name, value))
	}
	if g.permille(6) {
		members = append(members, g.member(`"wide"`, g.wide()))
	}
	return members
}

func (g *generator) wide() string {
	items := make([]string, g.between(50, 400))
	for i := range items {
		items[i] = strconv.Itoa(i)
	}
	return g.array(items)
}

// deep nests about as deep as the reference bears.  The document is level one.
func (g *generator) deep() string {
	depth := g.between(9995, 10003)
	if g.below(2) == 0 {
		depth = []int{20, 100, 500, 1000, 2000, 2047, 2048, 5000}[g.below(8)]
	}
	if depth > 9999 {
		g.note(13, "deeper than 10000")
	} else {
		g.note(13, "up to 10000 deep")
	}
	switch g.below(3) {
	case 0:
		return g.member(`"deep"`, strings.Repeat("[", depth)+strings.Repeat("]", depth))
	case 1:
		return g.member(`"deep"`, strings.Repeat(`{"a":`, depth-1)+"{}"+strings.Repeat("}", depth-1))
	}
	// the depth of what was closed again does not count
	half := depth / 2
	return g.member(`"deep"`, strings.Repeat(`[{"":`, half)+strings.Repeat("[", depth%2)+`"[{"`+
		strings.Repeat("]", depth%2)+strings.Repeat("}]", half)) +
		"," + g.member(`"flat"`, "["+strings.Repeat("[[]],", 300)+"0]")
}

// history makes the member of this name, or several.
func (g *generator) history(p *plan) string {
	empty := p.empty

	switch p.fault {
	case "no history":
		g.note(7, "no history")
		switch g.below(4) {
		case 0:
			return g.member(`"comment"`, g.str(compacted))
		case 1:
			return g.member(g.name("history"), "null")
		}
		return g.member(g.name("history"), g.array(nil))
	case "short history":
		g.note(7, "fewer layers in the history")
		empty = empty[:g.below(len(empty)+1)]
		p.layers += g.below(3)
	case "long history":
		g.note(7, "more layers in the history")
		for n := g.between(1, 3); n > 0; n-- {
			empty = append(empty, false)
		}
	}

	items := make([]string, len(empty))
	for i := range empty {
		if len(empty) > 1000 {
			items[i] = g.pick("{}", "null", `{"created_by":"x"}`)
			if empty[i] {
				items[i] = `{"empty_layer":true}`
			}
			continue
		}
		items[i] = g.entry(empty[i], i == len(empty)-1)
	}
	if p.fault == "bad time" {
		i := g.below(len(items) + 1)
		bad := g.object([]string{g.member(g.name("created"), g.badMoment()), g.member(`"empty_layer"`, "true")})
		items = append(items[:i], append([]string{bad}, items[i:]...)...)
	}
	member := g.member(g.name("history"), g.array(items))
	if !g.permille(25) {
		return member
	}
	return g.formerHistory(len(empty)) + member
}

// formerHistory puts other ones before it, which the last is decoded over.
func (g *generator) formerHistory(entries int) string {
	var text string

	for n := g.between(1, 3); n > 0; n-- {
		value := "null"
		switch g.below(5) {
		case 0:
			g.note(17, "null in between")
			g.note(16, "null resets an array")
		case 1:
			g.note(17, "empty array in between")
			value = "[]"
		default:
			g.note(17, "items decoded over others")
			items := make([]string, g.between(1, entries+1))
			for i := range items {
				items[i] = g.entry(false, true)
			}
			value = g.array(items)
		}
		text += g.member(g.name("history"), value) + g.space() + "," + g.space()
	}
	return text
}

// entry makes a history entry.
func (g *generator) entry(empty, last bool) string {
	var members []string
	add := func(name, value string) { members = append(members, g.member(g.name(name), value)) }

	g.hidden = last
	defer func() { g.hidden = false }()

	if !empty && g.permille(8) {
		g.note(16, "entry null")
		return "null"
	}

	switch n := g.below(100); {
	case n < 90:
		add("created", g.moment())
	case n < 93:
		g.note(16, "time null")
		g.note(21, "time null")
		add("created", "null")
	case n < 94:
		g.note(15, "time twice")
		add("created", g.moment())
		add("created", g.moment())
	default:
		g.note(21, "no time")
	}
	if empty {
		add("empty_layer", "true")
		if g.permille(5) {
			g.note(16, "empty_layer null after true")
			members[len(members)-1] += "," + g.member(`"empty_layer"`, "null")
		}
	} else if g.permille(100) {
		add("empty_layer", g.pick("false", "null"))
	}

	// of the last entry nothing of this is shown
	route := decoded
	if last {
		route = unused
		g.note(5, "members of the last entry")
	}
	for _, name := range []string{"created_by", "comment", "author"} {
		if name != "created_by" && g.below(6) > 0 || g.below(12) == 0 {
			continue
		}
		switch n := g.below(100); {
		case n < 3:
			g.note(4, name+" empty")
			add(name, `""`)
		case n < 5:
			g.note(16, name+" null")
			add(name, "null")
		case n < 6:
			g.note(15, name+" twice")
			add(name, g.str(route))
			add(name, g.str(route))
		default:
			if name != "created_by" {
				g.note(4, name)
			}
			add(name, g.str(route))
		}
	}
	if g.permille(40) {
		g.note(4, "unknown member of an entry")
		name := g.pick(`"extra"`, `"Cmd"`, `"id"`, `"v\u0031"`, `"created\u007fby"`, "\"created\x7fby\"", `"empty-layer"`, `"created\u005fb"`)
		members = append(members, g.member(name, g.value(unused, 1)))
	}
	return g.object(g.shuffle(members))
}

// rootfs makes the member of this name, or several.
func (g *generator) rootfs(p *plan) string {
	var members []string
	add := func(name, value string) { members = append(members, g.member(g.name(name), value)) }

	count := p.layers
	if p.fault == "wrong count of diff_ids" {
		g.note(7, "diff_ids do not match the layers")
		if count += g.between(1, 2); g.below(2) == 0 && p.layers > 0 {
			count = p.layers - 1
		}
	}
	if g.below(20) > 0 {
		add("type", g.pick(`"layers"`, `"layers"`, `"layers"`, `"layers+base"`, "null", `""`))
	}
	diffIDs := g.diffIDs(count)
	if g.permille(8) {
		g.note(17, "diff_ids twice")
		diffIDs = g.member(g.name("diff_ids"), g.pick(`["a"]`, `["a",null,"b"]`, "null", "[]")) + "," + diffIDs
	}
	members = append(members, diffIDs)
	if g.permille(30) {
		add("base_layer", g.pick(g.str(decoded), `"sha256:5f70bf18a086007016e948b04aed3b82103a36be"`, `""`, "null"))
		if len(p.empty) > 1 {
			g.note(3, "base_layer")
		} else {
			g.note(3, "base_layer with a single entry")
		}
	}
	if g.permille(20) {
		members = append(members, g.member(`"extra"`, g.value(unused, 1)))
	}

	// a second one is merged into the first
	if len(members) > 1 && g.permille(8) {
		g.note(16, "rootfs in two parts")
		part := g.between(1, len(members)-1)
		return g.member(g.name("rootfs"), g.object(members[:part])) + "," +
			g.member(g.name("rootfs"), g.object(members[part:]))
	}
	if g.permille(6) {
		g.note(16, "rootfs null in between")
		former := g.pick("", g.member(g.name("rootfs"), `{"diff_ids":["a","b"],"base_layer":"x"}`)+",")
		return former + g.member(g.name("rootfs"), "null") + "," + g.member(g.name("rootfs"), g.object(members))
	}
	return g.member(g.name("rootfs"), g.object(g.shuffle(members)))
}

func (g *generator) diffIDs(count int) string {
	if count == 0 && g.below(2) == 0 {
		return g.member(g.name("diff_ids"), g.pick("null", "[]"))
	}
	items := make([]string, count)
	for i := range items {
		items[i] = `"sha256:` + g.hex(64) + `"`
		if g.permille(10) {
			g.note(7, "odd diff_ids")
			items[i] = g.pick("null", `""`, `"x"`, `"sha256:\u0000"`, `"sha1:aa"`)
		}
	}
	return g.member(g.name("diff_ids"), g.array(items))
}

func (g *generator) hex(digits int) string {
	var b strings.Builder

	for b.Len() < digits {
		fmt.Fprintf(&b, "%016x", g.next())
	}
	return b.String()[:digits]
}

// wrongConfigMember is a known member of another type, which refuses.
func (g *generator) wrongConfigMember() string {
	g.note(20, "known member of the wrong type")

	entry := func(name, right string) string {
		return g.array([]string{g.object([]string{g.member(g.name(name), g.wrongType(right))})})
	}
	part := func(name, right string) string {
		return g.object([]string{g.member(g.name(name), g.wrongType(right))})
	}
	history := func(value string) string { return g.member(g.name("history"), value) }
	rootfs := func(value string) string { return g.member(g.name("rootfs"), value) }

	switch g.below(11) {
	case 0:
		return g.member(g.name("architecture"), g.wrongType("string"))
	case 1:
		return history(g.wrongType("array"))
	case 2:
		return history(g.array([]string{g.wrongType("object")}))
	case 3:
		return history(entry("created", "time")) // none of them is one
	case 4:
		return history(entry(g.pick("author", "created_by", "comment"), "string"))
	case 5, 6:
		return history(entry("empty_layer", "bool"))
	case 7:
		return rootfs(g.wrongType("object"))
	case 8:
		return rootfs(part(g.pick("type", "base_layer"), "string"))
	case 9:
		return rootfs(part("diff_ids", "array"))
	}
	return rootfs(g.object([]string{g.member(g.name("diff_ids"), g.array([]string{g.wrongType("string")}))}))
}

// badGrammar is a value that is no JSON.
func (g *generator) badGrammar() string {
	return g.pick("01", "1.", ".5", "1e", "1e+", "+1", "-", "0x10", "1_0", "NaN", "Infinity", "True", "nul", "tru",
		"undefined", "'a'", "\"a\tb\"", "\"a\nb\"", "\"\x00\"", "\"\x1f\"", `"\x41"`, `"\U0041"`, `"\u12"`, `"\u12g4"`,
		`"\"`, `"a`, "[1,]", "[,1]", "[1 2]", `{"a":1,}`, `{"a" 1}`, `{a:1}`, `{1:1}`, `{"a":}`, "[", "]", "{", "}",
		"/* c */ 1", "1 // c\n", "\v1", "\f1", "\u00a01", "\ufeff1", "", "1\x00", `"a""b"`, "--1", "00", "-01", "1e1.5")
}

// manifest makes the manifest document.
func (g *generator) manifest(p *plan, config string) string {
	var members []string
	add := func(name, value string) { members = append(members, g.member(g.name(name), value)) }

	if p.oci {
		g.note(25, "OCI manifest")
	} else {
		g.note(25, "docker manifest")
	}
	if p.fault == "bad manifest type" {
		g.badManifestType(p, add)
	} else {
		add("schemaVersion", "2")
		switch {
		case p.oci && g.below(2) == 0:
			g.note(25, "no mediaType")
			if g.below(8) == 0 {
				add("mediaType", g.pick(`""`, "null"))
			}
		case p.oci:
			add("mediaType", `"`+ociManifest+`"`)
		default:
			add("mediaType", g.pick(`"`+dockerManifest+`"`, `"`+strings.ReplaceAll(dockerManifest, "/", `\/`)+`"`))
		}
	}

	configType := map[bool]string{true: ociConfig, false: dockerConfig}[p.oci]
	digest := fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(config)))
	members = append(members, g.member(g.name("config"), g.descriptor(configType, digest, strconv.Itoa(len(config)), p)))
	members = append(members, g.layers(p))

	if p.fault == "members of an index" {
		g.note(25, "manifests in a manifest")
		members = append(members, g.member(g.name("manifests"), g.pick("[]", "null", "[]", `[{}]`, "{}", `"x"`, "1")))
		if g.below(4) == 0 {
			members[len(members)-1] += "," + g.member(g.name("manifests"), "null")
		}
	}
	if g.permille(50) {
		members = append(members, g.member(g.pick(`"x"`, `"history"`, `"fsLayers"`), g.value(unused, 2)))
	}
	if p.oci && g.permille(60) {
		note := []string{g.member(g.str(unused), g.str(unused)), g.member(`"n"`, "null")}
		add("annotations", g.object(note[:g.between(0, 2)]))
	}
	if p.fault == "type in manifest" {
		members = append(members, g.wrongManifestMember(p))
	}
	if p.fault == "deep" && p.deepManifest {
		members = append(members, g.deep())
	}
	return g.space() + g.object(g.shuffle(members)) + g.space()
}

func (g *generator) badManifestType(p *plan, add func(name, value string)) {
	g.note(25, "other version or type")
	version, mediaType := "2", dockerManifest
	if p.oci {
		mediaType = ociManifest
	}
	if g.below(2) == 0 {
		version = g.pick("1", "3", "0", "2.0", "2e0", `"2"`, "null", "-2", "true", "20", "9223372036854775808")
	} else {
		mediaType = g.pick("application/json", "application/vnd.oci.image.index.v1+json", "x", "Application"+ociManifest[11:],
			"application/vnd.docker.distribution.manifest.list.v2+json", ociManifest+" ", ociManifest+"; charset=utf-8",
			"application/vnd.docker.distribution.manifest.v1+json", "application/vnd.docker.distribution.manifest.v1+prettyjws")
	}
	if g.below(8) > 0 {
		add("schemaVersion", version)
	}
	add("mediaType", `"`+mediaType+`"`)
}

func (g *generator) layers(p *plan) string {
	layerType := map[bool]string{true: ociLayer, false: dockerLayer}[p.oci]
	items := make([]string, p.layers)
	bad := -1
	if p.fault == "bad digest" && len(items) > 0 {
		bad = g.below(len(items))
	}
	for i := range items {
		digest := g.layerDigest()
		if i == bad {
			g.note(26, "bad digest")
			if g.below(12) == 0 {
				items[i] = g.pick("null", "{}")
				continue
			}
			digest = g.badDigest()
		}
		items[i] = g.descriptor(g.layerType(p, layerType), digest, strconv.Itoa(g.below(1<<30)), p)
	}
	if len(items) == 0 && g.below(3) == 0 {
		return g.member(g.name("layers"), "null")
	}
	former := ""
	if g.permille(12) {
		former = g.formerLayers(items, layerType, p)
	}
	return former + g.member(g.name("layers"), g.array(items))
}

// formerLayers puts other ones before, which the last are decoded over, and
// leaves things to them.
func (g *generator) formerLayers(items []string, layerType string, p *plan) string {
	former := make([]string, g.between(1, len(items)+2))
	for i := range former {
		former[i] = g.descriptor(layerType, g.layerDigest(), "7", p)
	}
	text := g.member(g.name("layers"), g.array(former)) + ","

	switch g.below(4) {
	case 0:
		g.note(17, "layers forgotten in between")
		return text + g.member(g.name("layers"), g.pick("null", "[]")) + ","
	case 1:
		g.note(17, "shorter layers in between")
		text += g.member(g.name("layers"), "[{}]") + ","
	}
	g.note(17, "layers decoded over others")
	for i := range items {
		if i < len(former) && g.below(3) == 0 {
			items[i] = g.pick("{}", "null", `{"size":1}`, `{"digest":null}`)
		}
	}
	return text
}

// layerType gives another type for a few layers.
func (g *generator) layerType(p *plan, usual string) string {
	switch {
	case p.fault == "layer of another kind":
		// no client of the module's can have these: refused by us alone
		return g.pick("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
			"application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
			"application/vnd.oci.image.layer.v1.tar+zstd", "application/vnd.oci.image.layer.v1.tar+gzip+encrypted")
	case g.permille(5):
		return g.pick("application/vnd.docker.image.rootfs.diff.tar", "application/vnd.oci.image.layer.v1.tar")
	case g.permille(5):
		return g.pick(dockerLayer, ociLayer)
	}
	return usual
}

func (g *generator) layerDigest() string {
	switch n := g.below(100); {
	case n < 2:
		g.note(26, "sha384")
		g.note(3, "hex of another algorithm")
		return "sha384:" + g.hex(96)
	case n < 4:
		g.note(26, "sha512")
		g.note(3, "hex of another algorithm")
		return "sha512:" + g.hex(128)
	case n < 6:
		g.note(26, "escape in a digest")
		return g.pick(`sha256\u003a`, `\u0073ha256:`, `sh\u00612\u0035\u0036:`, `sha\u0032\u00356\u003A`) + g.hex(64)
	case n < 7:
		return emptyLayer
	}
	return "sha256:" + g.hex(64)
}

func (g *generator) badDigest() string {
	hex := g.hex(64)
	if g.below(3) == 0 {
		slip := []byte(g.pick("sha256:"+hex, "sha384:"+hex+hex[:32], "sha512:"+hex+hex))
		slip[g.below(len(slip))] = "0afgAF:+-_. /sh"[g.below(15)]
		return string(slip)
	}
	return g.pick("", "sha256:", "sha256", hex, "sha256:"+hex[1:], "sha256:"+hex+"0", "sha256:"+strings.ToUpper(hex[:60])+"ABCD",
		"SHA256:"+hex, "md5:"+hex[:32], "sha1:"+hex[:40], "sha224:"+hex[:56], "sha256:"+hex[1:]+"g", "sha256: "+hex[1:],
		" sha256:"+hex, "sha256:"+hex+" ", "sha512:"+hex, "sha384:"+hex, "sha256:"+hex[4:]+"\u00e9\u00e9",
		"tarsum.v1+sha256:"+hex, "sha256:"+hex[1:]+`\u0000`, "sha256:"+hex[1:]+"\xff", ":"+hex, "blake3:"+hex, "sha256+b64:"+hex)
}

// descriptor makes a descriptor with what may stand in one.
func (g *generator) descriptor(mediaType, digest, size string, p *plan) string {
	members := []string{
		g.member(g.name("mediaType"), `"`+mediaType+`"`),
		g.member(g.name("digest"), `"`+digest+`"`),
		g.member(g.name("size"), size),
	}
	if mediaType != dockerConfig && mediaType != ociConfig {
		g.oddDescriptor(members, &members)
	}
	return g.object(g.shuffle(members))
}

// oddDescriptor adds to a layer's descriptor what does no harm.
func (g *generator) oddDescriptor(plain []string, members *[]string) {
	add := func(name, value string) { *members = append(*members, g.member(g.name(name), value)) }

	if g.permille(10) {
		g.note(27, "size at the edge of its range")
		plain[2] = g.member(`"size"`, g.pick("9223372036854775807", "-9223372036854775808", "-1", "0", "null", "-0"))
	}
	if g.permille(10) {
		g.note(27, "urls")
		add("urls", g.pick("null", "[]"))
	}
	if g.permille(10) {
		g.note(27, "annotations")
		add("annotations", g.pick("null", "{}", `{"a":"b"}`, `{"a":null}`, `{"a":"b","a":"c"}`))
	}
	if g.permille(5) {
		g.note(27, "platform")
		add("platform", g.pick("null", "{}", `{"os":"linux","architecture":"amd64","os.features":["x",null]}`))
	}
	if g.permille(5) {
		g.note(15, "descriptor's member twice")
		*members = append(*members, plain[2])
	}
	if g.permille(10) {
		*members = append(*members, g.member(`"extra"`, g.value(unused, 1)))
	}
}

// wrongManifestMember is a known member of another type, which refuses.
func (g *generator) wrongManifestMember(p *plan) string {
	g.note(27, "known member of the wrong type")

	descriptor := g.pick(
		`"size":`+g.pick("1.5", "1e3", "1.0", `"1"`, "9223372036854775808", "-9223372036854775809", "true", "[]", "{}"),
		`"digest":`+g.wrongType("string"),
		`"mediaType":`+g.wrongType("string"),
		`"urls":`+g.pick(`"x"`, "[1]", "{}", "1", `["a",{}]`),
		`"annotations":`+g.pick(`"x"`, "[]", `{"a":1}`, `{"a":[]}`, "1", "true"),
		`"platform":`+g.pick(`"x"`, "[]", `{"os":1}`, `{"os.features":["a",1]}`, "1", `{"variant":{}}`))

	switch g.below(6) {
	case 0:
		return g.member(g.name("config"), "{"+descriptor+"}")
	case 1:
		return g.member(g.name("config"), g.wrongType("object"))
	case 2:
		return g.member(g.name("layers"), g.wrongType("array"))
	case 3:
		return g.member(g.name("layers"), "["+g.wrongType("object")+"]")
	case 4:
		if p.oci {
			return g.member(g.name("annotations"), g.pick(`"x"`, "[]", `{"a":1}`, "1"))
		}
	}
	return g.member(g.name("layers"), "[{"+descriptor+"}]")
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
