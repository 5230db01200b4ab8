package sdk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"cordboard/callcontrol"
	"cordboard/journal"
	"cordboard/plugins/adapter"
	adapterv1 "cordboard/plugins/adapter/v1"
	"cordboard/plugins/control"
	controlv1 "cordboard/plugins/control/v1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// daemon is the other side by hand.
type daemon struct {
	events *journal.Memory[callcontrol.Event]

	mu     sync.Mutex
	acks   []journal.Cursor
	refuse error // of acknowledgements
	hold   chan struct{}
	snaps  int
}

func (d *daemon) Do(context.Context, callcontrol.Command) (callcontrol.Result, error) {
	return callcontrol.Result{Call: "c"}, nil
}

func (d *daemon) Snapshot(context.Context) (callcontrol.Snapshot, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.snaps++
	return callcontrol.Snapshot{Cursor: d.events.Last()}, nil
}

func (d *daemon) Subscribe(from journal.Cursor) journal.Subscription[callcontrol.Event] {
	return d.events.Subscribe(from)
}

func (d *daemon) ack(ctx context.Context, c journal.Cursor) error {
	if d.hold != nil {
		select {
		case <-d.hold:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.acks = append(d.acks, c)
	return d.refuse
}

func (d *daemon) acked() journal.Cursor {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.acks) == 0 {
		return journal.Cursor{}
	}
	return d.acks[len(d.acks)-1]
}

// minimal is an adapter that can do nothing.
type minimal struct {
	session *Session
	refuse  error
}

func (m *minimal) Info() Info { return Info{Name: "minimal", Version: "1"} }

func (m *minimal) Configure(_ context.Context, s *Session) error {
	m.session = s
	return m.refuse
}

// listening takes events as it is told.
type listening struct {
	minimal
	mu    sync.Mutex
	seqs  []uint64
	fails map[uint64]int // how often each is refused
	gaps  []journal.Gap
	block chan struct{}
}

func (l *listening) Event(ctx context.Context, e Event) error {
	if l.block != nil {
		select {
		case <-l.block:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fails[e.Cursor.Seq] > 0 {
		l.fails[e.Cursor.Seq]--
		return errors.New("the CRM is away")
	}
	l.seqs = append(l.seqs, e.Cursor.Seq)
	return nil
}

func (l *listening) taken() []uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.seqs)
}

// resyncing takes snapshots too.
type resyncing struct{ listening }

func (r *resyncing) Gap(_ context.Context, g journal.Gap, _ callcontrol.Snapshot) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.gaps = append(r.gaps, g)
	return nil
}

// able can do everything else.
type able struct{ resyncing }

func (a *able) Lookup(ctx context.Context, q Query) ([]Contact, error) {
	if q.Number == "slow" {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return []Contact{{ID: "7", Name: string(q.Number)}}, nil
}

func (a *able) Search(_ context.Context, s Search) ([]Contact, error) {
	return nil, fmt.Errorf("no index for %q", s.Text)
}
func (a *able) Health(context.Context) error { return errors.New("no connection to the CRM") }
func (a *able) Stop(context.Context) error   { return errors.New("the file is locked") }

// serveAdapter puts an adapter and a daemon on two pipes.
func serveAdapter(t *testing.T, a Adapter, capacity int) (adapterv1.AdapterClient, *daemon) {
	t.Helper()
	d := &daemon{events: journal.NewMemory[callcontrol.Event]("e1", capacity)}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	s := newServer(a, log, &slog.LevelVar{})
	service := control.NewService(d, log, control.ForAdapter("x", d.ack))
	s.dial = func(uint32) (*grpc.ClientConn, error) {
		return pipe(t, func(g *grpc.Server) { controlv1.RegisterControlServer(g, service) }), nil
	}
	conn := pipe(t, func(g *grpc.Server) { adapterv1.RegisterAdapterServer(g, s) })
	return adapterv1.NewAdapterClient(conn), d
}

func pipe(t *testing.T, register func(*grpc.Server)) *grpc.ClientConn {
	t.Helper()
	l := bufconn.Listen(1 << 16)
	g := grpc.NewServer()
	register(g)
	done := make(chan error, 1)
	go func() { done <- g.Serve(l) }()
	conn, err := grpc.NewClient("passthrough:pipe", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = conn.Close()
		g.Stop()
		<-done
	})
	return conn
}

func patient(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func configure(t *testing.T, rpc adapterv1.AdapterClient, r *adapterv1.ConfigureRequest) {
	t.Helper()
	if _, err := rpc.Configure(patient(t), r); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		_, _ = rpc.Stop(ctx, &adapterv1.StopRequest{})
	})
}

func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !is(); time.Sleep(time.Millisecond) { // polls another goroutine's state
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

func digits(t *testing.T, d *daemon, n int) {
	t.Helper()
	for range n {
		if _, err := d.events.Append(t.Context(), callcontrol.Event{Kind: callcontrol.EventDigit}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCapabilitiesAreTheMethods(t *testing.T) {
	for want, a := range map[string]Adapter{
		"[]": &minimal{}, "[events]": &listening{}, "[lookup search events]": &able{},
	} {
		rpc, _ := serveAdapter(t, a, 1)
		r, err := rpc.Info(patient(t), &adapterv1.InfoRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(adapter.DecodeInfo(r).Capabilities); got != want {
			t.Errorf("%T: %s, want %s", a, got, want)
		}
	}
}

func TestConfigureOnce(t *testing.T) {
	m := &minimal{}
	rpc, _ := serveAdapter(t, m, 1)
	if _, err := rpc.Health(patient(t), &adapterv1.HealthRequest{}); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("before Configure: %v", err)
	}
	configure(t, rpc, &adapterv1.ConfigureRequest{Name: "crm", LogLevel: "warn", DaemonVersion: "v1", Acknowledged: &controlv1.Cursor{Epoch: "e", Seq: 3}})
	if s := m.session; s.Name != "crm" || string(s.Config) != "{}" || s.Daemon != "v1" || s.Acknowledged != (journal.Cursor{Epoch: "e", Seq: 3}) {
		t.Errorf("%+v", s)
	}
	if _, err := m.session.Control.Do(patient(t), callcontrol.Command{Kind: callcontrol.KindHold, Call: "c"}); err != nil {
		t.Error(err)
	}
	if _, err := rpc.Configure(patient(t), &adapterv1.ConfigureRequest{}); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("twice: %v", err)
	}
	for name, err := range map[string]error{
		"lookup": func() error { _, err := rpc.Lookup(patient(t), &adapterv1.LookupRequest{}); return err }(),
		"search": func() error { _, err := rpc.Search(patient(t), &adapterv1.SearchRequest{}); return err }(),
	} {
		if status.Code(err) != codes.Unimplemented {
			t.Errorf("%s: %v", name, err)
		}
	}
	rpc, _ = serveAdapter(t, &minimal{refuse: errors.New("url is missing")}, 1)
	if _, err := rpc.Configure(patient(t), &adapterv1.ConfigureRequest{}); status.Code(err) != codes.InvalidArgument || status.Convert(err).Message() != "url is missing" {
		t.Errorf("refused: %v", err)
	}
}

func TestQuestions(t *testing.T) {
	rpc, _ := serveAdapter(t, &able{}, 1)
	configure(t, rpc, &adapterv1.ConfigureRequest{})
	r, err := rpc.Lookup(patient(t), adapter.EncodeQuery(Query{Number: "1"}))
	if err != nil || len(r.GetContacts()) != 1 || r.GetContacts()[0].GetName() != "1" {
		t.Errorf("%v, %v", r, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := rpc.Lookup(ctx, adapter.EncodeQuery(Query{Number: "slow"})); status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("slow: %v", err)
	}
	if _, err := rpc.Search(patient(t), adapter.EncodeSearch(Search{Text: "x"})); status.Convert(err).Message() != `no index for "x"` {
		t.Errorf("search: %v", err)
	}
	h, err := rpc.Health(patient(t), &adapterv1.HealthRequest{})
	if err != nil || adapter.DecodeHealth(h) != (adapter.Health{State: adapter.HealthDegraded, Message: "no connection to the CRM"}) {
		t.Errorf("health: %v, %v", h, err)
	}
	if _, err := rpc.Stop(patient(t), &adapterv1.StopRequest{}); status.Convert(err).Message() != "stop: the file is locked" {
		t.Errorf("stop: %v", err)
	}
	if _, err := rpc.Lookup(patient(t), adapter.EncodeQuery(Query{})); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("after the stop: %v", err)
	}
}

// A refused event comes again, nothing overtakes it, and meanwhile the adapter says what is wrong.
func TestEventComesAgain(t *testing.T) {
	l := &listening{fails: map[uint64]int{3: 2}}
	rpc, d := serveAdapter(t, l, 100)
	digits(t, d, 5)
	configure(t, rpc, &adapterv1.ConfigureRequest{})
	until(t, "its trouble is told", func() bool {
		h, err := rpc.Health(patient(t), &adapterv1.HealthRequest{})
		return err == nil && h.GetMessage() == "event 3 is not taken: the CRM is away"
	})
	if d.acked().Seq > 2 {
		t.Errorf("acknowledged %d", d.acked().Seq)
	}
	until(t, "all is acknowledged", func() bool { return d.acked().Seq == 5 })
	if got := l.taken(); !slices.Equal(got, []uint64{1, 2, 3, 4, 5}) {
		t.Errorf("taken %v", got)
	}
	h, err := rpc.Health(patient(t), &adapterv1.HealthRequest{})
	if err != nil || adapter.DecodeHealth(h).State != adapter.HealthOK {
		t.Errorf("health: %v, %v", h, err)
	}
}

// batching takes events in lists, the first one never at once.
type batching struct {
	minimal
	mu    sync.Mutex
	lists [][]uint64
	gaps  int
}

func (b *batching) Batch() int { return 4 }

func (b *batching) Events(_ context.Context, list []Event) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	var seqs []uint64
	for _, e := range list {
		seqs = append(seqs, e.Cursor.Seq)
	}
	b.lists = append(b.lists, seqs)
	if len(b.lists) == 1 {
		return errors.New("the CRM is away")
	}
	return nil
}

func (b *batching) Gap(context.Context, journal.Gap, callcontrol.Snapshot) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.gaps++
	return nil
}

// Events come in lists, each again until it is taken; a gap ends a list.
func TestBatches(t *testing.T) {
	b := &batching{}
	rpc, d := serveAdapter(t, b, 100)
	digits(t, d, 30)
	configure(t, rpc, &adapterv1.ConfigureRequest{Acknowledged: &controlv1.Cursor{Epoch: "e1", Seq: 10}})
	until(t, "all is acknowledged", func() bool { return d.acked().Seq == 30 })
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.lists) < 2 || !slices.Equal(b.lists[0], b.lists[1]) {
		t.Fatalf("not the same again: %v", b.lists)
	}
	next, long := uint64(11), 0
	for _, list := range b.lists[1:] {
		long = max(long, len(list))
		for _, seq := range list {
			if seq != next {
				t.Fatalf("%d where %d was due: %v", seq, next, b.lists)
			}
			next++
		}
	}
	if next != 31 || long < 2 || long > 4 {
		t.Errorf("%v", b.lists)
	}
}

func TestWhereEventsBegin(t *testing.T) {
	at := func(seq uint64) *controlv1.Cursor { return &controlv1.Cursor{Epoch: "e1", Seq: seq} }
	for _, c := range []struct {
		name    string
		a       interface{ taken() []uint64 }
		request *adapterv1.ConfigureRequest
		want    []uint64
	}{
		{"acknowledged", &listening{}, &adapterv1.ConfigureRequest{Acknowledged: at(3), Begin: at(1)}, []uint64{4, 5, 6}},
		{"new", &listening{}, &adapterv1.ConfigureRequest{Begin: at(2)}, []uint64{3, 4, 5, 6}},
		{"new, all that is kept", &listening{}, &adapterv1.ConfigureRequest{}, []uint64{1, 2, 3, 4, 5, 6}},
		{"new, with a snapshot", &resyncing{}, &adapterv1.ConfigureRequest{Begin: at(2)}, []uint64{6}},
		{"acknowledged, with snapshots", &resyncing{}, &adapterv1.ConfigureRequest{Acknowledged: at(4)}, []uint64{5, 6}},
	} {
		rpc, d := serveAdapter(t, c.a.(Adapter), 100)
		digits(t, d, 5)
		configure(t, rpc, c.request)
		r, resyncs := c.a.(*resyncing)
		if resyncs && c.request.GetAcknowledged() == nil {
			until(t, "the snapshot is acknowledged", func() bool { return d.acked().Seq == 5 })
			if len(r.gaps) != 1 || r.gaps[0] != (journal.Gap{}) {
				t.Errorf("%s: gaps %v", c.name, r.gaps)
			}
		}
		digits(t, d, 1)
		until(t, "all is acknowledged", func() bool { return d.acked().Seq == 6 })
		if got := c.a.taken(); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// Where events are lost a snapshot stands for them, or nothing does; then they go on.
func TestGaps(t *testing.T) {
	for _, a := range []interface{ taken() []uint64 }{&listening{}, &resyncing{}} {
		rpc, d := serveAdapter(t, a.(Adapter), 4)
		digits(t, d, 20)
		configure(t, rpc, &adapterv1.ConfigureRequest{Acknowledged: &controlv1.Cursor{Epoch: "e1", Seq: 2}})
		until(t, "the gap is passed", func() bool { return d.acked().Seq == 20 })
		digits(t, d, 1)
		until(t, "all is acknowledged", func() bool { return d.acked().Seq == 21 })
		got, want := a.taken(), []uint64{17, 18, 19, 20, 21}
		if r, ok := a.(*resyncing); ok {
			want = []uint64{21}
			if len(r.gaps) != 1 || r.gaps[0].From.Seq != 2 || r.gaps[0].To.Seq != 16 {
				t.Errorf("gaps %v", r.gaps)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%T: %v, want %v", a, got, want)
		}
	}
}

// Many events are few acknowledgements, one that is refused is not repeated, and the end tells the last.
func TestAcknowledgements(t *testing.T) {
	l := &listening{block: make(chan struct{})}
	rpc, d := serveAdapter(t, l, 10_000)
	d.hold = make(chan struct{})
	d.refuse = &callcontrol.Refusal{Code: callcontrol.CodeBadArgument, Message: "never given"}
	digits(t, d, 5000)
	configure(t, rpc, &adapterv1.ConfigureRequest{})
	close(l.block)
	until(t, "all is taken", func() bool { return len(l.taken()) == 5000 })
	close(d.hold)
	if _, err := rpc.Stop(patient(t), &adapterv1.StopRequest{}); err != nil {
		t.Error(err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if n := len(d.acks); n == 0 || n > 3 || d.acks[n-1].Seq != 5000 {
		t.Errorf("%d acknowledgements, the last %v", n, d.acks[n-1])
	}
	if !slices.IsSortedFunc(d.acks, func(a, b journal.Cursor) int { return int(a.Seq) - int(b.Seq) }) {
		t.Error("they go back")
	}
}

// A stop in the midst of an event that will never be taken ends in time.
func TestStopDuringAnEvent(t *testing.T) {
	l := &listening{block: make(chan struct{})}
	rpc, d := serveAdapter(t, l, 10)
	digits(t, d, 2)
	configure(t, rpc, &adapterv1.ConfigureRequest{})
	if _, err := rpc.Stop(patient(t), &adapterv1.StopRequest{}); err != nil {
		t.Error(err)
	}
	if d.acked().Seq != 0 || len(l.taken()) != 0 {
		t.Errorf("%v, %v", d.acked(), l.taken())
	}
}

// stopping counts how often it is stopped. Its Configure takes as long as the test wants.
type stopping struct {
	minimal
	begun, let chan struct{}
	stops      atomic.Int32
}

func (s *stopping) Configure(ctx context.Context, session *Session) error {
	close(s.begun)
	<-s.let
	return s.minimal.Configure(ctx, session)
}

func (s *stopping) Stop(context.Context) error {
	s.stops.Add(1)
	return nil
}

// An adapter is stopped once, and only when it is configured; the daemon may ask whenever it likes.
func TestStopIsOnce(t *testing.T) {
	for _, refuse := range []error{nil, errors.New("url is missing")} {
		a := &stopping{minimal: minimal{refuse: refuse}, begun: make(chan struct{}), let: make(chan struct{})}
		rpc, _ := serveAdapter(t, a, 1)
		stop := func(when string, want int32) {
			t.Helper()
			if _, err := rpc.Stop(patient(t), &adapterv1.StopRequest{}); err != nil {
				t.Errorf("%s: %v", when, err)
			}
			if n := a.stops.Load(); n != want {
				t.Errorf("%s: stopped %d times, want %d", when, n, want)
			}
		}
		stop("before Configure", 0)
		configured := make(chan error, 1)
		go func() {
			_, err := rpc.Configure(patient(t), &adapterv1.ConfigureRequest{})
			configured <- err
		}()
		<-a.begun
		stop("beside Configure", 0)
		close(a.let)
		if err := <-configured; (err == nil) != (refuse == nil) {
			t.Fatal(err)
		}
		var want int32
		if refuse == nil {
			want = 1
		}
		stop("after Configure", want)
		stop("again", want)
	}
}
