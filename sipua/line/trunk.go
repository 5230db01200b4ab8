package line

import (
	"log/slog"
	"time"

	"cordboard/sipua/alarm"
	"cordboard/sipua/resolve"
)

// trunk is a Trunk with its pacer and its flows. Guarded by Manager.mu.
//
// The pacer keeps 1/Rate between two REGISTER requests and has no burst: no
// window of a second ever holds more than Rate of them.
type trunk struct {
	cfg      Trunk
	alarm    alarm.Alarm[any]
	urgent   queue // continue an exchange: an answered challenge has a nonce that ages
	normal   queue
	inFlight int       // sent and not answered
	waited   time.Time // since when an answer is waited for, while inFlight > 0
	slot     time.Time // the next REGISTER leaves no earlier
	flows    map[resolve.Target]*flow
	watch    *watch // not guarded: owned by the goroutine of Run
}

func newTrunk(cfg Trunk, log *slog.Logger) *trunk {
	t := &trunk{
		cfg: cfg, flows: make(map[resolve.Target]*flow),
		watch: &watch{log: log, trunk: cfg.Name, reasons: make(map[cause]int)},
	}
	t.alarm.Owner = t
	return t
}

func (t *trunk) limits() limits {
	return limits{
		expires: t.cfg.Expires, backoffBase: t.cfg.BackoffBase,
		backoffMax: t.cfg.BackoffMax, slowRetry: t.cfg.SlowRetry,
	}
}

// gap is the time between two REGISTER requests, rounded up so that the rate
// is never exceeded.
func (t *trunk) gap() time.Duration { return time.Duration(float64(time.Second)/t.cfg.Rate) + 1 }

// pop gives the next job that is still wanted, nil when there is none.
func (t *trunk) pop() *job {
	for _, q := range [2]*queue{&t.urgent, &t.normal} {
		for j := q.pop(); j != nil; j = q.pop() {
			if !j.dropped {
				return j
			}
		}
	}
	return nil
}

func (t *trunk) waiting() bool { return t.urgent.len() > 0 || t.normal.len() > 0 }

// queue is a FIFO of jobs; its memory goes back when it runs empty.
type queue struct {
	items []*job
	head  int
}

func (q *queue) push(j *job) { q.items = append(q.items, j) }
func (q *queue) len() int    { return len(q.items) - q.head }

func (q *queue) pop() *job {
	if q.len() == 0 {
		return nil
	}
	j := q.items[q.head]
	q.items[q.head] = nil
	if q.head++; q.head == len(q.items) {
		q.items, q.head = nil, 0
	}
	return j
}
