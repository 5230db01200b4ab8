package edge

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestLimiterRates(t *testing.T) {
	l := newLimiter(Rate{10, 3}, Rate{100, 5}, 8)
	a, b := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	took := func(addr netip.Addr, now time.Duration) int {
		n := 0
		for ok := true; ok; n++ {
			ok, _ = l.take(addr, now)
		}
		return n - 1
	}
	if n := took(a, 0); n != 3 {
		t.Errorf("burst of a source: %d", n)
	}
	if n := took(b, 0); n != 2 {
		t.Errorf("what is left of all: %d", n)
	}
	if ok, wait := l.take(a, 50*time.Millisecond); ok || wait != 50*time.Millisecond {
		t.Errorf("half a token: %v %v", ok, wait)
	}
	if n := took(a, 100*time.Millisecond); n != 1 {
		t.Errorf("after a tenth of a second: %d", n)
	}
	if n := took(a, time.Hour); n != 3 {
		t.Errorf("after an hour: %d", n)
	}
}

// The table holds the sources seen last, whatever comes, and finds each of them.
func TestLimiterKeepsTheNewest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(1, 8).Draw(t, "size")
		l := newLimiter(Rate{1, 2}, Rate{1e9, 1 << 30}, size)
		var order []netip.Addr // newest first
		for _, i := range rapid.SliceOfN(rapid.IntRange(0, 15), 1, 200).Draw(t, "sources") {
			a := netip.AddrFrom4([4]byte{10, 0, 0, byte(i)})
			l.take(a, 0)
			if at := slices.Index(order, a); at >= 0 {
				order = slices.Delete(order, at, at+1)
			}
			order = slices.Insert(order, 0, a)
			order = order[:min(len(order), size)]
			if l.size() != len(order) {
				t.Fatalf("%d sources, want %d", l.size(), len(order))
			}
			var got []netip.Addr
			for i := l.newest; i >= 0; i = l.entries[i].older {
				got = append(got, l.entries[i].addr)
			}
			if !slices.Equal(got, order) {
				t.Fatalf("order %v, want %v", got, order)
			}
		}
		chained := 0
		for _, i := range l.chains {
			for ; i >= 0; i = l.entries[i].next {
				chained++
			}
		}
		if chained != len(order) {
			t.Fatalf("%d in hash chains, want %d", chained, len(order))
		}
	})
}

func TestSourceKey(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.1": "192.0.2.1", "::ffff:192.0.2.1": "192.0.2.1", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::", "fe80::1%eth0": "fe80::",
	} {
		if got := sourceKey(netip.MustParseAddr(in)); got != netip.MustParseAddr(want) {
			t.Errorf("%s: %v", in, got)
		}
	}
	sourceKey(netip.Addr{})
}
