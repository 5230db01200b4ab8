// Package alarm holds times that one goroutine waits for: one heap instead of a timer for each of thousands of owners.
package alarm

import (
	"container/heap"
	"time"
)

// Alarm is one pending time of its owner. The zero value is not armed.
type Alarm[T any] struct {
	Owner T

	at    time.Time
	place int // in the heap, counted from 1; 0: not armed
}

// Heap orders alarms by their time; the zero value is empty. It has no lock: its owner guards it.
type Heap[T any] struct{ list list[T] }

// Set arms, moves or (zero time) disarms an alarm.
func (h *Heap[T]) Set(a *Alarm[T], at time.Time) {
	switch {
	case at.IsZero():
		if a.place > 0 {
			heap.Remove(&h.list, a.place-1)
		}
	case a.place > 0:
		a.at = at
		heap.Fix(&h.list, a.place-1)
	default:
		a.at = at
		heap.Push(&h.list, a)
	}
}

// Due takes the first alarm whose time has come off the heap, nil when there is none.
func (h *Heap[T]) Due(now time.Time) *Alarm[T] {
	if len(h.list) == 0 || h.list[0].at.After(now) {
		return nil
	}
	return heap.Pop(&h.list).(*Alarm[T])
}

// Wait is how long until the first alarm, at most longest.
func (h *Heap[T]) Wait(longest time.Duration) time.Duration {
	if len(h.list) == 0 {
		return longest
	}
	return min(longest, max(0, time.Until(h.list[0].at)))
}

// list implements heap.Interface.
type list[T any] []*Alarm[T]

func (l list[T]) Len() int           { return len(l) }
func (l list[T]) Less(i, j int) bool { return l[i].at.Before(l[j].at) }
func (l list[T]) Swap(i, j int) {
	l[i], l[j] = l[j], l[i]
	l[i].place, l[j].place = i+1, j+1
}

// Push implements heap.Interface.
func (l *list[T]) Push(x any) {
	a := x.(*Alarm[T])
	a.place = len(*l) + 1
	*l = append(*l, a)
}

// Pop implements heap.Interface.
func (l *list[T]) Pop() any {
	old := *l
	a := old[len(old)-1]
	old[len(old)-1] = nil
	*l = old[:len(old)-1]
	a.place = 0
	return a
}
