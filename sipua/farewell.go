package sipua

import (
	"net/netip"
	"reflect"
	"strings"

	"github.com/emiago/sipgo/sip"

	"cordboard/sipua/resolve"
)

// FarewellKind is the way in which a dialog is to be ended.
type FarewellKind string

// Kinds of farewell: RFC 3261 §9.1, §13.3.1.3 and §15.
const (
	FarewellBye    FarewellKind = "bye"    // BYE; with Invite: the 200 has not been acknowledged
	FarewellCancel FarewellKind = "cancel" // CANCEL of our INVITE
	FarewellRefuse FarewellKind = "refuse" // a final answer to the peer's INVITE
)

// Farewell is all that it takes to end a dialog at the peer after the process that had it is gone. It is a JSON value
// without secrets; Stack.EndOrphan takes it. The zero Farewell says that there is nothing to end.
type Farewell struct {
	Kind      FarewellKind `json:"kind,omitempty"`
	Trunk     string       `json:"trunk,omitempty"`
	Line      string       `json:"line,omitempty"`  // account at the trunk, for its credentials
	Phone     string       `json:"phone,omitempty"` // the peer is this phone
	CallID    string       `json:"call_id,omitempty"`
	LocalTag  string       `json:"local_tag,omitempty"`
	RemoteTag string       `json:"remote_tag,omitempty"` // empty: the peer has given none
	CSeq      uint32       `json:"cseq,omitempty"`       // of our newest request when this was made
	Local     string       `json:"local,omitempty"`      // URI of our side
	Remote    string       `json:"remote,omitempty"`     // URI of the peer's side
	Target    string       `json:"target,omitempty"`     // the peer's Contact
	Routes    []string     `json:"routes,omitempty"`     // the route set, one <URI> each, in order
	Flow      Hop          `json:"flow,omitzero"`        // the peer is reached there whatever Target says; zero: by Target
	Invite    string       `json:"invite,omitempty"`     // start line and headers of the INVITE, as far as they name its transaction
	Peer      Hop          `json:"peer,omitzero"`        // where the INVITE went, or came from
}

// Hop is an address with how it is spoken to.
type Hop struct {
	Network string         `json:"network"` // udp, tcp or tls
	Addr    netip.AddrPort `json:"addr"`
	Name    string         `json:"name,omitempty"` // for which the certificate must be
}

// IsZero reports whether there is nothing to end.
func (f Farewell) IsZero() bool { return f.Kind == "" }

// setFarewell sets who is told of the dialog's farewell.
func (c *core) setFarewell(f func(Farewell)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.onFarewell = f
}

// tellFarewell tells it when it has changed.
func (c *core) tellFarewell() {
	c.parting = false
	c.mu.Lock()
	tell := c.onFarewell
	c.mu.Unlock()
	if tell == nil {
		return
	}
	if f := c.farewell(); !reflect.DeepEqual(f, c.told) {
		c.told = f
		tell(f)
	}
}

// forgetFarewell tells that there is nothing left to end.
func (c *core) forgetFarewell() {
	c.mu.Lock()
	tell := c.onFarewell
	c.mu.Unlock()
	if tell != nil && !c.told.IsZero() {
		c.told = Farewell{}
		tell(Farewell{})
	}
}

// farewell is what would end the dialog now.
func (c *core) farewell() Farewell {
	switch c.state {
	case stCalling, stCancelQueued, stProceeding, stCancelling:
		if c.invite.head == "" { // not sent yet
			return c.told
		}
		f := c.parts(FarewellCancel)
		f.Invite, f.Peer = c.invite.head, c.invite.hop
		return f
	case stIncoming, stRinging, stAnswerWaits:
		return c.refusal(FarewellRefuse)
	case stAnswered, stHangupOnAck:
		return c.refusal(FarewellBye)
	case stEstablished:
		return c.parts(FarewellBye)
	}
	if c.told.Kind == FarewellCancel && c.invite.ack != nil { // the answer crossed our CANCEL: the BYE is under way
		return c.parts(FarewellBye)
	}
	return c.told
}

// parts are those of the dialog.
func (c *core) parts(kind FarewellKind) Farewell {
	f := Farewell{
		Kind: kind, Trunk: c.trunkName(), Phone: c.phone, CallID: c.callID, LocalTag: c.localTag, RemoteTag: c.id().RemoteTag,
		CSeq: c.wantCSeq, Local: c.peer.local.String(), Remote: c.peer.remote.String(), Target: c.peer.target.String(),
	}
	if c.account != nil {
		f.Line = c.account.User
	}
	for i := range c.peer.routes {
		f.Routes = append(f.Routes, "<"+c.peer.routes[i].String()+">")
	}
	f.Flow = Hop{c.peer.flow.Transport, c.peer.flow.Addr, c.peer.flow.Name}
	return f
}

// refusal is of an incoming dialog that is not acknowledged.
func (c *core) refusal(kind FarewellKind) Farewell {
	f := c.parts(kind)
	req := c.server.st.req
	f.Invite, f.Peer = inviteHead(req), Hop{Network: lower(req.Transport()), Addr: resolveSource(req)}
	return f
}

// noteInvite keeps what names our INVITE: at its start, and once it has been answered, for by then it is known whether it
// went by UDP or was too large for it. In between it belongs to its transaction.
func (c *core) noteInvite(p *pendingTx) {
	c.invite.head = inviteHead(p.req)
	c.invite.hop = Hop{lower(p.req.Transport()), p.target.Addr, p.target.Name}
	c.parting = true
}

// transactionHeaders name the transaction of an INVITE to those on its way: RFC 3261 §8.2.6.2, §9.1.
var transactionHeaders = []string{"Via", "Route", "From", "To", "Call-ID", "CSeq"}

// inviteHead is an INVITE with no more than those.
func inviteHead(req *sip.Request) string {
	var b strings.Builder
	b.WriteString("INVITE " + req.Recipient.String() + " SIP/2.0\r\n")
	for _, name := range transactionHeaders {
		for _, h := range req.GetHeaders(name) {
			b.WriteString(name + ": " + h.Value() + "\r\n")
		}
	}
	b.WriteString("Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n")
	return b.String()
}

// invitation is the INVITE of a farewell.
func (f Farewell) invitation() (*sip.Request, error) {
	msg, err := newParser().ParseSIP([]byte(f.Invite))
	if err != nil {
		return nil, err
	}
	req, ok := msg.(*sip.Request)
	if !ok || !req.IsInvite() || !wellFormed(req) || !f.Peer.Addr.IsValid() {
		return nil, errMalformed
	}
	req.SetTransport(strings.ToUpper(f.Peer.Network))
	return req, nil
}

func (h Hop) target() resolve.Target {
	return resolve.Target{Transport: h.Network, Addr: h.Addr, Name: h.Name}
}
