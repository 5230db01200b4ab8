package conformance

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"cordboard/callcontrol"
	"cordboard/plugins/adapter"
	"cordboard/plugins/control"
	"cordboard/plugins/host"
)

// oddNumbers are what trunks really send.
var oddNumbers = []callcontrol.Number{
	"", "anonymous", "Restricted", "+", "00", "*97#", "1", callcontrol.Number(strings.Repeat("9", 64)), "+380441234567", "a.b-c_d", "\xff\xfe", "' OR 1=1 --",
}

// lookups: a known number is found, odd ones are answered or refused, many at one time too.
func lookups(t *testing.T, target Target) {
	s := newStage(t, target, 16)
	h, _ := s.running()
	if !able(h, adapter.CanLookup) {
		t.Skip("the adapter looks nobody up")
	}
	if target.Known != "" {
		a := s.lookup(h, target.Known)
		if a.Err != nil || len(a.Contacts) == 0 || a.Contacts[0].Name == "" {
			t.Errorf("%s: %+v", target.Known, a)
		}
	}
	var all sync.WaitGroup
	for _, n := range oddNumbers {
		all.Go(func() {
			begun := time.Now()
			if a := s.lookup(h, n); time.Since(begun) > 20*time.Second {
				t.Errorf("%q: %+v after %s", n, a, time.Since(begun))
			}
		})
	}
	all.Wait()
	if target.Known != "" {
		if a := s.lookup(h, target.Known); a.Err != nil || len(a.Contacts) == 0 {
			t.Errorf("%s, after odd numbers: %+v", target.Known, a)
		}
	}
	s.unharmed(h)
}

func (s *stage) lookup(h *host.Host, n callcontrol.Number) host.Answer {
	ctx, cancel := context.WithTimeout(s.t.Context(), s.target.Limit)
	defer cancel()
	a, _ := h.Lookup(ctx, adapter.Query{
		Number: n, Display: "Ivan", Agent: "anna", Call: "c-1", Line: "pbx/1001", Direction: callcontrol.Inbound, Queue: "Sales",
		Variables: []callcontrol.Variable{{Name: "ivr", Value: "2"}},
	})
	return a
}

// searches: a known name is found, odd ones are answered or refused, and the limit holds.
func searches(t *testing.T, target Target) {
	s := newStage(t, target, 16)
	h, _ := s.running()
	if !able(h, adapter.CanSearch) {
		t.Skip("the adapter searches nothing")
	}
	search := func(text string, limit int) host.Answer {
		ctx, cancel := context.WithTimeout(t.Context(), target.Limit)
		defer cancel()
		a, _ := h.Search(ctx, adapter.Search{Text: text, Agent: "anna", Limit: limit})
		return a
	}
	if target.Name != "" {
		a := search(target.Name, 5)
		if a.Err != nil || len(a.Contacts) == 0 {
			t.Errorf("%s: %+v", target.Name, a)
		}
	}
	for _, odd := range []string{"", " ", "%", "*", "(", "\x00", strings.Repeat("x", 10_000), "Олена", "' OR 1=1 --"} {
		if a := search(odd, 1); len(a.Contacts) > 1 {
			t.Errorf("%.20q: %d contacts, wanted 1", odd, len(a.Contacts))
		}
	}
	s.unharmed(h)
}

// deadline: questions whose answer nobody waits for any more leave the adapter as able as before.
func deadline(t *testing.T, target Target) {
	s := newStage(t, target, 16)
	h, _ := s.running()
	if !able(h, adapter.CanLookup) {
		t.Skip("the adapter looks nobody up")
	}
	const asked = 200 // more than the daemon has under way at one time
	for range asked {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		begun := time.Now()
		_, _ = h.Lookup(ctx, adapter.Query{Number: "+380441234567"})
		cancel()
		if took := time.Since(begun); took > 5*time.Second {
			t.Fatalf("a question was waited for %s", took)
		}
	}
	number := target.Known
	if number == "" {
		number = "+380441234567"
	}
	s.until("it answers again", func() error {
		a := s.lookup(h, number)
		if a.Err == nil && target.Known != "" && len(a.Contacts) == 0 {
			return errors.New("nobody was found")
		}
		return a.Err
	})
	s.unharmed(h)
}

func (s *stage) unharmed(h *host.Host) {
	s.t.Helper()
	if st := h.Status(); st.Restarts != 0 || st.State == control.AdapterBackoff {
		s.t.Errorf("the adapter fell: %+v", st)
	}
}

// stop: it ends within the grace, by itself.
func stop(t *testing.T, target Target) {
	s := newStage(t, target, 1024)
	h, end := s.running()
	s.tell(script(1, 100)...)
	if s.listens(h) {
		s.settled(h)
	}
	begun := time.Now()
	end()
	if s.log.has("did not stop in order") {
		t.Errorf("it did not stop in order (%s)", time.Since(begun))
	}
}
