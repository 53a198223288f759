package main

import (
	"fmt"
	"strconv"
	"strings"
)

// feature is something in a document that a rule of FIDELITY.md speaks of.
type feature struct {
	rule int
	what string
}

// A generator makes one image and notes what is in it.
type generator struct {
	random
	features []feature

	spaces  int  // how much white space stands between tokens
	strange bool // invalid UTF-8, lone surrogates and the like may occur
	hidden  bool // what is made now is checked, but never shown
	ignored bool // what is made now is not even looked at
}

// shown are the rules about what comes out, not about what is let in.
var shown = [rules + 1]bool{4: true, 8: true, 10: true, 15: true, 16: true, 21: true, 24: true}

// note counts a rule for this image, unless nothing could come of it.
func (g *generator) note(rule int, what string) {
	if g.ignored || g.hidden && shown[rule] {
		return
	}
	f := feature{rule, what}
	for _, noted := range g.features {
		if noted == f {
			return
		}
	}
	g.features = append(g.features, f)
}

// The routes that a string may take into the payload.
const (
	unused    = iota // never shown
	decoded          // decoded and encoded again: rule 8
	compacted        // raw: rule 9
	bare             // decoded, then shown in the payload itself
)

const (
	compact = iota
	pretty
	odd
)

// space gives white space between two tokens.
func (g *generator) space() string {
	switch g.spaces {
	case compact:
		return ""
	case pretty:
		return " "
	}
	if g.below(3) > 0 {
		return ""
	}
	return g.pick(" ", "\n", "\t", "\r\n", "  \n\t", "\r", " \t \r\n ")
}

var words = []string{
	"/bin/sh -c ", "#(nop) ", "CMD [", "COPY file:", "apt-get install -y ",
	"PATH=/usr/local/sbin:/usr/bin", "bash", "latest", "a", "layer", "1.2.3",
	"0", "x86_64", "RUN", "ENV", "maintainer", "nginx", " in ", "|1 v=2 ", "=",
}

// piece is a part of a string: its spelling and the name of its kind, which is
// empty where nothing happens to it on any route.
type piece struct {
	text, kind string
}

// plain, but spelt or written in a way that the encoders care about
var properPieces = []func(*generator) piece{
	func(g *generator) piece { return piece{g.pick("<", ">", "&", "&&", "<<EOF", "->"), "html"} },
	func(g *generator) piece { return piece{g.pick(`\"`, `\\`, `\\\"`, `\\n`), "quote or backslash"} },
	func(g *generator) piece { return piece{g.pick(`\n`, `\t`, `\r`, `\r\n`, `\n\t`), "\\n, \\r, \\t"} },
	func(g *generator) piece { return piece{g.pick(`\b`, `\f`), "\\b, \\f"} },
	func(g *generator) piece { return piece{`\/`, "escaped solidus"} },
	func(g *generator) piece { return piece{g.hexEscape(g.below(0x20)), "control as \\u00xx"} },
	func(g *generator) piece { return piece{g.hexEscape(g.between(0x20, 0x7f)), "escaped ASCII"} },
	func(g *generator) piece {
		return piece{g.hexEscape(int(g.pick("<", ">", "&", `"`, `\`, "/")[0])), "escaped special"}
	},
	func(g *generator) piece { return piece{g.pick("\u2028", "\u2029"), "raw U+2028, U+2029"} },
	func(g *generator) piece { return piece{g.pick(`\u2028`, `\u2029`), "escaped U+2028, U+2029"} },
	func(g *generator) piece {
		return piece{g.pick("\u2027", "\u202a", "\u2020", "\u2068"), "beside U+2028"}
	},
	func(g *generator) piece {
		return piece{g.pick("\x7f", "\u0080", "\u0085", "\u009f", "\u00a0"), "DEL, C1"}
	},
	func(g *generator) piece {
		return piece{string(rune(g.between(0xa1, 0xd7ff))), "raw non-ASCII"}
	},
	func(g *generator) piece {
		return piece{g.pick("é", "e\u0301", "日本", "Ж", "ſ", "K"), "raw non-ASCII"}
	},
	func(g *generator) piece { return piece{g.hexEscape(g.between(0x80, 0xd7ff)), "escaped non-ASCII"} },
	func(g *generator) piece {
		return piece{string(rune(g.between(0x10000, 0x10ffff))), "raw beyond the BMP"}
	},
	func(g *generator) piece { return piece{g.pair(), "surrogate pair"} },
	func(g *generator) piece {
		return piece{g.pick("\ufffd", "\ufffe", "\uffff", "\ufeff", "\ufdd0", "\U0001ffff"), "U+FFFD, noncharacters"}
	},
}

// what only a careless or hostile builder writes
var strangePieces = []func(*generator) piece{
	func(g *generator) piece { return piece{g.high(), "lone high surrogate"} },
	func(g *generator) piece { return piece{g.low(), "lone low surrogate"} },
	func(g *generator) piece { return piece{g.high() + g.pair(), "high, high, low surrogate"} },
	func(g *generator) piece { return piece{g.low() + g.high(), "surrogates reversed"} },
	func(g *generator) piece {
		return piece{g.high() + g.pick("x", "é", `\n`, `\u0041`, "\u2028", "<", `\\`, `\ue000`, `\uFFFF`, `\udbff`), "high surrogate and another"}
	},
	func(g *generator) piece {
		return piece{g.pick("\xff", "\x80", "\xbf\xbf", "\xfe\xff"), "stray byte"}
	},
	func(g *generator) piece {
		return piece{g.pick("\xe2\x80", "\xe2\x80<", "\xc3", "\xf0\x9f\x98", "\xe2\x80\\u2028", "\xe2", "\xf0\x9f",
			"\xe2\xe2\x80\xa8", "\xf0\xe2\x80\xa9", "\xe2\x80\xa8\xa8"), "cut sequence"}
	},
	func(g *generator) piece {
		return piece{g.pick("\xc0\xaf", "\xe0\x80\xaf", "\xf0\x80\x80\xaf", "\xc1\xbf", "\xe0\x9f\xbf"), "overlong sequence"}
	},
	func(g *generator) piece {
		return piece{g.pick("\xed\xa0\x80", "\xed\xbf\xbf", "\xed\xa0\xbd\xed\xb8\x80"), "encoded surrogate"}
	},
	func(g *generator) piece {
		return piece{g.pick("\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xf8\x88\x80\x80\x80"), "beyond U+10FFFF"}
	},
	func(g *generator) piece {
		noise := make([]byte, g.between(1, 6))
		for i := range noise {
			noise[i] = byte(g.between(0x80, 0xff))
		}
		return piece{string(noise), "random bytes"}
	},
	func(g *generator) piece {
		noise := ""
		for n := g.between(1, 4); n > 0; n-- {
			noise += g.hexEscape(g.between(0xd7fe, 0xe001))
		}
		return piece{noise, "random surrogates"}
	},
}

// hexEscape spells its digits in any case.
func (g *generator) hexEscape(c int) string {
	text := fmt.Sprintf("%04x", c)
	if g.below(2) == 0 {
		text = strings.ToUpper(text)
	}
	return `\u` + text
}

func (g *generator) high() string { return g.hexEscape(g.between(0xd800, 0xdbff)) }
func (g *generator) low() string  { return g.hexEscape(g.between(0xdc00, 0xdfff)) }
func (g *generator) pair() string { return g.high() + g.low() }

// text makes the inside of a string; simple ones prevail, as in real images.
func (g *generator) text(route int) string {
	var b strings.Builder

	for n := g.below(5); n >= 0; n-- {
		b.WriteString(words[g.below(len(words))])
		if g.below(4) > 0 {
			continue
		}
		p := properPieces[g.below(len(properPieces))](g)
		if g.strange && g.below(3) == 0 {
			p = strangePieces[g.below(len(strangePieces))](g)
		}
		b.WriteString(p.text)
		g.noteString(route, p)
	}
	if g.permille(1) {
		b.WriteString(strings.Repeat(words[g.below(len(words))], g.between(100, 1000)))
	} else if g.below(200000) == 0 {
		b.WriteString(strings.Repeat("long <text> ", g.between(10000, 200000)))
	}
	return b.String()
}

func (g *generator) noteString(route int, p piece) {
	invalid := p.text[0] != '\\' && strings.ToValidUTF8(p.text, "") != p.text

	switch route {
	case decoded:
		g.note(8, p.kind)
		if invalid {
			g.note(10, "invalid UTF-8, decoded")
		}
	case bare:
		g.note(8, p.kind)
		g.note(18, "architecture with something to encode")
		if invalid {
			g.note(10, "invalid UTF-8 in architecture")
		}
	case compacted:
		g.note(9, p.kind)
		if invalid {
			g.note(10, "invalid UTF-8, raw")
		}
	}
	if p.kind == "html" && route != unused && route != bare {
		g.note(10, "doubled backslash")
	}
}

func (g *generator) str(route int) string {
	return `"` + g.text(route) + `"`
}

// number spells a number; nothing may happen to it.
func (g *generator) number() string {
	switch g.below(16) {
	case 0:
		g.note(9, "-0")
		return g.pick("-0", "-0.0", "-0e0", "0", "0.0")
	case 1:
		g.note(9, "trailing zeros")
		return g.pick("1.0", "0.1000", "100.00", "-2.50", "1.10e10")
	case 2:
		g.note(9, "exponent")
		return g.pick("1e3", "1E3", "1E+2", "1e-7", "2.5e+00", "1e-06", "0e1", "1e21")
	case 3:
		g.note(9, "beyond 2^64")
		return g.pick("18446744073709551616", "9223372036854775808", "-9223372036854775809",
			"123456789012345678901234567890", "9007199254740993")
	case 4:
		g.note(9, "beyond a double")
		return g.pick("1e400", "-1e999", "1e-999", "123e99999999")
	case 5:
		g.note(9, "many digits")
		return "0." + strings.Repeat(strconv.Itoa(g.between(100000, 999999)), g.between(3, 12))
	}
	return strconv.FormatInt(int64(g.next()>>uint(g.between(20, 63)))-1000, 10)
}

// value makes any JSON value for a member that is passed on raw.
func (g *generator) value(route, depth int) string {
	kind := g.below(9)
	if depth <= 0 {
		kind = g.below(6)
	}
	switch kind {
	case 0:
		return g.pick("null", "true", "false")
	case 1:
		return g.number()
	case 2, 3, 4, 5:
		return g.str(route)
	case 6:
		items := make([]string, g.below(4))
		for i := range items {
			items[i] = g.value(route, depth-1)
		}
		return g.array(items)
	}
	members := make([]string, g.below(4))
	for i := range members {
		name := g.str(route)
		if i > 0 && g.permille(30) {
			name = members[i-1][:strings.Index(members[i-1][1:], `"`)+2]
			if strings.HasSuffix(name, `\"`) {
				name = `""`
			}
			g.note(6, "repeated nested names")
		}
		members[i] = g.member(name, g.value(route, depth-1))
	}
	if len(members) > 1 {
		g.note(6, "order of nested members")
	}
	return g.object(members)
}

// member and the two below put white space where it may stand.
func (g *generator) member(name, value string) string {
	return name + g.space() + ":" + g.space() + value
}

func (g *generator) array(items []string) string {
	return g.bracket("[", items, "]")
}

func (g *generator) object(members []string) string {
	return g.bracket("{", members, "}")
}

func (g *generator) bracket(open string, items []string, end string) string {
	var b strings.Builder

	b.WriteString(open)
	b.WriteString(g.space())
	for i, item := range items {
		if i > 0 {
			b.WriteString(g.space())
			b.WriteByte(',')
			b.WriteString(g.space())
		}
		b.WriteString(item)
	}
	b.WriteString(g.space())
	b.WriteString(end)
	return b.String()
}

// name spells a known member's name.
func (g *generator) name(known string) string {
	switch {
	case g.permille(6):
		g.note(11, "escape in a known name")
		i := g.below(len(known))
		return `"` + known[:i] + g.hexEscape(int(known[i])) + known[i+1:] + `"`
	case g.permille(6):
		return `"` + g.otherCase(known) + `"`
	}
	return `"` + known + `"`
}

func (g *generator) otherCase(known string) string {
	if i := strings.IndexByte(known, 's'); i >= 0 && g.below(2) == 0 {
		g.note(14, "U+017F for s")
		return known[:i] + g.pick("ſ", `\u017f`, `\u017F`) + known[i+1:]
	}
	g.note(14, "other case of a known name")
	spelt := []byte(known)
	for i := range spelt {
		if spelt[i] >= 'a' && g.below(3) == 0 {
			spelt[i] -= 'a' - 'A'
		}
	}
	if string(spelt) == known {
		return strings.ToUpper(known)
	}
	return string(spelt)
}

// shuffle brings members into any order.
func (g *generator) shuffle(members []string) []string {
	for i := len(members) - 1; i > 0; i-- {
		j := g.below(i + 1)
		members[i], members[j] = members[j], members[i]
	}
	return members
}

// wrongType gives a value that is none of the kinds in right.
func (g *generator) wrongType(right string) string {
	for {
		v := g.pick(`"s"`, `"true"`, `1`, `0`, `1.5`, `true`, `false`, `{}`, `[]`, `[1]`, `{"a":1}`, `""`)
		kind := map[byte]string{'"': "string", 't': "bool", 'f': "bool", '{': "object", '[': "array"}[v[0]]
		if kind == "" {
			kind = "number"
		}
		if kind != right {
			return v
		}
	}
}
