package main

import (
	"bytes"
	"fmt"
	"io"
	"sort"
	"strings"
)

// outcome is how an image went through both.
type outcome int

const (
	same        outcome = iota // both convert, to the same bytes
	beyond                     // converted as the specification asks, not as the builder does
	bothRefuse                 // refused as the builder does
	oursRefuses                // refused by the module alone
	different                  // other bytes, or bytes where a refusal is due
	failed                     // the converter ended
	outcomes
)

var outcomeNames = [outcomes]string{
	"same bytes",
	"beyond the builder, as specified",
	"refused by both",
	"refused by us alone",
	"different",
	"converter failed",
}

const rules = 27

// row counts one rule or feature by outcome.
type row [outcomes]int

type tally struct {
	cases, built int // built: both convert, to the same or to mended bytes
	total        row
	byRule       [rules + 1]row
	byFeature    map[feature]*row
	byWay        map[string]int // beyond, by its way
	byReason     map[string]int // refused by us alone
}

func newTally() *tally {
	return &tally{byFeature: map[feature]*row{}, byWay: map[string]int{}, byReason: map[string]int{}}
}

// mayRefuse has the reasons that the module may have where the builder has none.
// That a config cannot be read is none of them.
var mayRefuse = map[string]bool{
	"foreign_layer":      true, // no old client can have such layers
	"encrypted_layer":    true,
	"layer_compression":  true,
	"not_an_image":       true,
	"too_many":           true, // more than 10000 layers or entries
	"digest_unsupported": true, // of the config, which the builder is given
	"invalid_manifest":   true, // the same, or "manifests" twice, null at last
}

// compare tells the outcome of one image.
func compare(v *verdict, r *reply) outcome {
	switch {
	case v.err != nil && r.refusal != "":
		return bothRefuse
	case v.err != nil:
		return different
	case v.refusal != "":
		// what is checked before the types may refuse too
		if reason := r.reason(); reason != v.refusal && (typeReasons[reason] || !mayRefuse[reason]) {
			return different
		}
		return oursRefuses
	case typeReasons[r.reason()]:
		return different
	case r.refusal != "":
		return oursRefuses
	case !bytes.Equal(v.payload, r.payload):
		return different
	case v.beyond != "":
		return beyond
	}
	return same
}

func (t *tally) count(v *verdict, r *reply, o outcome, features []feature) {
	var seen [rules + 1]bool

	t.cases++
	t.total[o]++
	if v.built && (o == same || o == beyond) {
		t.built++
	}
	switch o {
	case beyond:
		t.byWay[v.beyond]++
	case oursRefuses:
		why := r.reason()
		if v.beyond != "" {
			why += " (" + v.beyond + ")"
		}
		t.byReason[why]++
	}
	for _, f := range features {
		n := t.byFeature[f]
		if n == nil {
			n = new(row)
			t.byFeature[f] = n
		}
		n[o]++
		if !seen[f.rule] {
			seen[f.rule] = true
			t.byRule[f.rule][o]++
		}
	}
}

func (t *tally) add(other *tally) {
	t.cases += other.cases
	t.built += other.built
	t.total.add(&other.total)
	for i := range t.byRule {
		t.byRule[i].add(&other.byRule[i])
	}
	for f, n := range other.byFeature {
		if t.byFeature[f] == nil {
			t.byFeature[f] = new(row)
		}
		t.byFeature[f].add(n)
	}
	for way, n := range other.byWay {
		t.byWay[way] += n
	}
	for reason, n := range other.byReason {
		t.byReason[reason] += n
	}
}

func (r *row) add(other *row) {
	for i, n := range other {
		r[i] += n
	}
}

// compared is how many cases were judged to the last byte or refused by both.
func (r *row) compared() int {
	return r[same] + r[beyond] + r[bothRefuse]
}

// print writes the report and returns what is wrong with the run.
func (t *tally) print(w io.Writer, everything bool) []string {
	var wrong []string

	percent := func(n int) float64 { return 100 * float64(n) / float64(t.cases) }
	fmt.Fprintf(w, "%d cases\n", t.cases)
	for o, n := range t.total {
		fmt.Fprintf(w, "%9d  %6.2f %%  %s\n", n, percent(n), outcomeNames[o])
	}
	fmt.Fprintf(w, "%9d  %6.2f %%  converted on both sides\n", t.built, percent(t.built))
	printCounts(w, "beyond the builder", t.byWay)
	printCounts(w, "refused by us alone", t.byReason)

	fmt.Fprintf(w, "\n%4s %10s %10s %10s %10s\n", "rule", "same", "beyond", "refused", "us alone")
	least := t.cases / 1000
	for rule := 1; rule <= rules; rule++ {
		n := &t.byRule[rule]
		fmt.Fprintf(w, "%4d %10d %10d %10d %10d\n", rule, n[same], n[beyond], n[bothRefuse], n[oursRefuses])
		if everything {
			t.printFeatures(w, rule)
		}
		if n.compared() < least {
			wrong = append(wrong, fmt.Sprintf("rule %d was hit %d times, less than %d", rule, n.compared(), least))
		}
	}
	fmt.Fprintln(w)

	if n := t.total[different] + t.total[failed]; n > 0 {
		wrong = append(wrong, fmt.Sprintf("%d cases differ", n))
	}
	// odd documents may be refused, as long as it is said here why
	for reason, n := range t.byReason {
		if !mayRefuse[strings.SplitN(reason, " ", 2)[0]] {
			wrong = append(wrong, fmt.Sprintf("%d cases are refused by us alone as %s", n, reason))
		}
	}
	if percent(t.built) < 70 {
		wrong = append(wrong, "less than 70 % convert on both sides")
	}
	if percent(t.total[oursRefuses]) >= 1 {
		wrong = append(wrong, "1 % or more are refused by us alone")
	}
	return wrong
}

func (t *tally) printFeatures(w io.Writer, rule int) {
	var found []feature

	for f := range t.byFeature {
		if f.rule == rule {
			found = append(found, f)
		}
	}
	sort.Slice(found, func(i, j int) bool { return found[i].what < found[j].what })
	for _, f := range found {
		n := t.byFeature[f]
		fmt.Fprintf(w, "     %10d %10d %10d %10d  %s\n", n[same], n[beyond], n[bothRefuse], n[oursRefuses], f.what)
	}
}

func printCounts(w io.Writer, title string, counts map[string]int) {
	var names []string

	for name := range counts {
		names = append(names, name)
	}
	sort.Strings(names)
	for i, name := range names {
		if i == 0 {
			fmt.Fprintf(w, "\n%s:\n", title)
		}
		fmt.Fprintf(w, "%9d  %s\n", counts[name], name)
	}
}
