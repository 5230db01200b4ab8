package sipua

import "github.com/emiago/sipgo/sip"

// identityHeaders tells who calls, or who is connected now, in the header that the trunk wants, and in no other: RFC 3325
// §9.1 allows one address of the kind that we send. Phones take P-Asserted-Identity. Privacy goes also without a header of
// ours, for those that the trunk adds (RFC 3323).
func (c *core) identityHeaders(req *sip.Request, id Identity) {
	if id.Number != "" {
		switch value := c.nameAddr(id); c.identityHeader() {
		case IdentityPAI:
			addHeader(req, "P-Asserted-Identity", value)
		case IdentityRPID:
			addHeader(req, "Remote-Party-ID", value+c.remoteParty(id))
		}
	}
	if id.Private {
		addHeader(req, "Privacy", "id")
	}
}

func (c *core) identityHeader() IdentityHeader {
	if c.trunk == nil {
		return IdentityPAI
	}
	return c.trunk.Identity
}

// remoteParty is the parameters of a Remote-Party-ID: draft-ietf-sip-privacy-04 §5. We have not checked the identity.
func (c *core) remoteParty(id Identity) string {
	v := ";party=called;screen=no"
	if c.outgoing {
		v = ";party=calling;screen=no"
	}
	if id.Private {
		v += ";privacy=full"
	}
	return v
}

// nameAddr writes an identity: RFC 3261 §20.10.
func (c *core) nameAddr(id Identity) string {
	host := id.Host
	if host == "" {
		host = c.domain()
	}
	value := "<" + URI{User: id.Number, Host: host}.String() + ">"
	if id.Display != "" {
		value = `"` + quotable(id.Display) + `" ` + value
	}
	return value
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
	if c.state == stEnded || id.Number == "" || id.Validate() != nil || c.identityHeader() == IdentityNone {
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

// replacesValue writes a Replaces header: LocalTag is the to-tag.
func replacesValue(r DialogID) string {
	return r.CallID + ";to-tag=" + r.LocalTag + ";from-tag=" + r.RemoteTag
}
