package sipua

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// farewells keeps what dialogs tell of their ends, as a table on a disk would.
type farewells struct {
	t    *testing.T
	mu   sync.Mutex
	rows map[int][]Farewell // all that each call told, oldest first

	killed bool
}

// of is the callback of one call.
func (f *farewells) of(call int) func(Farewell) {
	return func(w Farewell) {
		text, err := json.Marshal(w)
		if err != nil {
			f.t.Error(err)
		}
		var back Farewell
		if err := json.Unmarshal(text, &back); err != nil {
			f.t.Errorf("%v: %s", err, text)
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		f.rows[call] = append(f.rows[call], back)
	}
}

// leaves sees that what ends a call is told before anything leaves by which its peer takes part in it: the process may be killed at any
// moment.
func (f *farewells) leaves(m rawMsg) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.killed {
		return
	}
	var newest Farewell
	for _, rows := range f.rows {
		if w := rows[len(rows)-1]; w.CallID == m.header("Call-ID") {
			newest = w
		}
	}
	switch method := m.method(); {
	case m.status() == 100 && newest.Kind != FarewellRefuse, method == "INVITE" && newest.Kind != FarewellCancel,
		m.status() == 200 && strings.HasSuffix(m.header("CSeq"), "INVITE") && newest.Invite == "",
		method == "ACK" && (newest.Kind != FarewellBye || newest.RemoteTag != m.tag("To")):
		f.t.Errorf("told %q, then leaves %.20q", newest.Kind, m.text)
	}
}

func (f *farewells) kinds(call int) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []string
	for _, w := range f.rows[call] {
		k := string(w.Kind)
		if w.Kind == FarewellBye && w.Invite != "" {
			k = "answered"
		}
		if k == "" {
			k = "none"
		}
		if len(out) == 0 || out[len(out)-1] != k {
			out = append(out, k)
		}
	}
	return strings.Join(out, " ")
}

// killing is a phase in which the process of a is killed, with many calls between it and b.
type killing struct {
	name     string
	outgoing bool                                     // a has called b
	answer   bool                                     // whoever is called answers
	drop     func(from netip.AddrPort, m string) bool // lost on the way in the first life
	told     string                                   // by each call of a until then
	stale    FarewellKind                             // the newest of this kind is what was stored; "": the newest of all
	loss     float64                                  // of datagrams after the restart
	within   time.Duration                            // b knows that its call has ended
}

var memA, memB = netip.MustParseAddrPort("127.0.0.1:6001"), netip.MustParseAddrPort("127.0.0.1:6002")

func starts(from netip.AddrPort, with string) func(netip.AddrPort, string) bool {
	return func(src netip.AddrPort, m string) bool { return src == from && strings.HasPrefix(m, with) }
}

func TestEndOrphan(t *testing.T) {
	for _, k := range []killing{
		{name: "dialled, nothing heard", outgoing: true, drop: starts(memB, "SIP/2.0"), told: "cancel", within: time.Second},
		{name: "dialled, alerting", outgoing: true, told: "cancel", within: time.Second},
		{name: "dialled, talking", outgoing: true, answer: true, told: "cancel bye", within: time.Second},
		{name: "called, ringing", told: "refuse", within: time.Second},
		{name: "called, answer not arrived", answer: true, drop: starts(memA, "SIP/2.0 200"), told: "refuse answered", within: time.Second},
		{name: "called, answer not acknowledged", answer: true, drop: starts(memB, "ACK"), told: "refuse answered", within: time.Second},
		{name: "called, talking", answer: true, told: "refuse answered bye", within: time.Second},
		{name: "talking, stored as alerting", outgoing: true, answer: true, told: "cancel bye", stale: FarewellCancel, within: 2 * time.Second},
		{name: "talking, stored as ringing", answer: true, told: "refuse answered bye", stale: FarewellRefuse, within: 2 * time.Second},
		{name: "dialled, alerting, bad network", outgoing: true, told: "cancel", loss: 0.3, within: 4 * time.Second},
		{name: "dialled, talking, bad network", outgoing: true, answer: true, told: "cancel bye", loss: 0.3, within: 4 * time.Second},
		{name: "called, ringing, bad network", told: "refuse", loss: 0.3, within: 4 * time.Second},
		{name: "called, talking, bad network", answer: true, told: "refuse answered bye", loss: 0.3, within: 4 * time.Second},
	} {
		t.Run(k.name, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { k.run(t) }) })
	}
}

const orphans = 20

func (k killing) run(t *testing.T) {
	seed := uint64(rand.Uint32())
	t.Logf("seed %d", seed)
	n := newMemNet(seed, 0, 5*time.Millisecond)
	dropped := k.drop
	rows := &farewells{t: t, rows: map[int][]Farewell{}}
	n.drop = func(from, _ netip.AddrPort, data []byte) bool {
		if from == memA {
			start, _, _ := strings.Cut(string(data), "\r\n")
			rows.leaves(rawMsg{text: string(data), start: start})
		}
		return dropped != nil && dropped(from, string(data))
	}
	sides := make([]*side, orphans)
	a, b := memStack(t, n, memA, memB, func(d *Dialog, in Incoming) {
		d.OnFarewell(rows.of(int(in.RequestURI.User[0] - 'A')))
		d.Handle(func(DialogEvent) {})
		k.pickUp(d)
	}), memStack(t, n, memB, memA, func(d *Dialog, in Incoming) {
		s := &side{d: d}
		sides[in.RequestURI.User[0]-'A'] = s
		d.Handle(s.handle)
		k.pickUp(d)
	})
	stopA, stopB := serve(t, a), serve(t, b)
	for i := range orphans {
		l := local(uint16(10000 + 2*i))
		p := InviteParams{To: URI{User: string(rune('A' + i))}, Trunk: "other", Offer: &l}
		if k.outgoing {
			p.OnFarewell = rows.of(i)
			a.Invite(p, func(DialogEvent) {})
			continue
		}
		sides[i] = &side{}
		sides[i].d = b.Invite(p, sides[i].handle)
	}
	time.Sleep(time.Second)
	synctest.Wait()
	stored := k.stored(rows)
	rows.mu.Lock()
	rows.killed = true
	rows.mu.Unlock()
	n.mu.Lock()
	dropped = func(from netip.AddrPort, _ string) bool { return from == memA } // what a says at its stop is not heard
	n.mu.Unlock()
	stopA()

	n.mu.Lock()
	dropped, n.loss = nil, k.loss
	n.mu.Unlock()
	a = memStack(t, n, memA, memB, nil)
	stopA = serve(t, a)
	var all sync.WaitGroup
	for i, f := range stored {
		all.Go(func() {
			if err := a.EndOrphan(t.Context(), f); err != nil {
				t.Errorf("call %d: %v", i, err)
			}
		})
	}
	time.Sleep(k.within)
	synctest.Wait()
	for i, s := range sides {
		if e := s.check(); e != "" {
			t.Errorf("call %d at its peer: %s", i, e)
		}
	}
	all.Wait()
	time.Sleep(10 * time.Minute)
	synctest.Wait()
	checkEmpty(t, a, b)
	stopA()
	stopB()
}

func (k killing) pickUp(d *Dialog) {
	d.Ring(nil)
	if k.answer {
		time.AfterFunc(100*time.Millisecond, func() { d.Answer(local(20000)) })
	}
}

// stored is what the table had of each call when its process was killed.
func (k killing) stored(rows *farewells) []Farewell {
	out := make([]Farewell, orphans)
	for i := range out {
		if told := rows.kinds(i); told != k.told {
			rows.t.Fatalf("call %d told %q, want %q", i, told, k.told)
		}
		rows.mu.Lock()
		for _, f := range rows.rows[i] {
			if k.stale == "" || f.Kind == k.stale {
				out[i] = f
			}
		}
		rows.mu.Unlock()
	}
	return out
}

// serve runs a stack; the function it returns stops it.
func serve(t *testing.T, s *Stack) func() {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.Run(ctx); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return func() { cancel(); wg.Wait() }
}

// checkEmpty sees that nothing is kept of any call.
func checkEmpty(t *testing.T, stacks ...*Stack) {
	t.Helper()
	for _, s := range stacks {
		s.mu.Lock()
		if s.live.Load() != 0 || len(s.dialogs)+len(s.merged) != 0 {
			t.Errorf("%d dialogs live, %d kept, %d INVITEs kept", s.live.Load(), len(s.dialogs), len(s.merged))
		}
		s.mu.Unlock()
		if c, sv := s.txns.sizes(); c+sv+len(s.txns.watched) != 0 {
			t.Errorf("%d client and %d server transactions kept, %d watched", c, sv, len(s.txns.watched))
		}
		if len(s.guests.m) != 0 {
			t.Errorf("guests kept: %v", s.guests.m)
		}
	}
}

// A peer that is gone too is given up in time.
func TestEndOrphanGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newMemNet(1, 0, time.Millisecond)
		a := memStack(t, n, memA, memB, nil)
		stop := serve(t, a)
		invite := "INVITE sip:1@127.0.0.1:6002 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:6001;branch=z9hG4bKx;rport\r\nFrom: <sip:2@127.0.0.1>;tag=l\r\n" +
			"To: <sip:1@127.0.0.1>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"
		f := Farewell{
			Trunk: "other", CallID: "c", LocalTag: "l", RemoteTag: "r", Local: "sip:2@127.0.0.1", Remote: "sip:1@127.0.0.1",
			Target: "sip:1@127.0.0.1:6002", Invite: invite, Peer: Hop{Network: "udp", Addr: memB},
		}
		for _, f.Kind = range []FarewellKind{FarewellBye, FarewellCancel, FarewellRefuse} {
			begin := time.Now()
			if err := a.EndOrphan(t.Context(), f); err == nil {
				t.Errorf("%s: ended at a peer that is not there", f.Kind)
			}
			if d := time.Since(begin); d > 2*a.timing.timeout() {
				t.Errorf("%s: given up after %v", f.Kind, d)
			}
		}
		f.Phone, f.Kind, f.Invite = "nobody", FarewellBye, ""
		begin := time.Now()
		if err := a.EndOrphan(t.Context(), f); !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != orphanLimit {
			t.Errorf("a phone that does not come back: %v after %v", err, time.Since(begin))
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		checkEmpty(t, a)
		stop()
		if err := a.EndOrphan(t.Context(), f); err == nil {
			t.Error("ended by a stack that has stopped")
		}
	})
}
