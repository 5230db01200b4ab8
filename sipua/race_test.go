package sipua

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"cordboard/sipua/offer"
)

// side collects what one end of a call is told.
type side struct {
	rng  *rand.Rand    // for what this end does; only its race draws from it
	wait time.Duration // before it answers

	mu       sync.Mutex
	d        *Dialog
	answered int
	finals   int
	after    int // events after the final one
	failed   int
	media    offer.Negotiated
	last     DialogEvent
}

func (s *side) handle(e DialogEvent) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.finals > 0 {
		s.after++
	}
	switch e := e.(type) {
	case Answered:
		s.answered++
		s.media = e.Media
	case Media:
		s.media = e.Media
	case ReofferFailed:
		s.failed++
	case Ended, Rejected:
		s.finals++
		s.last = e
	}
}

func (s *side) nap(d time.Duration) { time.Sleep(time.Duration(s.rng.Int64N(int64(d)))) } // virtual time

// pair is both ends of one call.
type pair struct{ a, b *side }

// world is two stacks over a bad network in memory, in virtual time. All that is left to chance, but for the stacks' own waits
// after glare, follows from the seed.
type world struct {
	t    *testing.T
	seed uint64
	a, b *Stack
	mu   sync.Mutex
	in   map[string]*side // by the number called
}

// interleavings is how many of each kind are to happen; some calls more are made, for those that do not come up.
const interleavings, spare = 1000, 100

// seeded is the seed of a test: SIPUA_SEED, to see a failure again, or any.
func seeded(t *testing.T) uint64 {
	seed := rand.Uint64()
	if s := os.Getenv("SIPUA_SEED"); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("SIPUA_SEED=%d", seed)
	return seed
}

// play runs f for many calls at once and returns both ends of those for which it says that its race was run.
func play(t *testing.T, seed uint64, calls int, loss float64, f func(w *world, i int, a, b *side) bool) (raced []pair) {
	synctest.Test(t, func(t *testing.T) {
		n := newMemNet(seed, loss, 80*time.Millisecond)
		w := &world{t: t, seed: seed, in: map[string]*side{}}
		addrA, addrB := netip.MustParseAddrPort("127.0.0.1:6001"), netip.MustParseAddrPort("127.0.0.1:6002")
		w.a = memStack(t, n, addrA, addrB, nil)
		w.b = memStack(t, n, addrB, addrA, w.incoming)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for _, s := range []*Stack{w.a, w.b} {
			wg.Go(func() {
				if err := s.Run(ctx); err != nil {
					t.Errorf("Run: %v", err)
				}
			})
		}
		all, run := make([]pair, calls), make([]bool, calls)
		var racing sync.WaitGroup
		for i := range calls {
			time.Sleep(40 * time.Millisecond) // virtual
			all[i] = w.call(i)
			racing.Go(func() { run[i] = f(w, i, all[i].a, all[i].b) })
		}
		racing.Wait()
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		for i, p := range all {
			w.over(i, p)
			if run[i] {
				raced = append(raced, p)
			}
		}
		w.empty()
		cancel()
		wg.Wait()
	})
	return raced
}

// call lets one stack call the other.
func (w *world) call(i int) pair {
	end := func(which uint64) *side { return &side{rng: rand.New(rand.NewPCG(w.seed, uint64(i)<<1|which))} }
	p := pair{end(0), end(1)}
	p.b.wait = time.Duration(p.b.rng.Int64N(int64(300 * time.Millisecond)))
	number := "n" + strconv.Itoa(i)
	w.mu.Lock()
	w.in[number] = p.b
	w.mu.Unlock()
	l := local(uint16(10000 + 2*i))
	p.a.d = w.a.Invite(InviteParams{To: URI{User: number}, Trunk: "other", Offer: &l}, p.a.handle)
	return p
}

// over checks that a call has ended, once, at both ends.
func (w *world) over(i int, p pair) {
	if e := p.a.check(); e != "" {
		w.t.Errorf("call %d, caller: %s (%#v)", i, e, p.a.last)
	}
	if e := p.b.check(); e != "" && p.b.d != nil {
		w.t.Errorf("call %d, callee: %s (%#v)", i, e, p.b.last)
	}
}

// empty checks that nothing of any call is left.
func (w *world) empty() {
	if a, b := w.a.Dialogs(), w.b.Dialogs(); a+b != 0 {
		w.t.Errorf("orphan legs: %d and %d", a, b)
	}
	for _, s := range []*Stack{w.a, w.b} {
		s.mu.Lock()
		if len(s.dialogs)+len(s.merged) != 0 {
			w.t.Errorf("%d dialogs, %d INVITEs kept", len(s.dialogs), len(s.merged))
		}
		s.mu.Unlock()
		if c, sv := s.txns.sizes(); c+sv != 0 {
			w.t.Errorf("%d client and %d server transactions kept", c, sv)
		}
	}
}

func (s *side) check() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.finals != 1:
		return "not one final event"
	case s.after > 0:
		return "events after the final one"
	case s.answered > 1:
		return "answered twice"
	}
	return ""
}

func memStack(t *testing.T, n *memNet, self, other netip.AddrPort, in func(*Dialog, Incoming)) *Stack {
	s, err := New(Config{
		Listen: []Listen{{Network: "udp", Addr: self}}, SessionExpires: -1,
		Trunks:   []Trunk{{Name: "other", Server: URI{Host: other.Addr().String(), Port: other.Port()}, AnyUser: true}},
		NoAnswer: 30 * time.Second,
	}, Deps{Log: logger(), OnInvite: in, listenPacket: n.listen})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (w *world) incoming(d *Dialog, in Incoming) {
	w.mu.Lock()
	s := w.in[in.RequestURI.User]
	w.mu.Unlock()
	s.mu.Lock()
	s.d = d
	s.mu.Unlock()
	d.Handle(s.handle)
	d.Ring(nil)
	time.AfterFunc(s.wait, func() { d.Answer(local(20000)) })
}

// up waits until both ends have the call; false: it was not answered.
func up(a, b *side) bool {
	for range 300 {
		a.mu.Lock()
		ok, over := a.answered == 1, a.finals > 0
		a.mu.Unlock()
		b.mu.Lock()
		ok = ok && b.answered == 1
		b.mu.Unlock()
		if over {
			return false
		}
		if ok {
			return true
		}
		time.Sleep(50 * time.Millisecond)
	}
	return false
}

// race runs one kind of interleaving; enough of its calls must come to it.
func race(t *testing.T, loss float64, f func(w *world, i int, a, b *side) bool) []pair {
	t.Helper()
	raced := play(t, seeded(t), interleavings+spare, loss, f)
	if len(raced) < interleavings {
		t.Errorf("only %d calls raced", len(raced))
	}
	return raced
}

// The caller gives up about when the callee answers: CANCEL and 200 cross, and either may win.
func TestRaceCancelAnswer(t *testing.T) {
	n := map[string]int{}
	for _, p := range play(t, seeded(t), interleavings+interleavings/2, 0.1, cancels) {
		n[p.outcome()]++
	}
	t.Log(n)
	if n["CANCEL won"] < interleavings/5 || n["200 won"] < interleavings/5 || n["CANCEL won"]+n["200 won"] < interleavings {
		t.Errorf("too few of each: %v", n)
	}
}

// The seed of a failure shows the failure again.
func TestRaceSeed(t *testing.T) {
	seed := seeded(t)
	outcomes := func() (out []string) {
		for _, p := range play(t, seed, 50, 0.1, cancels) {
			out = append(out, p.outcome())
		}
		return out
	}
	if a, b := outcomes(), outcomes(); !slices.Equal(a, b) {
		t.Errorf("first %q\nthen %q", a, b)
	}
}

func cancels(_ *world, i int, a, b *side) bool {
	if i%4 != 0 {
		time.Sleep(b.wait)
		a.nap(80 * time.Millisecond)
	} else {
		a.nap(300 * time.Millisecond)
	}
	a.d.Hangup("")
	return true
}

// outcome of a call that its caller may have cancelled.
func (p pair) outcome() string {
	e, _ := p.b.last.(Ended)
	switch {
	case p.b.d == nil:
		return "never arrived"
	case e.Cause == CauseCancelled:
		return "CANCEL won"
	case p.a.answered == 0 && p.b.answered == 1:
		return "200 won"
	case p.a.answered == 1:
		return "hung up later"
	}
	return e.Cause.String()
}

func TestRaceByeReinvite(t *testing.T) {
	race(t, 0.1, func(w *world, i int, a, b *side) bool {
		if !up(a, b) {
			return false
		}
		x, y := a, b
		if i%2 == 0 {
			x, y = b, a
		}
		var wg sync.WaitGroup
		wg.Go(func() { x.nap(200 * time.Millisecond); x.d.Reoffer(local(21000)) })
		wg.Go(func() { y.nap(300 * time.Millisecond); y.d.Hangup("") })
		wg.Wait()
		return true
	})
}

func TestRaceReinvites(t *testing.T) {
	race(t, 0.05, func(w *world, i int, a, b *side) bool {
		if !up(a, b) {
			return false
		}
		dirs := []offer.Direction{offer.SendRecv, offer.SendOnly, offer.Inactive}
		var wg sync.WaitGroup
		for _, s := range []*side{a, b} {
			wg.Go(func() {
				for range 3 {
					s.nap(400 * time.Millisecond)
					l := local(22000)
					l.Direction = dirs[s.rng.IntN(len(dirs))]
					s.d.Reoffer(l)
				}
			})
		}
		wg.Wait()
		time.Sleep(40 * time.Second) // everything that waits has been sent
		a.mu.Lock()
		am, an := a.media.Direction, a.finals
		a.mu.Unlock()
		b.mu.Lock()
		bm, bn := b.media.Direction, b.finals
		b.mu.Unlock()
		if an+bn == 0 && am != bm.Reverse() {
			t.Errorf("call %d: caller %v, callee %v", i, am, bm)
		}
		a.d.Hangup("")
		return true
	})
}

// A hold, its end and a new identity follow each other closely: what is agreed at the end is what was wanted last.
func TestRaceIdentityReinvite(t *testing.T) {
	race(t, 0.05, func(w *world, i int, a, b *side) bool {
		if !up(a, b) {
			return false
		}
		x, y := a, b
		if i%2 == 0 {
			x, y = b, a
		}
		held := local(23000)
		held.Direction = offer.SendOnly
		for _, do := range []func(){
			func() { x.d.Reoffer(held) },
			func() { x.d.Reoffer(local(23000)) },
			func() { x.d.Identity(Identity{Number: "42"}) },
		} {
			if x.rng.IntN(2) == 0 {
				x.nap(300 * time.Millisecond)
			}
			do()
		}
		time.Sleep(40 * time.Second)
		y.mu.Lock()
		still, over := y.media.Direction != offer.SendRecv, y.finals > 0
		y.mu.Unlock()
		if still && !over {
			t.Errorf("call %d is still on hold", i)
		}
		a.d.Hangup("")
		return true
	})
}
