package conformance

import (
	"errors"
	"fmt"
	"syscall"
	"testing"
	"time"

	"cordboard/callcontrol"
	"cordboard/journal"
	"cordboard/plugins/control"
	"cordboard/plugins/host"
)

// order: a thousand events arrive in order, each once, and are acknowledged to the last.
func order(t *testing.T, target Target) {
	s := newStage(t, target, 1<<16)
	h, end := s.running()
	if !s.listens(h) {
		t.Skip("the adapter takes no events")
	}
	before := s.taken()
	for i := range 10 {
		s.tell(script(uint64(i), 100)...)
	}
	s.settled(h)
	end()
	s.monotone()
	s.contiguous(before, 1)
}

// restart: the daemon stops in order and starts again. Nothing is missing, and nothing comes twice.
func restart(t *testing.T, target Target) {
	s := newStage(t, target, 1<<16)
	h, end := s.running()
	if !s.listens(h) {
		t.Skip("the adapter takes no events")
	}
	before := s.taken()
	s.tell(script(1, 50)...)
	s.settled(h)
	for i := range 3 {
		end()
		s.tell(script(uint64(i), 50)...)
		h, end = s.running()
		s.tell(script(uint64(i), 50)...)
		s.settled(h)
	}
	end()
	s.monotone()
	s.contiguous(before, 1)
}

// kill: kill -9 in mid-stream. Behind the acknowledged cursor nothing is missing and nothing comes twice.
func kill(t *testing.T, target Target) {
	s := newStage(t, target, 1<<20)
	h, end := s.start(func(c *host.Config) { c.Backoff = 50 * time.Millisecond })
	s.until("the adapter runs", func() error { return runs(h) })
	if !s.listens(h) {
		t.Skip("the adapter takes no events")
	}
	before := s.taken()
	done := make(chan struct{})
	fed := make(chan struct{})
	go func() {
		defer close(fed)
		for i := uint64(0); ; i++ {
			s.tell(script(i, 5)...)
			select {
			case <-time.After(5 * time.Millisecond):
			case <-done:
				return
			}
		}
	}()
	cursors := []journal.Cursor{{}}
	var slowest time.Duration
	for range target.Kills {
		from := h.Status().Acknowledged.Seq
		s.until("events flow", func() error {
			if h.Status().Acknowledged.Seq < from+20 {
				return errors.New("they do not")
			}
			return nil
		})
		pid := h.Status().PID
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		killed := time.Now()
		s.until("the kill is seen", func() error {
			if st := h.Status(); st.PID == pid {
				return errors.New(string(st.State))
			}
			return nil
		})
		c, _, _ := s.cursors.Cursor(t.Context(), "adapter")
		cursors = append(cursors, c)
		s.until("it is back", func() error { return runs(h) })
		slowest = max(slowest, time.Since(killed))
	}
	close(done)
	<-fed
	s.settled(h)
	end()
	s.monotone()
	s.lives(before, cursors)
	t.Logf("%d kills, %d events, back after at most %s", target.Kills, s.last().Seq, slowest.Round(time.Millisecond))
}

// gap: the journal lost what came after the adapter's cursor, then its whole life. The adapter goes on.
func gap(t *testing.T, target Target) {
	s := newStage(t, target, 64)
	h, end := s.running()
	if !s.listens(h) {
		t.Skip("the adapter takes no events")
	}
	s.tell(script(1, 10)...)
	s.settled(h)
	end()
	s.tell(script(2, 500)...)
	h, end = s.running()
	s.settled(h)
	s.tell(script(3, 10)...)
	s.settled(h)
	end()
	s.renew("e2", 64)
	s.tell(script(4, 10)...)
	h, end = s.running()
	s.tell(script(5, 10)...)
	s.settled(h)
	if e := h.Status().LastError; e != "" {
		t.Errorf("last trouble: %s", e)
	}
	end()
	s.monotone()
}

// slow: more happens than any adapter can take. It is told gaps and gets to the end.
func slow(t *testing.T, target Target) {
	s := newStage(t, target, 256)
	h, end := s.running()
	if !s.listens(h) {
		t.Skip("the adapter takes no events")
	}
	for i := range 200 {
		s.tell(script(uint64(i), 100)...)
	}
	s.settled(h)
	if st := h.Status(); st.State == control.AdapterBackoff || st.Restarts != 0 {
		t.Errorf("it fell: %+v", st)
	}
	end()
	s.monotone()
}

// taken is what the adapter has taken so far; 0 when it cannot be read.
func (s *stage) taken() int {
	if s.target.Taken == nil {
		return 0
	}
	return len(s.target.Taken(s.t))
}

// monotone: acknowledgements never go back.
func (s *stage) monotone() {
	s.t.Helper()
	var at journal.Cursor
	for _, c := range s.cursors.list() {
		if c.Epoch == at.Epoch && c.Seq < at.Seq {
			s.t.Errorf("%d was acknowledged after %d", c.Seq, at.Seq)
		}
		at = c
	}
}

// contiguous: what was taken since is every event once, in order. A snapshot stands for all before it.
func (s *stage) contiguous(since int, first uint64) {
	s.t.Helper()
	if s.target.Taken == nil {
		return
	}
	next := first
	for _, e := range s.target.Taken(s.t)[since:] {
		switch {
		case e.Gap && e.Cursor.Seq+1 >= next:
			next = e.Cursor.Seq + 1
		case !e.Gap && e.Cursor.Seq == next:
			next++
		default:
			s.t.Fatalf("event %d (snapshot: %v) was taken where %d was due", e.Cursor.Seq, e.Gap, next)
		}
	}
	if last := s.last().Seq; next != last+1 {
		s.t.Errorf("the last event taken is %d of %d", next-1, last)
	}
}

// lives: each life began behind its acknowledged cursor and took every event once, in order.
func (s *stage) lives(since int, cursors []journal.Cursor) {
	s.t.Helper()
	if s.target.Taken == nil {
		return
	}
	all := s.target.Taken(s.t)[since:]
	life := 0
	next := uint64(1)
	for _, e := range all {
		switch {
		case e.Gap:
			next = e.Cursor.Seq + 1
			continue
		case e.Cursor.Seq == next:
			next++
			continue
		}
		if err := s.reborn(&life, e.Cursor.Seq, next, cursors); err != nil {
			s.t.Fatal(err)
		}
		next = e.Cursor.Seq + 1
	}
	if last := s.last().Seq; next != last+1 {
		s.t.Errorf("the last event taken is %d of %d", next-1, last)
	}
}

// reborn finds the life that begins with event seq, where next was due in the old one.
func (s *stage) reborn(life *int, seq, next uint64, cursors []journal.Cursor) error {
	for *life+1 < len(cursors) {
		*life++
		if c := cursors[*life]; c.Seq+1 == seq {
			if seq > next {
				return fmt.Errorf("life %d began behind %d, and %d was the last taken", *life, c.Seq, next-1)
			}
			return nil
		}
	}
	return fmt.Errorf("event %d was taken where %d was due", seq, next)
}

var _ callcontrol.Control = (*stage)(nil)
