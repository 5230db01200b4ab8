package line

import (
	"container/heap"
	"time"
)

// alarm is one pending time of a line, a trunk's pacer or a flow.
type alarm struct {
	at    time.Time
	index int // in the heap, -1 when not armed
	owner any // *entry, *trunk or *flow
}

// alarms is the one timer heap of a Manager.
type alarms []*alarm

func (h alarms) Len() int           { return len(h) }
func (h alarms) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h alarms) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

// Push implements heap.Interface.
func (h *alarms) Push(x any) {
	a := x.(*alarm)
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

// set arms, moves or (zero time) disarms an alarm.
func (h *alarms) set(a *alarm, at time.Time) {
	switch {
	case at.IsZero():
		if a.index >= 0 {
			heap.Remove(h, a.index)
		}
	case a.index >= 0:
		a.at = at
		heap.Fix(h, a.index)
	default:
		a.at = at
		heap.Push(h, a)
	}
}

// due takes the first alarm whose time has come, nil when there is none.
func (h *alarms) due(now time.Time) *alarm {
	if len(*h) == 0 || (*h)[0].at.After(now) {
		return nil
	}
	return heap.Pop(h).(*alarm)
}
