package sipua

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"cordboard/sipua/offer"
)

// side collects what one end of a call is told.
type side struct {
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

// world is two stacks over a network in memory, in virtual time.
type world struct {
	t    *testing.T
	a, b *Stack
	rng  *rand.Rand
	mu   sync.Mutex
	in   map[string]*side // by the number called
	ring func(n string, s *side)
}

const interleavings = 1000

// play runs f for many calls at once over a bad network and returns both ends of each.
func play(t *testing.T, loss float64, f func(w *world, i int, a, b *side)) {
	synctest.Test(t, func(t *testing.T) {
		seed := uint64(time.Now().UnixNano())
		n := &memNet{rng: rand.New(rand.NewPCG(seed, 1)), conns: map[netip.AddrPort]*memConn{}, loss: loss, delay: 80 * time.Millisecond}
		w := &world{t: t, rng: rand.New(rand.NewPCG(seed, 2)), in: map[string]*side{}}
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
		as, bs := make([]*side, interleavings), make([]*side, interleavings)
		var calls sync.WaitGroup
		for i := range interleavings {
			time.Sleep(40 * time.Millisecond) // virtual
			as[i], bs[i] = &side{}, &side{}
			num := "n" + string(rune('a'+i%26)) + itoa(i)
			w.mu.Lock()
			w.in[num] = bs[i]
			w.mu.Unlock()
			l := local(uint16(10000 + 2*i))
			as[i].d = w.a.Invite(InviteParams{To: URI{User: num}, Trunk: "other", Offer: &l}, as[i].handle)
			calls.Go(func() { f(w, i, as[i], bs[i]) })
		}
		calls.Wait()
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		for i := range interleavings {
			if e := as[i].check(); e != "" {
				t.Errorf("seed %d, call %d, caller: %s (%#v)", seed, i, e, as[i].last)
			}
			if e := bs[i].check(); e != "" && bs[i].d != nil {
				t.Errorf("seed %d, call %d, callee: %s (%#v)", seed, i, e, bs[i].last)
			}
		}
		if a, b := w.a.Dialogs(), w.b.Dialogs(); a+b != 0 {
			t.Errorf("seed %d: orphan legs: %d and %d", seed, a, b)
		}
		for _, s := range []*Stack{w.a, w.b} {
			s.mu.Lock()
			if len(s.dialogs)+len(s.merged) != 0 {
				t.Errorf("%d dialogs, %d INVITEs kept", len(s.dialogs), len(s.merged))
			}
			s.mu.Unlock()
			if c, sv := s.txns.sizes(); c+sv != 0 {
				t.Errorf("%d client and %d server transactions kept", c, sv)
			}
		}
		cancel()
		wg.Wait()
	})
}

func itoa(i int) string {
	var b []byte
	for ; i > 0; i /= 10 {
		b = append([]byte{byte('0' + i%10)}, b...)
	}
	return string(b)
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
	ring := w.ring
	w.mu.Unlock()
	s.mu.Lock()
	s.d = d
	s.mu.Unlock()
	d.Handle(s.handle)
	if ring != nil {
		ring(in.RequestURI.User, s)
		return
	}
	d.Ring(nil)
	l := local(20000)
	time.AfterFunc(rand.N(300*time.Millisecond), func() { d.Answer(l) })
}

func nap(d time.Duration) { time.Sleep(rand.N(d)) } // virtual time

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

func TestRaceCancelAnswer(t *testing.T) {
	play(t, 0.1, func(w *world, i int, a, b *side) {
		nap(500 * time.Millisecond)
		a.d.Hangup("")
	})
}

func TestRaceByeReinvite(t *testing.T) {
	play(t, 0.1, func(w *world, i int, a, b *side) {
		if !up(a, b) {
			return
		}
		x, y := a, b
		if i%2 == 0 {
			x, y = b, a
		}
		var wg sync.WaitGroup
		wg.Go(func() { nap(200 * time.Millisecond); x.d.Reoffer(local(21000)) })
		wg.Go(func() { nap(300 * time.Millisecond); y.d.Hangup("") })
		wg.Wait()
	})
}

func TestRaceReinvites(t *testing.T) {
	play(t, 0.05, func(w *world, i int, a, b *side) {
		if !up(a, b) {
			return
		}
		dirs := []offer.Direction{offer.SendRecv, offer.SendOnly, offer.Inactive}
		var wg sync.WaitGroup
		for _, s := range []*side{a, b} {
			wg.Go(func() {
				for range 3 {
					nap(400 * time.Millisecond)
					l := local(22000)
					l.Direction = dirs[rand.IntN(len(dirs))]
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
	})
}

// A hold, its end and a new identity follow each other closely: what is agreed at the end is what was wanted last.
func TestRaceIdentityReinvite(t *testing.T) {
	play(t, 0.05, func(w *world, i int, a, b *side) {
		if !up(a, b) {
			return
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
			if rand.IntN(2) == 0 {
				nap(300 * time.Millisecond)
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
	})
}
