package sipua

import (
	"context"
	"errors"
	"testing"

	"cordboard/sipua/resolve"
)

// What is said of a phone that was not reached is readable, also when no try came to an end.
func TestReachTellsWhy(t *testing.T) {
	r := newRig(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	err := r.s.reach(ctx, Farewell{Phone: "anna"}, func(ctx context.Context, _ resolve.Target) error {
		cancel()
		return ctx.Err()
	})
	if !errors.Is(err, context.Canceled) || err.Error() != context.Canceled.Error() && err.Error() != "context canceled: context canceled" {
		t.Errorf("got %q", err)
	}
}
