package host

import "time"

const (
	backoffFirst = time.Second
	backoffMost  = 2 * time.Minute
	wellFor      = time.Minute // of health, after which the past is forgotten
)

// ending is how one life of an adapter ended.
type ending struct {
	err     error
	well    time.Duration // from the first healthy answer to the end; 0: it never was
	outside bool          // killed by somebody else: the adapter has done nothing wrong
}

// backoff is the wait before the next start: 1 s, doubled with each life that ended too soon, up to two
// minutes. It begins anew after a minute of health. A healthy adapter that is killed from outside waits
// the first time only, however often, and whatever it did before.
type backoff struct{ first, wait time.Duration }

func (b *backoff) next(e ending) time.Duration {
	switch {
	case b.wait == 0, e.well >= wellFor:
		b.wait = b.first
	case e.well > 0 && e.outside:
		return b.first
	default:
		b.wait = min(2*b.wait, backoffMost)
	}
	return b.wait
}
