package systemd

import (
	"context"
	"log/slog"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// Interval is how often the manager wants to hear from the watchdog; 0 when it does not.
func (n *Notifier) Interval() time.Duration { return n.interval }

// Run feeds the watchdog until ctx ends: at half the interval, as long as alive gives nil. alive should look at what the
// daemon is for (do the media shards tick, do the desks answer) and must return soon; it gets half an interval. When it
// fails the watchdog goes hungry and the manager restarts the service. Without a watchdog Run only waits.
func (n *Notifier) Run(ctx context.Context, alive func(context.Context) error) error {
	if n.interval <= 0 {
		<-ctx.Done()
		return nil
	}
	tick := time.NewTicker(n.interval / 2)
	defer tick.Stop()
	hungry := false
	for {
		err := n.feed(ctx, alive)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && !hungry:
			n.log.Error("watchdog not fed", slog.Any("err", err))
		case err == nil && hungry:
			n.log.Info("watchdog fed again")
		}
		hungry = err != nil
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

func (n *Notifier) feed(ctx context.Context, alive func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, n.interval/2)
	defer cancel()
	if err := alive(ctx); err != nil {
		return err
	}
	return n.notify(daemon.SdNotifyWatchdog)
}
