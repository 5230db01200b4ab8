package registrar

import (
	"container/heap"
	"time"
)

// alarms is the timer heap over the accounts, by earliest expiry.
type alarms []*account

func (h alarms) Len() int           { return len(h) }
func (h alarms) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h alarms) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

// Push implements heap.Interface.
func (h *alarms) Push(x any) {
	a := x.(*account)
	a.index = len(*h)
	*h = append(*h, a)
}

// Pop implements heap.Interface.
func (h *alarms) Pop() any {
	old := *h
	a := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	a.index = -1
	return a
}

// set moves an account to its earliest expiry; zero takes it out.
func (h *alarms) set(a *account, at time.Time) {
	if a.index >= 0 {
		heap.Remove(h, a.index)
	}
	if a.at = at; !at.IsZero() {
		heap.Push(h, a)
	}
}
