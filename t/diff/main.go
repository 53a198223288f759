// The differential test: random images, made from a seed, go through the
// schema 1 builder of docker/distribution 2.8.2 (Debian's package) and through
// this project's core; both have to come to the same bytes.
//
//	difftest -n 1000000 -seed 7 -schema1 build/schema1
//	difftest -seed 7 -case 1234 -schema1 build/schema1
//	difftest -corpus t/golden
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sync"
	"time"
)

var (
	number    = flag.Uint64("n", 20000, "number of images")
	seed      = flag.Uint64("seed", 1, "what the images are made from")
	only      = flag.Int64("case", -1, "one image alone, by its number")
	program   = flag.String("schema1", "", "the program schema1; without it the builder runs alone")
	findings  = flag.String("findings", "findings", "directory for cases that differ")
	keep      = flag.Int("keep", 5, "how many such cases to make small and keep there")
	corpus    = flag.String("corpus", "", "check golden cases with the builder instead")
	write     = flag.String("write", "", "write the image of -case to this directory")
	signed    = flag.Int("signed", 0, "compare signed bodies of so many images instead")
	everyKind = flag.Bool("v", false, "count what is in the images by kind, too")
	workers   = flag.Int("workers", runtime.NumCPU(), "converters at a time")
)

// Images are handed on in lots, so that both sides always have work.
const lotSize = 64

// testCase is an image on its way.
type testCase struct {
	index    uint64
	img      *image
	features []feature
}

func main() {
	flag.Parse()
	debug.SetGCPercent(400)

	switch {
	case *corpus != "":
		if checkCorpus(*corpus) > 0 {
			os.Exit(1)
		}
	case *only >= 0:
		os.Exit(runOne(uint64(*only)))
	case *signed > 0:
		os.Exit(runSigned())
	default:
		os.Exit(runAll())
	}
}

// runAll shares the images among the workers.
func runAll() int {
	var wait sync.WaitGroup
	var lock sync.Mutex

	start := time.Now()
	all := newTally()
	status := 0
	for i := 0; i < *workers; i++ {
		w := &worker{first: uint64(i), step: uint64(*workers), tally: newTally()}
		wait.Add(1)
		go func() {
			defer wait.Done()
			err := w.run()
			lock.Lock()
			defer lock.Unlock()
			all.add(w.tally)
			if err != nil {
				fmt.Fprintf(os.Stderr, "difftest: %v\n", err)
				status = 1
			}
		}()
	}
	wait.Wait()

	took := time.Since(start)
	fmt.Printf("seed %d, %.1f s, %.0f cases/s\n", *seed, took.Seconds(), float64(all.cases)/took.Seconds())
	for _, wrong := range all.print(os.Stdout, *everyKind) {
		fmt.Printf("WRONG: %s\n", wrong)
		status = 1
	}
	return status
}

// worker runs every step-th image through a converter of its own.
type worker struct {
	first, step uint64
	tally       *tally
}

func (w *worker) run() error {
	next := w.first
	for next < *number {
		c, err := w.start()
		if err != nil {
			return err
		}
		// a converter that ends is started again behind the image it ended at
		next, err = w.pass(c, next)
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *worker) start() (*converter, error) {
	if *program == "" {
		return nil, nil
	}
	return startConverter(*program)
}

// pass works from image number first on and returns the number to go on with.
func (w *worker) pass(c *converter, first uint64) (uint64, error) {
	lots := make(chan []testCase, 4)
	stop := make(chan struct{})
	go w.make(c, first, lots, stop)

	next := first
	for lot := range lots {
		for i := range lot {
			tc := &lot[i]
			next = tc.index + w.step
			v := judge(tc.img)
			r, err := w.ask(c, &v)
			if err == nil {
				w.judge(tc, &v, r)
				continue
			}

			// this image ended it, or one whose turn has yet to come
			close(stop)
			for range lots {
			}
			ended := c.stop()
			fmt.Fprintf(os.Stderr, "difftest: near case %d: %v (%v)\n", tc.index, err, ended)
			if r, err = convertOne(*program, tc.img); err == nil {
				w.judge(tc, &v, r)
				return next, nil
			}
			w.tally.count(&v, nil, failed, tc.features)
			w.report(tc, &v, failed)
			return next, nil
		}
	}
	if c == nil {
		return next, nil
	}
	return next, c.stop()
}

func (w *worker) judge(tc *testCase, v *verdict, r *reply) {
	o := compare(v, r)
	w.tally.count(v, r, o, tc.features)
	switch {
	case o == different:
		w.report(tc, v, o)
	case o == oursRefuses && *everyKind:
		fmt.Printf("refused by us alone: case %d: %s\n", tc.index, r.refusal)
	}
}

// make hands images on and writes them to the converter: in this order, since
// a converter whose replies nobody awaits stops reading.
func (w *worker) make(c *converter, first uint64, lots chan<- []testCase, stop <-chan struct{}) {
	defer close(lots)

	for i := first; i < *number; {
		lot := make([]testCase, 0, lotSize)
		for ; i < *number && len(lot) < lotSize; i += w.step {
			img, features := newImage(*seed, i)
			lot = append(lot, testCase{i, img, features})
		}
		select {
		case lots <- lot:
		case <-stop:
			return
		}
		if c == nil {
			continue
		}
		for i := range lot {
			// who reads the replies notices when the converter has gone
			_ = c.write(lot[i].img)
		}
		_ = c.flush()
	}
}

// ask reads the converter's reply, or without one agrees with the builder.
func (w *worker) ask(c *converter, v *verdict) (*reply, error) {
	if c != nil {
		return c.read()
	}
	if v.err != nil {
		return &reply{refusal: v.err.Error()}, nil
	}
	return &reply{payload: v.payload}, nil
}

// reporting keeps the findings of the workers apart.
var (
	reporting sync.Mutex
	kept      int
)

// report makes the first few findings small and keeps them.
func (w *worker) report(tc *testCase, v *verdict, o outcome) {
	reporting.Lock()
	defer reporting.Unlock()

	fmt.Printf("DIFFERENT: seed %d, case %d: %s\n", *seed, tc.index, outcomeNames[o])
	if kept++; kept > *keep {
		return
	}

	m := minimiser{wrong: func(img *image) bool {
		now := judge(img)
		r, err := convertOne(*program, img)
		if err != nil {
			return o == failed
		}
		return o == different && compare(&now, r) == different && (now.err == nil) == (v.err == nil)
	}}
	small := m.minimise(tc.img)

	dir := filepath.Join(*findings, fmt.Sprintf("seed%d-case%d", *seed, tc.index))
	source := fmt.Sprintf("difftest: seed %d, case %d, made small", *seed, tc.index)
	if err := writeCase(dir, small, source); err != nil {
		fmt.Fprintf(os.Stderr, "difftest: %v\n", err)
	}
	fmt.Printf("  name %q tag %q\n  manifest %q\n  config %q\n  in %s\n",
		small.name, small.tag, small.manifest, small.config, dir)
	printBoth(small)
}

func printBoth(img *image) {
	v := judge(img)
	fmt.Printf("  due: %q %v %s\n", v.payload, v.err, v.beyond)
	if *program == "" {
		return
	}
	r, err := convertOne(*program, img)
	if err != nil {
		fmt.Printf("  got: the converter failed: %v\n", err)
		return
	}
	fmt.Printf("  got: %q %s\n", r.payload, r.refusal)
}

// runOne shows one image.
func runOne(index uint64) int {
	img, features := newImage(*seed, index)
	fmt.Printf("name %q tag %q\nmanifest %q\nconfig %q\n%v\n", img.name, img.tag, img.manifest, img.config, features)
	printBoth(img)
	if *write != "" {
		source := fmt.Sprintf("difftest: seed %d, case %d", *seed, index)
		if err := writeCase(*write, img, source); err != nil {
			fmt.Fprintf(os.Stderr, "difftest: %v\n", err)
			return 1
		}
	}
	return 0
}
