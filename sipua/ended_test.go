package sipua

import (
	"context"
	"fmt"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"
)

// Calls that ended cost no goroutine: at 50 calls a second, half of them answered and hung up a second later, half of
// them busy, there are only as many as there are calls alive, at both ends. The dialogs themselves linger for 64*T1.
func TestEndedCallsHaveNoGoroutine(t *testing.T) {
	sip.SetTimers(500*time.Millisecond, 4*time.Second, 5*time.Second) // no other test runs beside this one
	defer sip.SetTimers(testT1, testT2, testT4)
	synctest.Test(t, func(t *testing.T) {
		n := newMemNet(1, 0, 10*time.Millisecond)
		addrA, addrB := netip.MustParseAddrPort("127.0.0.1:6001"), netip.MustParseAddrPort("127.0.0.1:6002")
		a := memStack(t, n, addrA, addrB, nil)
		b := memStack(t, n, addrB, addrA, func(d *Dialog, in Incoming) {
			d.Handle(func(DialogEvent) {})
			if strings.HasPrefix(in.RequestURI.User, "busy") {
				d.Reject(486, "")
				return
			}
			d.Answer(local(20000))
		})
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for _, s := range []*Stack{a, b} {
			wg.Go(func() {
				if err := s.Run(ctx); err != nil {
					t.Errorf("Run: %v", err)
				}
			})
		}
		synctest.Wait()
		var mem runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&mem)
		heap := mem.HeapAlloc
		begin, most, ended := runtime.NumGoroutine(), 0, 0
		const rate, lasting = 50, 34 * time.Second
		for i := range int(lasting.Seconds()) * rate {
			l := local(uint16(10000 + 2*(i%20000)))
			to := fmt.Sprintf("ok%d", i)
			if i%2 == 0 {
				to = fmt.Sprintf("busy%d", i)
			}
			var d *Dialog
			set := make(chan struct{})
			d = a.Invite(InviteParams{To: URI{User: to}, Trunk: "other", Offer: &l}, func(e DialogEvent) {
				if _, ok := e.(Answered); ok {
					<-set
					time.AfterFunc(time.Second, func() { d.Hangup("") })
				}
			})
			close(set)
			time.Sleep(time.Second / rate)
			if i%rate == rate-1 {
				most = max(most, runtime.NumGoroutine()-begin)
				ended = max(ended, kept(a)-a.Dialogs()+kept(b)-b.Dialogs())
			}
		}
		runtime.GC()
		runtime.ReadMemStats(&mem)
		each := int(mem.HeapAlloc-heap) / ended
		t.Logf("at most %d goroutines for calls, with %d dialogs lingering of %d bytes each", most, ended, each)
		if each > 20<<10 {
			t.Errorf("%d bytes for a dialog that ended", each)
		}
		if alive := rate * 3; most > 2*alive { // 25 answered calls alive at two ends, and those being set up
			t.Errorf("%d goroutines for about %d calls alive", most, alive)
		}
		if ended < 30*rate {
			t.Errorf("only %d dialogs linger", ended)
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if g := runtime.NumGoroutine(); g > begin+10 { // of the runtime and of tests before
			t.Errorf("%d goroutines left of %d", g, begin)
		}
		for _, s := range []*Stack{a, b} {
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

// A call that rang, was cancelled, and whose peer then fell silent is forgotten, though its INVITE has no final answer.
func TestCancelledWithoutFinalIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newMemNet(1, 0, 10*time.Millisecond)
		addrA, addrB := netip.MustParseAddrPort("127.0.0.1:6001"), netip.MustParseAddrPort("127.0.0.1:6002")
		s := memStack(t, n, addrA, addrB, nil)
		peer, _ := n.listen("udp", addrB)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := s.Run(ctx); err != nil {
				t.Errorf("Run: %v", err)
			}
		})
		ev, l := newEvents(t), local(30000)
		d := s.Invite(InviteParams{To: URI{User: "1"}, Trunk: "other", Offer: &l}, ev.handle)
		buf := make([]byte, 4096)
		size, from, _ := peer.ReadFrom(buf)
		inv := rawMsg{text: string(buf[:size])}
		_, _ = peer.WriteTo(fmt.Appendf(nil, "SIP/2.0 180 Ringing\r\nVia: %s\r\nFrom: %s\r\nTo: %s;tag=x\r\nCall-ID: %s\r\nCSeq: %s\r\nContact: <sip:1@%v>\r\nContent-Length: 0\r\n\r\n",
			inv.header("Via"), inv.header("From"), inv.header("To"), inv.header("Call-ID"), inv.header("CSeq"), addrB), from)
		want[Ringing](ev)
		d.Hangup("")
		want[Rejected](ev)
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := kept(s); n != 0 {
			t.Errorf("%d dialogs kept", n)
		}
		if c, sv := s.txns.sizes(); c+sv != 0 {
			t.Errorf("%d client and %d server transactions kept", c, sv)
		}
		cancel()
		wg.Wait()
	})
}

// kept is the number of dialogs, those that ended included.
func kept(s *Stack) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.dialogs)
}
