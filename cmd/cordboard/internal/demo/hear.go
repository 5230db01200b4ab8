package demo

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"cordboard/sim"
)

func none() Heard { return Heard{Agent: hear(), Customer: hear(), Target: hear()} }

func hear(names ...string) []string {
	if names == nil {
		return []string{}
	}
	return names
}

// settle is what is let pass before listening: what was on its way and in jitter buffers.
const settle = 400 * time.Millisecond

// Tries of listening: a sound that is there at once may be late on a busy host; a tone with a cadence comes within its period of
// 6 s, and is waited for as long again.
const (
	steadyTries  = 3
	cadenceTries = 30
)

// check measures what the three parties hear now, and what the daemon says of the call.
func (s *story) check(ctx context.Context, name, state string, expected Heard) {
	s.add(s.measure(ctx, name, state, expected, steadyTries))
}

// checkTone is check for tones with a cadence: it listens until the tone comes.
func (s *story) checkTone(ctx context.Context, name, state string, expected Heard) {
	s.add(s.measure(ctx, name, state, expected, cadenceTries))
}

func (s *story) measure(ctx context.Context, name, state string, expected Heard, tries int) Step {
	step := Step{Name: name, Expected: expected.filled(), Heard: none()}
	fail := func(err error) Step {
		step.Error = err.Error()
		return step
	}
	var err error
	if step.State, err = s.reach(ctx, state); err != nil {
		return fail(err)
	}
	if _, err := s.listen(ctx, settle); err != nil {
		return fail(err)
	}
	for range tries {
		if step.Heard, err = s.listen(ctx, 400*time.Millisecond); err != nil {
			return fail(err)
		}
		if step.OK = step.Heard.equal(step.Expected); step.OK {
			break
		}
	}
	if step.OK { // what was heard was heard in that state
		if step.State, err = s.state(ctx); err != nil {
			step.OK = false
			return fail(err)
		}
	}
	if step.State != state {
		step.OK = false
		return fail(fmt.Errorf("the daemon says %q, not %q", step.State, state))
	}
	return step
}

func (s *story) listen(ctx context.Context, d time.Duration) (Heard, error) {
	h := none()
	var wg sync.WaitGroup
	var mu sync.Mutex
	var first error
	for p, to := range map[*sim.Party]*[]string{s.agent: &h.Agent, s.customer: &h.Customer, s.target: &h.Target} {
		if p == nil || p.State() == sim.StateEnded {
			continue
		}
		wg.Go(func() {
			names, err := p.Tones(ctx, d, tones)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				first = err
				return
			}
			*to = names
		})
	}
	wg.Wait()
	return h, first
}

func (h Heard) filled() Heard {
	for _, p := range []*[]string{&h.Agent, &h.Customer, &h.Target} {
		if *p == nil {
			*p = []string{}
		}
	}
	return h
}

func (h Heard) equal(o Heard) bool {
	return slices.Equal(h.Agent, o.Agent) && slices.Equal(h.Customer, o.Customer) && slices.Equal(h.Target, o.Target)
}

func (h Heard) String() string {
	var parts []string
	for _, p := range []struct {
		who   string
		names []string
	}{{"agent", h.Agent}, {"customer", h.Customer}, {"target", h.Target}} {
		if len(p.names) > 0 {
			parts = append(parts, p.who+" hears "+strings.Join(p.names, "+"))
		}
	}
	if parts == nil {
		return "nobody hears anything"
	}
	return strings.Join(parts, ", ")
}
