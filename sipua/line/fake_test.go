package line

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cordboard/sipua/digest"
	"cordboard/sipua/resolve"
)

// fakePBX is a registrar behind the Sender interface.
type fakePBX struct {
	t     testing.TB
	twice bool // users are at two places: Call-IDs are not compared
	auth  *digest.Server
	delay time.Duration // of an answer

	mu       sync.Mutex
	down     bool   // never answers
	mute     string // never answers this trunk
	script   func(r Request) *Response
	bindings map[string]time.Time
	last     map[string]uint32 // highest CSeq by Call-ID
	callIDs  map[string]string // by user
	busy     map[string]bool   // by Call-ID
	log      []sent
	pings    []sent
	pingErr  error
}

type sent struct {
	at   time.Time
	line string
	Request
}

func newFakePBX(t testing.TB) *fakePBX {
	f := &fakePBX{
		t: t, delay: 20 * time.Millisecond, bindings: map[string]time.Time{}, last: map[string]uint32{},
		callIDs: map[string]string{}, busy: map[string]bool{},
	}
	auth, err := digest.NewServer(digest.ServerConfig{Realm: "pbx", Lookup: func(u string) (digest.Secret, bool) {
		return digest.NewSecret("pw"), strings.HasPrefix(u, "1")
	}})
	if err != nil {
		t.Fatal(err)
	}
	f.auth = auth
	return f
}

func (f *fakePBX) Register(ctx context.Context, r Request) (Response, error) {
	f.mu.Lock()
	now := time.Now()
	f.log = append(f.log, sent{now, r.Line, r})
	if f.busy[r.CallID] {
		f.t.Errorf("line %s: two REGISTER requests in flight", r.Line)
	}
	f.busy[r.CallID] = true
	if r.CSeq <= f.last[r.CallID] {
		f.t.Errorf("line %s: CSeq %d after %d", r.Line, r.CSeq, f.last[r.CallID])
	}
	f.last[r.CallID] = r.CSeq
	if old := f.callIDs[r.User]; old != "" && old != r.CallID && !f.twice {
		f.t.Errorf("line %s: Call-ID changed", r.Line)
	}
	f.callIDs[r.User] = r.CallID
	down, script := f.down || f.mute == r.Trunk, f.script
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		f.busy[r.CallID] = false
		f.mu.Unlock()
	}()
	if down {
		<-ctx.Done()
		return Response{}, ctx.Err()
	}
	timer := time.NewTimer(f.delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return Response{}, ctx.Err()
	}
	if script != nil {
		if res := script(r); res != nil {
			if res.Status == 0 {
				return Response{}, errors.New("connection refused")
			}
			return *res, nil
		}
	}
	return f.answer(r), nil
}

func (f *fakePBX) answer(r Request) Response {
	var values []string
	for _, h := range r.Authorization {
		values = append(values, h.Value)
	}
	_, err := f.auth.Verify("REGISTER", r.URI, values)
	switch {
	case errors.Is(err, digest.ErrNoCredentials), errors.Is(err, digest.ErrStale), errors.Is(err, digest.ErrDenied):
		return Response{Status: 401, Reason: "Unauthorized", Peer: r.Trunk, WWWAuthenticate: f.auth.Challenge(errors.Is(err, digest.ErrStale))}
	case err != nil:
		f.t.Errorf("credentials: %v", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if r.Expires == 0 {
		delete(f.bindings, r.User)
		return Response{Status: 200, Reason: "OK", Peer: r.Trunk}
	}
	f.bindings[r.User] = time.Now().Add(r.Expires)
	return Response{Status: 200, Reason: "OK", Peer: r.Trunk, Expires: r.Expires, ServiceRoute: []string{"<sip:edge;lr>"}}
}

func (f *fakePBX) Ping(_ context.Context, trunk string, t resolve.Target, _ KeepAliveKind) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pings = append(f.pings, sent{at: time.Now(), line: trunk, Request: Request{Target: t}})
	return f.pingErr
}

func (f *fakePBX) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

// requests gives what was sent so far.
func (f *fakePBX) requests() []sent {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.log)
}

func (f *fakePBX) pinged() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.pings)
}

func (f *fakePBX) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.log)
}

func (f *fakePBX) bound() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.bindings)
}

// checkRate fails when any window of one second holds more than rate requests.
func (f *fakePBX) checkRate(rate int) {
	f.t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := rate; i < len(f.log); i++ {
		if d := f.log[i].at.Sub(f.log[i-rate].at); d < time.Second {
			f.t.Fatalf("requests %d to %d within %v: more than %d a second", i-rate, i, d, rate)
		}
	}
}

// fakeTargets is a fixed list with marks.
type fakeTargets struct {
	mu   sync.Mutex
	list []resolve.Target
	dead map[resolve.Target]time.Time
	err  error
}

func targets(n int) *fakeTargets {
	f := &fakeTargets{dead: map[resolve.Target]time.Time{}}
	for i := range n {
		f.list = append(f.list, resolve.Target{Transport: "udp", Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(i + 1)}), 5060)})
	}
	return f
}

func (f *fakeTargets) Resolve(context.Context, resolve.URI) ([]resolve.Target, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := slices.Clone(f.list)
	now := time.Now()
	rank := func(t resolve.Target) int {
		if now.Before(f.dead[t]) {
			return 1
		}
		return 0
	}
	slices.SortStableFunc(out, func(a, b resolve.Target) int { return rank(a) - rank(b) })
	return out, f.err
}

func (f *fakeTargets) MarkDead(t resolve.Target, d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.dead[t] = time.Now().Add(max(d, 30*time.Second))
}

func (f *fakeTargets) MarkAlive(t resolve.Target) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.dead, t)
}

func (f *fakeTargets) Dead(t resolve.Target) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return time.Now().Before(f.dead[t])
}

func config(n int, change func(*Trunk)) Config {
	t := Trunk{Name: "pbx", Server: resolve.URI{Host: "pbx.example"}, Realm: "pbx", Rate: 50, Expires: 10 * time.Minute}
	if change != nil {
		change(&t)
	}
	c := Config{Trunks: []Trunk{t}}
	for i := range n {
		c.Lines = append(c.Lines, Line{ID: fmt.Sprintf("l%d", i), Trunk: "pbx", User: fmt.Sprintf("1%04d", i), Password: digest.NewSecret("pw")})
	}
	return c
}

// start runs a manager; stop ends it and waits. Inside a synctest bubble.
func start(t testing.TB, c Config, d Deps) (m *Manager, stop func()) {
	t.Helper()
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	m, err := New(c, d)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	return m, func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	}
}

func phases(m *Manager) map[Phase]int {
	out := map[Phase]int{}
	for _, s := range m.Snapshot() {
		out[s.Phase]++
	}
	return out
}

// registered counts the lines with a binding.
func registered(m *Manager) int {
	n := 0
	for _, s := range m.Snapshot() {
		if s.Registered {
			n++
		}
	}
	return n
}
