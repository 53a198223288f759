package main

import (
	"fmt"
	"strconv"
	"strings"
)

// config makes the config document.
func (g *generator) config(p *plan) string {
	var members []string
	add := func(name, value string) { members = append(members, g.member(name, value)) }

	members = append(members, g.architecture(), g.history(p), g.rootfs(p))
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
	members = append(members, g.stale()...)
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

func (g *generator) architecture() string {
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
func (g *generator) stale() []string {
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
	depth := g.between(9997, 10001)
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
