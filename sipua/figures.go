package sipua

import (
	"github.com/emiago/sipgo/sip"

	"cordboard/sipua/edge"
)

// EdgeStats are the figures of the filter in front of the parser.
func (s *Stack) EdgeStats() edge.Stats { return s.filter.Stats() }

// Kept is how many dialogs and transactions of calls are in memory, those that have ended among them: for what their peers may
// still send they are kept for 64×T1.
func (s *Stack) Kept() int {
	s.mu.Lock()
	n := len(s.dialogs)
	s.mu.Unlock()
	s.txns.mu.Lock()
	defer s.txns.mu.Unlock()
	for _, c := range s.txns.clients {
		if ofCall(c.req.Method) {
			n++
		}
	}
	for _, st := range s.txns.servers {
		if ofCall(st.req.Method) {
			n++
		}
	}
	return n
}

// ofCall reports whether requests of a method belong to calls.
func ofCall(m sip.RequestMethod) bool { return m != sip.REGISTER && m != sip.OPTIONS }

// Pending is how many requests of dialogs wait for their final answer, ours and those of peers. It is 0 when no call does
// anything; registrations and keep-alives do not count.
func (s *Stack) Pending() int { return s.txns.pending() }

func (t *transactions) pending() (n int) {
	t.mu.Lock()
	clients := make([]*clientTx, 0, len(t.clients))
	for _, c := range t.clients {
		if ofCall(c.req.Method) {
			clients = append(clients, c)
		}
	}
	for _, st := range t.servers {
		if st.status < 200 && !st.dead {
			n++
		}
	}
	t.mu.Unlock()
	for _, c := range clients {
		c.mu.Lock()
		if c.final == 0 {
			n++
		}
		c.mu.Unlock()
	}
	return n
}
