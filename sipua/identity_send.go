package sipua

import (
	"strconv"

	"github.com/emiago/sipgo/sip"
)

// identityHeaders asserts who calls: RFC 3325, RFC 3323.
func (c *core) identityHeaders(req *sip.Request, id Identity) {
	if id.Number != "" {
		host := id.Host
		if host == "" {
			host = c.domain()
		}
		value := "<" + URI{User: id.Number, Host: host}.String() + ">"
		if id.Display != "" {
			value = `"` + quotable(id.Display) + `" ` + value
		}
		addHeader(req, "P-Asserted-Identity", value)
	}
	if id.Private {
		addHeader(req, "Privacy", "id")
	}
}

// domain is the host of our own identities within the dialog.
func (c *core) domain() string {
	if c.trunk != nil {
		return c.trunk.Domain
	}
	return c.peer.local.Host
}

// doIdentity tells the peer who it talks to now.
func (c *core) doIdentity(id Identity) {
	if c.state == stEnded || id.Validate() != nil {
		return
	}
	switch {
	case c.state != stEstablished || !c.peer.allow["UPDATE"]:
		c.reoffer.who = &id
		c.want()
		return
	case c.offers.state != osStable: // an UPDATE that overtakes our re-INVITE would have it refused: RFC 3261 §12.2.2
		c.reoffer.who = &id
		return
	}
	req := c.newRequest(sip.UPDATE)
	addHeader(req, "Supported", supportedExt)
	c.sessionRequest(req)
	c.identityHeaders(req, id)
	c.send(withBody(req, nil), c.refreshed)
}

func diversionValue(d Diversion, host string) string {
	if d.Identity.Host != "" {
		host = d.Identity.Host
	}
	v := "<" + URI{User: d.Identity.Number, Host: host}.String() + ">"
	if d.Identity.Display != "" {
		v = `"` + quotable(d.Identity.Display) + `" ` + v
	}
	if d.Reason != "" && cleanText(d.Reason) {
		v += `;reason="` + quotable(d.Reason) + `"`
	}
	if d.Counter > 0 {
		v += ";counter=" + strconv.Itoa(d.Counter)
	}
	return v
}

// replacesValue writes a Replaces header: LocalTag is the to-tag.
func replacesValue(r DialogID) string {
	return r.CallID + ";to-tag=" + r.LocalTag + ";from-tag=" + r.RemoteTag
}
