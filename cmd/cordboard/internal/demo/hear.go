package demo

import (
	"context"
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

// check measures what the three parties hear now.
func (s *story) check(ctx context.Context, name, state string, expected Heard) {
	s.measure(ctx, name, state, expected, 1)
}

// checkTone is check for tones with a cadence: it listens until the tone comes, for one period at the most.
func (s *story) checkTone(ctx context.Context, name, state string, expected Heard) {
	s.measure(ctx, name, state, expected, 16)
}

func (s *story) measure(ctx context.Context, name, state string, expected Heard, tries int) {
	step := Step{Name: name, State: state, Expected: expected.filled()}
	_, _ = s.listen(ctx, settle)
	for range tries {
		heard, err := s.listen(ctx, 400*time.Millisecond)
		step.Heard = heard
		if err != nil {
			step.Error = err.Error()
			break
		}
		if step.OK = heard.equal(step.Expected); step.OK {
			break
		}
	}
	s.add(step)
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
