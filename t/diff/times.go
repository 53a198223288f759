package main

import (
	"fmt"
	"strings"
)

// moment makes the token of a time that the builder takes.
func (g *generator) moment() string {
	date := fmt.Sprintf("%04d-%02d-%02d", g.between(1990, 2030), g.between(1, 12), g.between(1, 28))
	clock := fmt.Sprintf("%02d:%02d:%02d", g.below(24), g.below(60), g.below(60))
	fraction, zone := "", "Z"

	if g.permille(60) {
		g.note(23, "edge of a range")
		date = g.pick("0000-01-01", "0000-02-29", "9999-12-31", "2000-02-29", "2020-02-29", "2019-02-28",
			"1900-02-28", "2021-01-31", "2021-04-30", "2021-12-31", "0001-01-01", "0400-02-29")
		clock = g.pick("00:00:00", "23:59:59", "23:00:59", "00:59:00")
	}
	if g.below(3) > 0 {
		digits := fmt.Sprintf("%09d", g.below(1000000000))
		fraction = "." + digits[:g.between(1, 9)]
		if g.permille(60) {
			g.note(24, "zeros at the end of a fraction")
			fraction += strings.Repeat("0", g.between(1, 5))
		}
	}
	if g.permille(15) {
		g.note(24, "fraction of zeros")
		fraction = "." + strings.Repeat("0", g.between(1, 12))
	}
	if g.permille(20) {
		g.note(22, "more than nine digits")
		fraction = fmt.Sprintf(".%09d%0*d", g.below(1000000000), g.between(1, 20), g.below(1000))
	}
	if g.permille(60) {
		g.note(24, "offset")
		zone = fmt.Sprintf("%s%02d:%02d", g.pick("+", "-"), g.below(24), 15*g.below(4))
	}
	if g.permille(10) {
		g.note(24, "offset zero")
		zone = g.pick("+00:00", "-00:00")
	}
	if g.permille(10) {
		return `"` + g.oddMoment(date, clock, fraction, zone) + `"`
	}
	return `"` + date + "T" + clock + fraction + zone + `"`
}

// oddMoment is no RFC 3339 time, yet the builder takes it.
func (g *generator) oddMoment(date, clock, fraction, zone string) string {
	switch g.below(6) {
	case 0:
		g.note(22, "hour of one digit")
		clock = fmt.Sprintf("%d:%02d:%02d", g.below(10), g.below(60), g.below(60))
	case 1:
		g.note(22, "comma before the fraction")
		fraction = fmt.Sprintf(",%d", g.below(100000))
	case 2:
		g.note(22, "fraction without seconds")
		clock, fraction = clock[:6], fmt.Sprintf(".%d", g.below(1000))
	case 3:
		g.note(22, "sign in the offset")
		zone = g.pick("+", "-") + g.pick("-2:-5", "02:-5", "+2:30", "-1:00", "+3:+4", "00:-1", "-0:-9")
	case 4:
		g.note(24, "offset out of range")
		zone = g.pick("+", "-") + g.pick("99:99", "98:99", "99:60", "99:59", "98:60",
			fmt.Sprintf("%02d:%02d", g.between(24, 99), g.between(60, 99)))
	case 5:
		g.note(24, "offset over sixty minutes")
		zone = g.pick("+", "-") + g.pick("01:60", "00:60", "23:75", "00:99")
	}
	return date + "T" + clock + fraction + zone
}

// badMoment refuses the whole image, most of the time.
func (g *generator) badMoment() string {
	switch g.below(5) {
	case 0:
		g.note(23, "out of range")
		return `"` + g.pick("2021-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2021-04-31T00:00:00Z",
			"2021-13-01T00:00:00Z", "2021-00-10T00:00:00Z", "2021-01-00T00:00:00Z", "2021-01-32T00:00:00Z",
			"2021-01-01T24:00:00Z", "2021-01-01T23:60:00Z", "2021-01-01T23:59:60Z", "2021-06-30T23:59:61Z",
			"2021-01-01T99:00:00Z", "10000-01-01T00:00:00Z", "2100-02-29T01:02:03.5Z") + `"`
	case 1:
		g.note(21, "escape in a time")
		return g.pick(`"2021-01-01T00:00:00\u005a"`, `"2021\u002d01-01T00:00:00Z"`, `"2021-01-01\u005400:00:00Z"`,
			`"\u0032021-01-01T00:00:00Z"`, `"2021-01-01T00:00:00\/Z"`, `"2021-01-01T00:00:00Z\n"`)
	case 2, 3:
		g.note(22, "time with a slip")
		slip := []byte(g.pick("2021-03-31T23:59:58.123456789Z", "2020-02-29T01:02:03+04:05", "1999-12-31T00:00:.5-1:30",
			"2000-01-01T1:02:03,4Z", "2021-10-10T10:10:10.0-00:00", "2021-06-30T00:00:00Z"))
		for n := g.between(1, 3); n > 0; n-- {
			i := g.below(len(slip))
			switch c := "0123456789-+:.,TZ tz/e"[g.below(22)]; g.below(4) {
			case 0:
				slip = append(slip[:i:i], slip[i+1:]...)
			case 1:
				slip = append(slip[:i:i], append([]byte{c}, slip[i:]...)...)
			default:
				slip[i] = c
			}
		}
		return `"` + string(slip) + `"`
	}
	g.note(22, "not a time")
	return `"` + g.pick("", " ", "now", "2021-01-01", "2021-01-01 00:00:00Z", "2021-01-01t00:00:00Z",
		"2021-01-01T00:00:00z", "2021-01-01T00:00:00", "2021-01-01T00:00Z", "2021-1-01T00:00:00Z",
		"2021-01-1T00:00:00Z", "2021-01-01T00:0:00Z", "2021-01-01T00:00:0Z", "21-01-01T00:00:00Z",
		"-2021-01-01T00:00:00Z", "2021-01-01T00:00:00.Z", "2021-01-01T00:00:00,Z", "2021-01-01T00:00:00+0100",
		"2021-01-01T00:00:00+01", "2021-01-01T00:00:00+1:00", "2021-01-01T00:00:00+01:0", "2021-01-01T00:00:00UTC",
		"2021-01-01T00:00:00Z ", " 2021-01-01T00:00:00Z", "2021-01-01T00:00:00ZZ", "2021-01-01T00:00:00Z+00:00",
		"2021-01-01T+1:00:00Z", "2021-01-01T00:00:00.1.2Z", "2021-01-01T00:00:00.-1Z", "1609459200",
		"2021-01-01T00:00:00+01:00:00", "2021-01-01T00::00Z", "2021-01-01T:00:00Z", "2021-01-01T00:00:Z",
		"2021-01-01T00:00:00+a1:00", "2021-01-01T00:00:00+1a:00", "2021-01-01T00:00:00+ 1:00", "٢٠٢١-01-01T00:00:00Z",
		"2021/01/01T00:00:00Z", "0-01-01T00:00:00Z", "2021-01-01T00:00:00.５Z", "2021-01-01T00:00:00\x80Z",
		"2021-01-01T00:00.5Z", "2021-01-01T1:2:3Z") + `"`
}
