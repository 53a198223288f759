package main

// A case is made from nothing but the run's seed and its own number, so that
// any case of a long run can be made again alone.  math/rand's source costs
// more to seed than a case costs to make, hence this one (SplitMix64).
type random struct {
	state uint64
}

func newRandom(seed, index uint64) random {
	r := random{seed}
	r.state = r.next() ^ (index * 0xd1342543de82ef95)
	return r
}

func (r *random) next() uint64 {
	r.state += 0x9e3779b97f4a7c15
	z := r.state
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb
	return z ^ (z >> 31)
}

// below gives 0 to n - 1.
func (r *random) below(n int) int {
	return int((r.next() >> 11) % uint64(n))
}

// between gives low to high, both included.
func (r *random) between(low, high int) int {
	return low + r.below(high-low+1)
}

// permille is true p times in a thousand.
func (r *random) permille(p int) bool {
	return r.below(1000) < p
}

func (r *random) pick(choices ...string) string {
	return choices[r.below(len(choices))]
}
