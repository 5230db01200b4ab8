package sipua

import (
	"slices"

	"github.com/emiago/sipgo/sip"

	"cordboard/sipua/resolve"
)

// registeredRoute is what the registrar said of the way out of a line: the route set of its calls (RFC 3608 §6.1), nil
// for none. The calls go to the trunk's server all the same, which knows the first hop of the route or is it: a registrar
// cannot make us send credentials elsewhere. Among the server's addresses, the one that the line registered at comes
// first, if it is not known to be dead.
func (c *core) registeredRoute(targets []resolve.Target) ([]sip.Uri, []resolve.Target) {
	if c.account == nil {
		return nil, targets
	}
	st, ok := c.s.lines.State(c.account.id)
	if !ok || !st.Registered {
		return nil, targets
	}
	if i := slices.Index(targets, st.Target); i > 0 && !c.s.targets.Dead(st.Target) {
		targets = slices.Concat(targets[i:i+1], targets[:i], targets[i+1:])
	}
	return uris(st.ServiceRoute), targets
}

// uris parses addresses as of Service-Route and Path; what cannot be read is left out.
func uris(list []string) []sip.Uri {
	var out []sip.Uri
	for _, v := range list {
		var u sip.Uri
		if addr, _ := splitParams(v); sip.ParseUri(trimAngle(addr), &u) == nil && u.Host != "" {
			out = append(out, u)
		}
	}
	return out
}
