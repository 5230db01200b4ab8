package callcontrol

import (
	"slices"
	"strconv"
	"sync"
)

// roster is who has a desk. A desk's number is in the ids that it makes, and never used again.
type roster struct {
	mu      sync.RWMutex
	desks   []*runner // in the order of the configuration; replaced, never changed
	byAgent map[AgentID]*runner
	byNum   map[int]*runner
	next    int
	serving bool // between open and close
}

func newRoster(size int) roster {
	return roster{byAgent: make(map[AgentID]*runner, size), byNum: make(map[int]*runner, size)}
}

func (r *roster) add(s *Switchboard, c DeskConfig) *runner {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := newRunner(s, c, s.boot+"."+strconv.Itoa(r.next))
	n.number = r.next
	r.next++
	r.desks = append(slices.Clip(r.desks), n)
	r.byAgent[c.Agent], r.byNum[n.number] = n, n
	return n
}

// remove takes a desk out. Nothing it has begun goes on.
func (r *roster) remove(n *runner) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.desks = slices.DeleteFunc(slices.Clone(r.desks), func(other *runner) bool { return other == n })
	delete(r.byAgent, n.agent)
	delete(r.byNum, n.number)
}

// order puts the desks into the order of agents; others come last.
func (r *roster) order(agents []DeskConfig) {
	place := make(map[AgentID]int, len(agents))
	for i, c := range agents {
		place[c.Agent] = i - len(agents)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.desks = slices.Clone(r.desks)
	slices.SortStableFunc(r.desks, func(a, b *runner) int { return place[a.agent] - place[b.agent] })
}

func (r *roster) of(a AgentID) *runner {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.byAgent[a]
}

func (r *roster) numbered(i int) *runner {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.byNum[i]
}

// all are the desks; the list is not to be changed.
func (r *roster) all() []*runner {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.desks
}

// open begins the time in which desks may be added and run, close ends it. Both give the desks of that moment.
func (r *roster) open() []*runner {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.serving = true
	return r.desks
}

func (r *roster) close() []*runner {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.serving = false
	return r.desks
}

// serve lets a new desk run, unless the switchboard has come to its end.
func (r *roster) serve(n *runner) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.serving {
		n.inbox.serve()
	}
}
