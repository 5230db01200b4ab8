package webhook

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"golang.org/x/time/rate"

	"cordboard/callcontrol"
	"cordboard/plugins/control"
)

// token is who may use the API, and for what. Only the token's hash is kept.
type token struct {
	name     string
	sum      [sha256.Size]byte
	agents   map[callcontrol.AgentID]bool // nil: all
	readOnly bool
	limit    *rate.Limiter
	streams  chan struct{} // one for each stream of events
	catchUp  chan struct{} // one for the stream that reads old events
}

func (t *token) sees(a callcontrol.AgentID) bool { return t.agents == nil || t.agents[a] }

// authenticate finds the token of a request; nil: there is none. Every token is compared, each in the same time.
func (p *plan) authenticate(h http.Header) *token {
	values := h.Values("Authorization")
	if len(values) != 1 {
		return nil
	}
	scheme, text, ok := strings.Cut(values[0], " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return nil
	}
	sum := sha256.Sum256([]byte(strings.TrimLeft(text, " ")))
	var found *token
	for _, t := range p.tokens {
		if subtle.ConstantTimeCompare(sum[:], t.sum[:]) == 1 {
			found = t
		}
	}
	return found
}

// knownHost reports whether a request means this server: a page whose name was made to point here (DNS rebinding) says its own
// name. An address cannot be made to do that.
func (p *plan) knownHost(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	return p.hosts[host]
}

// snapshot is what t may see of s.
func (t *token) snapshot(s callcontrol.Snapshot) callcontrol.Snapshot {
	s = wholeSnapshot(s)
	if t.agents == nil {
		return s
	}
	s.Agents = only(s.Agents, func(a callcontrol.AgentView) bool { return t.sees(a.ID) })
	s.Calls = only(s.Calls, func(c callcontrol.CallView) bool { return t.sees(c.Agent) })
	s.Transfers = only(s.Transfers, func(v callcontrol.TransferView) bool { return t.sees(v.Agent) })
	return s
}

// directory is what t may see of d: its own agents, and the trunks of their lines.
func (t *token) directory(d control.Directory) control.Directory {
	trunks := map[string]bool{}
	d.Agents = only(d.Agents, func(a control.DirectoryAgent) bool {
		if t.sees(a.ID) {
			trunks[a.Trunk] = true
		}
		return t.sees(a.ID)
	})
	d.Trunks = only(d.Trunks, func(v control.DirectoryTrunk) bool { return t.agents == nil || trunks[v.Name] })
	return d
}

// only is a new list of those that are kept, never null.
func only[T any](list []T, keep func(T) bool) []T {
	out := make([]T, 0, len(list))
	for _, v := range list {
		if keep(v) {
			out = append(out, v)
		}
	}
	return out
}
