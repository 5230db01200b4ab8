package resolve

import (
	"cmp"
	"errors"
	"net"
	"slices"
)

// record is one address with the SRV fields it came under.
type record struct {
	target   Target
	priority uint16
	weight   uint16
	group    string // SRV target name: its addresses stay together
}

// order sorts records by priority and, within one priority, by weighted random
// choice (RFC 2782). random gives values in [0,1).
func order(in []record, random func() float64) []Target {
	groups := grouped(in)
	out := make([]Target, 0, len(in))
	for len(groups) > 0 {
		end := 1
		for end < len(groups) && groups[end][0].priority == groups[0][0].priority {
			end++
		}
		same := groups[:end]
		for len(same) > 0 {
			i := pick(same, random())
			for _, r := range same[i] {
				if !slices.Contains(out, r.target) {
					out = append(out, r.target)
				}
			}
			same = slices.Delete(slices.Clone(same), i, i+1)
		}
		groups = groups[end:]
	}
	return out
}

// grouped puts the addresses of one SRV record together, by priority.
func grouped(in []record) [][]record {
	var out [][]record
	for _, r := range in {
		n := len(out)
		if n > 0 {
			if last := out[n-1][0]; last.group == r.group && last.priority == r.priority &&
				last.weight == r.weight && last.target.Addr.Port() == r.target.Addr.Port() {
				out[n-1] = append(out[n-1], r)
				continue
			}
		}
		out = append(out, []record{r})
	}
	slices.SortStableFunc(out, func(a, b []record) int { return cmp.Compare(a[0].priority, b[0].priority) })
	return out
}

// pick chooses one group by weight; weight 0 has a very small chance beside
// others, as RFC 2782 asks.
func pick(groups [][]record, roll float64) int {
	const zero = 0.01
	share := func(g []record) float64 { return max(float64(g[0].weight), zero) }
	var sum float64
	for _, g := range groups {
		sum += share(g)
	}
	at := roll * sum
	for i, g := range groups {
		if at -= share(g); at < 0 {
			return i
		}
	}
	return len(groups) - 1
}

func notFound(err error) bool {
	var dns *net.DNSError
	return errors.As(err, &dns) && dns.IsNotFound
}
