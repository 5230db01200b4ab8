package callcontrol

import (
	"context"
	"fmt"
)

// Check asks the publisher and each desk at work for a sign of life: nil when all have answered before ctx ended. Events that wait
// for media are no answer's concern.
func (s *Switchboard) Check(ctx context.Context) error {
	if err := s.pub.do(ctx, func() {}); err != nil {
		return err
	}
	type question struct {
		agent  AgentID
		answer chan struct{}
	}
	var asked []question
	for _, r := range s.roster.all() {
		q := question{r.agent, make(chan struct{}, 1)}
		if r.inbox.ask(q.answer) {
			asked = append(asked, q)
		}
	}
	for _, q := range asked {
		select {
		case <-q.answer:
		case <-ctx.Done():
			return fmt.Errorf("the desk of %s does not answer: %w", q.agent, ctx.Err())
		case <-s.stopped:
			return nil
		}
	}
	return nil
}
