package offer

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func genLocal(label, host string) *rapid.Generator[Local] {
	return rapid.Custom(func(t *rapid.T) Local {
		all := []Codec{PCMU, PCMA, {Name: "G722", PT: 9, ClockRate: 8000}, {Name: "L16", PT: 97, ClockRate: 8000}}
		codecs := rapid.Permutation(all).Draw(t, label+" codecs")[:rapid.IntRange(1, len(all)).Draw(t, label+" n")]
		return Local{
			Addr: netip.MustParseAddr(host), Port: rapid.Uint16Range(1, 65534).Draw(t, label+" port"), Codecs: codecs,
			EventPT:   rapid.SampledFrom([]uint8{0, 96, 97, 101, 127}).Draw(t, label+" event"),
			Direction: Direction(rapid.IntRange(0, 4).Draw(t, label+" direction")),
			PTime:     rapid.SampledFrom([]int{0, 10, 20, 30}).Draw(t, label+" ptime"),
			Prefer:    rapid.SampledFrom([]string{"", "PCMA", "pcmu", "none"}).Draw(t, label+" prefer"),
		}
	})
}

// Both ends of an offer and its answer must believe the same, whatever was agreed before and whoever offers.
func TestBothSidesMirror(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := newSession("a", 10), newSession("b", 20)
		var lastA, lastB []byte
		for round := range rapid.IntRange(1, 5).Draw(t, "rounds") {
			la, lb := genLocal("a", "192.0.2.1").Draw(t, "a"), genLocal("b", "192.0.2.2").Draw(t, "b")
			if rapid.Bool().Draw(t, "b offers") {
				a, b, la, lb, lastA, lastB = b, a, lb, la, lastB, lastA
			}
			o := a.Offer(la)
			checkVersion(t, lastA, o)
			lastA = o
			answer, nb, err := b.Answer(lb, o)
			if common := inCommon(la, lb); err != nil {
				if common {
					t.Fatalf("round %d: %v\n%s", round, err, o)
				}
				a.Rollback()
				continue
			} else if !common {
				t.Fatalf("round %d: agreed on %v without a codec in common", round, nb.Codec)
			}
			checkVersion(t, lastB, answer)
			lastB = answer
			na, err := a.Accept(answer)
			if err != nil {
				t.Fatalf("round %d: our answer is refused: %v\n%s\n%s", round, err, o, answer)
			}
			checkMirror(t, na, nb, la, lb)
		}
	})
}

func inCommon(a, b Local) bool {
	for _, c := range a.Codecs {
		if _, ok := find(b.Codecs, c.format()); ok {
			return true
		}
	}
	return false
}

func checkMirror(t *rapid.T, a, b Negotiated, la, lb Local) {
	t.Helper()
	bad := func(what string) { t.Fatalf("%s\na: %+v\nb: %+v", what, a, b) }
	switch {
	case a.Codec.format() != b.Codec.format():
		bad("codec")
	case a.Codec.PT != b.RecvPT || b.Codec.PT != a.RecvPT:
		bad("payload type")
	case a.EventSendPT != b.EventRecvPT || b.EventSendPT != a.EventRecvPT:
		bad("event payload type")
	case (a.EventSendPT != 0) != (la.EventPT != 0 && lb.EventPT != 0):
		bad("event agreed")
	case a.EventSendPT != 0 && a.EventSendPT == a.Codec.PT || a.EventRecvPT != 0 && a.EventRecvPT == a.RecvPT:
		bad("event and audio share a payload type")
	case a.Direction != b.Direction.Reverse():
		bad("direction")
	case a.Direction.Send() && !(la.Direction.Send() && lb.Direction.Recv()):
		bad("sends though not allowed")
	case a.Remote != netip.AddrPortFrom(lb.Addr, lb.Port) || b.Remote != netip.AddrPortFrom(la.Addr, la.Port):
		bad("address")
	case a.RemoteRTCP.Port() != lb.Port+1:
		bad("rtcp")
	}
}

// checkVersion asserts that the o= version rises by one exactly when anything else changed.
func checkVersion(t *rapid.T, before, now []byte) {
	t.Helper()
	if before == nil {
		return
	}
	o1, rest1 := origin(before)
	o2, rest2 := origin(now)
	want := o1
	if !bytes.Equal(rest1, rest2) {
		want++
	}
	if o2 != want {
		t.Fatalf("version %d after %d\n%s\n%s", o2, o1, before, now)
	}
}

func origin(body []byte) (version int, rest []byte) {
	for l := range bytes.Lines(body) {
		if f := strings.Fields(string(l)); strings.HasPrefix(f[0], "o=") {
			fmt.Sscan(f[2], &version)
			l = []byte(f[0] + f[1] + f[5])
		}
		rest = append(rest, l...)
	}
	return version, rest
}
