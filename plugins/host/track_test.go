package host

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"cordboard/callcontrol"
	"cordboard/journal"
	"cordboard/plugins/adapter"
)

// timings is Metrics by hand.
type timings struct {
	noMetrics
	mu   sync.Mutex
	took []time.Duration
}

func (m *timings) Acknowledged(_ string, e callcontrol.Event) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.took = append(m.took, time.Since(e.At))
}

func at(epoch string, seq uint64) journal.Cursor { return journal.Cursor{Epoch: epoch, Seq: seq} }

// What an adapter reads again and again comes at a bounded rate, from however many streams; what is new comes at once.
func TestEventsReadAgainArePaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newFakeControl(1 << 16)
		c.append(t, make([]callcontrol.Event, againBurst)...)
		tr := &track{metrics: noMetrics{}}
		tr.begin(at("e1", 0))
		tr.start(journal.Cursor{}, false)
		shown := newTracked(c, tr)
		read := func(n int) time.Duration {
			t.Helper()
			begun := time.Now()
			s := shown.Subscribe(journal.Cursor{})
			for range n {
				if _, err := s.Next(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			return time.Since(begun)
		}
		if took := read(againBurst); took != 0 {
			t.Errorf("new ones took %v", took)
		}
		if took := read(againBurst); took != 0 {
			t.Errorf("read once more they took %v", took)
		}
		if took, least := read(againBurst), time.Duration(againBurst/againRate)*time.Second; took < least {
			t.Errorf("read a third time they took %v, at least %v was due", took, least)
		}
		s := shown.Subscribe(c.log.Last())
		c.append(t, make([]callcontrol.Event, 1000)...)
		begun := time.Now()
		for range 1000 {
			if _, err := s.Next(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(begun); took != 0 {
			t.Errorf("new ones beside it took %v", took)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := shown.Subscribe(journal.Cursor{}).Next(ctx); err == nil {
			t.Error("a stream that has ended goes on")
		}
	})
}

func TestOnlyWhatWasGivenIsAcknowledged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &timings{}
		tr := track{metrics: m}
		tr.begin(at("e1", 5))
		tr.start(journal.Cursor{}, false)
		give := func(c journal.Cursor) {
			tr.given(journal.Entry[callcontrol.Event]{Cursor: c, Event: callcontrol.Event{At: time.Now()}})
		}
		for _, c := range []struct {
			name string
			do   func()
			ack  journal.Cursor
			ok   bool
			lag  uint64 // of ten
		}{
			{"the beginning", nil, at("e1", 5), true, 5},
			{"never given", nil, at("e1", 6), false, 5},
			{"another epoch", nil, at("e0", 1), false, 5},
			{"given", func() { give(at("e1", 6)); give(at("e1", 7)); time.Sleep(time.Second) }, at("e1", 7), true, 3},
			{"an old one", nil, at("e1", 6), true, 3},
			{"a snapshot's", func() { tr.seen(at("e1", 9)) }, at("e1", 9), true, 1},
			{"a gap's", func() {
				tr.given(journal.Entry[callcontrol.Event]{Cursor: at("e1", 10), Gap: &journal.Gap{To: at("e1", 10)}})
			}, at("e1", 10), true, 0},
		} {
			if c.do != nil {
				c.do()
			}
			if ok := tr.ack(c.ack); ok != c.ok || tr.lag(at("e1", 10)) != c.lag {
				t.Errorf("%s: %v, lag %d", c.name, ok, tr.lag(at("e1", 10)))
			}
		}
		if !slices.Equal(m.took, []time.Duration{time.Second, time.Second}) {
			t.Errorf("times %v", m.took)
		}
		if tr.lag(at("e2", 3)) != 3 {
			t.Errorf("of a new journal: %d", tr.lag(at("e2", 3)))
		}
		tr.start(at("e1", 10), true) // the next life
		if tr.ack(at("e1", 11)) || !tr.ack(at("e1", 10)) {
			t.Error("the next life")
		}
		for i := range uint64(3 * mostSent) {
			give(at("e1", 11+i))
		}
		if len(tr.sent) > mostSent {
			t.Errorf("%d are remembered", len(tr.sent))
		}
	})
}

func TestCursorsNeverGoBack(t *testing.T) {
	m := NewMemoryCursors()
	if _, ok, err := m.Cursor(t.Context(), "a"); ok || err != nil {
		t.Error("there is one")
	}
	for _, c := range []struct{ ack, want journal.Cursor }{
		{at("e1", 5), at("e1", 5)}, {at("e1", 3), at("e1", 5)}, {at("e1", 6), at("e1", 6)}, {at("e2", 1), at("e2", 1)},
	} {
		m.Ack("a", c.ack)
		if got, ok, err := m.Cursor(t.Context(), "a"); got != c.want || !ok || err != nil {
			t.Errorf("%v: %v", c.ack, got)
		}
	}
}

// Each answer arrives once: with the others, or late.
func TestGather(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		late := make(chan string, 3)
		g := newGather(func(a Answer) { late <- a.Adapter })
		for name, after := range map[string]time.Duration{"a": time.Millisecond, "b": 100 * time.Millisecond, "c": time.Second} {
			g.expect()
			go func() { time.Sleep(after); g.take(Answer{Adapter: name}) }()
		}
		g.expect()
		g.less()
		begun := time.Now()
		got := g.wait(t.Context(), 300*time.Millisecond)
		if time.Since(begun) != 300*time.Millisecond || len(got) != 2 || got[0].Adapter != "a" || got[1].Adapter != "b" {
			t.Errorf("%v after %s", got, time.Since(begun))
		}
		time.Sleep(2 * time.Second)
		if len(late) != 1 || <-late != "c" {
			t.Errorf("%d late", len(late))
		}
		begun = time.Now()
		if got := newGather(nil).wait(t.Context(), time.Hour); len(got) != 0 || time.Since(begun) != 0 {
			t.Errorf("nobody was asked: %v after %s", got, time.Since(begun))
		}
		unanswered := newGather(nil)
		unanswered.expect()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if unanswered.wait(ctx, time.Hour); time.Since(begun) != time.Second {
			t.Errorf("beyond the context: %s", time.Since(begun))
		}
		unanswered.take(Answer{}) // nobody wants it
	})
}

// A set without an adapter that can tell answers at once.
func TestNobodyToAsk(t *testing.T) {
	s, err := NewSet(nil, Deps{Log: (&logged{}).logger(), Control: newFakeControl(1), Cursors: NewMemoryCursors()})
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Lookup(t.Context(), adapter.Query{Number: "1"}, nil); len(got) != 0 {
		t.Errorf("%v", got)
	}
	if err := s.Settle(t.Context()); err != nil || s.Status() == nil {
		t.Errorf("%v, %v", err, s.Status())
	}
	if _, err := NewSet(nil, Deps{}); err == nil {
		t.Error("no dependencies")
	}
}
