package sipua

import (
	"github.com/emiago/sipgo/sip"

	"cordboard/sipua/edge"
)

// EdgeStats are the figures of the filter in front of the parser.
func (s *Stack) EdgeStats() edge.Stats { return s.filter.Stats() }

// Pending is how many requests of dialogs wait for their final answer, ours and those of peers. It is 0 when no call does
// anything; registrations and keep-alives do not count.
func (s *Stack) Pending() int { return s.txns.pending() }

func (t *transactions) pending() (n int) {
	t.mu.Lock()
	clients := make([]*clientTx, 0, len(t.clients))
	for _, c := range t.clients {
		if m := c.req.Method; m != sip.REGISTER && m != sip.OPTIONS {
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
