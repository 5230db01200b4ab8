package control

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"cordboard/callcontrol"
	"cordboard/journal"
	controlv1 "cordboard/plugins/control/v1"
)

func digit(s string) callcontrol.Event {
	return callcontrol.Event{Kind: callcontrol.EventDigit, Agent: "anna", Digit: s}
}

func next(t *testing.T, e journal.Subscription[callcontrol.Event]) journal.Entry[callcontrol.Event] {
	t.Helper()
	entry, err := e.Next(patient(t))
	if err != nil {
		t.Fatal(err)
	}
	return entry
}

func TestSubscribeFromACursor(t *testing.T) {
	f := newFake(16)
	f.append(t, digit("1"), digit("2"), digit("3"))
	path := socketPath(t)
	serve(t, path, f)
	c := dial(t, path)

	all := c.Subscribe(journal.Cursor{})
	late := c.Subscribe(journal.Cursor{Epoch: "e1", Seq: 2})
	for _, want := range []string{"1", "2", "3"} {
		if got := next(t, all); got.Event.Digit != want || got.Gap != nil {
			t.Errorf("from the start: %+v, want %s", got, want)
		}
	}
	if got := next(t, late); got.Event.Digit != "3" || got.Cursor != (journal.Cursor{Epoch: "e1", Seq: 3}) {
		t.Errorf("from 2: %+v", got)
	}
	f.append(t, digit("4"))
	for _, sub := range []journal.Subscription[callcontrol.Event]{all, late} {
		if got := next(t, sub); got.Event.Digit != "4" {
			t.Errorf("live: %+v", got)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := all.Next(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	f.append(t, digit("5"))
	if got := next(t, all); got.Event.Digit != "5" {
		t.Errorf("after a cancelled Next: %+v", got)
	}
}

func TestSubscribeTellsGaps(t *testing.T) {
	f := newFake(4)
	for range 10 {
		f.append(t, digit("x"))
	}
	path := socketPath(t)
	serve(t, path, f)
	c := dial(t, path)
	for name, tc := range map[string]struct {
		from journal.Cursor
		to   uint64
	}{
		"trimmed":       {journal.Cursor{Epoch: "e1", Seq: 2}, 6},
		"another epoch": {journal.Cursor{Epoch: "e0", Seq: 9}, 6},
		"the future":    {journal.Cursor{Epoch: "e1", Seq: 99}, 10},
	} {
		sub := c.Subscribe(tc.from)
		if tc.to == 10 {
			f.append(t) // nothing: the gap alone tells where the log is
		}
		got := next(t, sub)
		if got.Gap == nil || got.Gap.From != tc.from || got.Gap.To != (journal.Cursor{Epoch: "e1", Seq: tc.to}) || got.Cursor != got.Gap.To {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// Over a restart of the server with the same log nothing is lost or doubled; with a new log there is a gap.
func TestFollowOverRestarts(t *testing.T) {
	f := newFake(1024)
	path := socketPath(t)
	c := dial(t, path)
	downs := make(chan error, 1024)
	e := c.Follow(journal.Cursor{}, func(err error) {
		select {
		case downs <- err:
		default:
		}
	})
	for i := range 5 {
		_, stop := serve(t, path, f)
		f.append(t, digit("1"), digit("2"))
		for k := range 2 {
			if got := next(t, e); got.Gap != nil || got.Cursor.Seq != uint64(2*i+k+1) {
				t.Fatalf("life %d: %+v", i, got)
			}
		}
		stop()
	}
	if e.Cursor() != (journal.Cursor{Epoch: "e1", Seq: 10}) {
		t.Errorf("cursor %+v", e.Cursor())
	}
	other := newFake(16)
	other.log = journal.NewMemory[callcontrol.Event]("e2", 16)
	other.append(t, digit("9"))
	serve(t, path, other)
	if got := next(t, e); got.Gap == nil || got.Gap.From != (journal.Cursor{Epoch: "e1", Seq: 10}) || got.Cursor.Epoch != "e2" {
		t.Errorf("a new log: %+v", got)
	}
	if got := next(t, e); got.Event.Digit != "9" {
		t.Errorf("after the gap: %+v", got)
	}
	if err := <-downs; !errors.Is(err, ErrUnreachable) {
		t.Errorf("down: %v", err)
	}
	e.Close()
	if _, err := e.Next(patient(t)); !errors.Is(err, journal.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}

// A subscriber that does not read holds nothing up and costs no memory; when it reads again it gets what
// was on the way, a gap, and the newest.
func TestSlowSubscriberIsBounded(t *testing.T) {
	const capacity, many = 64, 20_000
	f := newFake(capacity)
	path := socketPath(t)
	serve(t, path, f)
	c := dial(t, path)
	big := digit(strings.Repeat("x", 4096))
	e := c.Follow(journal.Cursor{}, nil)
	f.append(t, big)
	first := next(t, e)
	if first.Cursor.Seq != 1 {
		t.Fatalf("first: %+v", first)
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for range many { // 80 MB, were they kept
		f.append(t, big)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 16<<20 {
		t.Errorf("heap grew by %d MiB", grown>>20)
	}
	seq, gaps, read := uint64(1), 0, 0
	for seq < many+1 {
		got := next(t, e)
		switch {
		case got.Gap != nil:
			gaps++
			if got.Gap.From.Seq != seq || got.Cursor.Seq <= seq {
				t.Fatalf("after %d: gap %+v", seq, got.Gap)
			}
		case got.Cursor.Seq != seq+1:
			t.Fatalf("after %d: %d", seq, got.Cursor.Seq)
		}
		seq = got.Cursor.Seq
		read++
	}
	if gaps == 0 || read > many/4 {
		t.Errorf("%d gaps, %d entries read", gaps, read)
	}
}

func TestTooManySubscribers(t *testing.T) {
	f := newFake(1)
	path := socketPath(t)
	s, _ := serve(t, path, f)
	c := dial(t, path)
	ctx, cancel := context.WithCancel(patient(t))
	for range MaxSubscribers {
		stream, err := c.rpc.Subscribe(ctx, &controlv1.SubscribeRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := stream.Header(); err != nil { // the subscription stands
			t.Fatal(err)
		}
	}
	if s.Subscribers() != MaxSubscribers {
		t.Errorf("%d subscribers", s.Subscribers())
	}
	stream, err := c.rpc.Subscribe(ctx, &controlv1.SubscribeRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("one more: %v", err)
	}
	cancel()
}

func TestFollowGivesUpWhereTryingIsOfNoUse(t *testing.T) {
	if !final(status.Error(codes.Unimplemented, "")) || final(status.Error(codes.Unavailable, "")) || final(status.Error(codes.ResourceExhausted, "")) {
		t.Error("final")
	}
}
