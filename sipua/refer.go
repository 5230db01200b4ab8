package sipua

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// referState is the REFER under way, ours and the peer's: at most one of each.
type referState struct {
	wanted *cmdRefer // ours waits for the ACK: no request of ours before it (RFC 3261 §13.3.1.4)
	ours   bool      // ours is accepted, NOTIFYs are awaited
	in     *serverTx // the peer's, not answered yet
	id     string    // Event id of the peer's: the CSeq of its REFER (RFC 3515 §2.4.6)
	active bool      // the peer's is accepted and not final yet
	nosub  bool      // Refer-Sub: false (RFC 4488)

	telling int  // NOTIFYs of ours without an answer yet
	bye     bool // our BYE waits for them
}

// cmdReferAnswer is what the handler decided about the peer's REFER.
type cmdReferAnswer struct {
	id     string
	accept bool
	status int // Reject: of the REFER; else of the new call, 0: none yet
}

// doRefer sends REFER: RFC 3515, with Replaces RFC 3891 §4.
func (c *core) doRefer(target URI, replaces *DialogID) {
	if target.Host == "" {
		target.Host = c.peer.remote.Host
	}
	if c.state == stAnswered && !c.refer.ours && c.refer.wanted == nil {
		c.refer.wanted = &cmdRefer{target: target, replaces: replaces}
		return
	}
	if c.state != stEstablished || c.refer.ours || target.Validate() != nil || replaces != nil && !replaces.usable() {
		c.emit(ReferProgress{Status: 491, Final: true})
		return
	}
	req := c.newRequest(sip.REFER)
	to := target.String()
	if replaces != nil { // tags as the replaced dialog's other end sees them
		to += "?Replaces=" + url.QueryEscape(replaces.CallID+";to-tag="+replaces.RemoteTag+";from-tag="+replaces.LocalTag)
	}
	addHeader(req, "Refer-To", "<"+to+">")
	addHeader(req, "Referred-By", "<"+c.peer.local.String()+">")
	addHeader(req, "Supported", supportedExt)
	c.refer.ours = true
	c.send(withBody(req, nil), c.referred)
}

func (c *core) referred(res *sip.Response, err error) {
	switch {
	case err != nil:
		c.refer.ours = false
		c.emit(ReferProgress{Status: 408, Final: true})
		c.gone(nil, err)
	case res.StatusCode >= 300:
		c.refer.ours = false
		c.emit(ReferProgress{Status: res.StatusCode, Final: true})
		c.gone(res, nil)
	default:
		c.emit(ReferProgress{Status: res.StatusCode})
	}
}

// onNotify takes the progress of our REFER: message/sipfrag (RFC 3420).
func (c *core) onNotify(st *serverTx) {
	event, _ := splitParams(firstValue(st.req, "Event"))
	if event == "" {
		event, _ = splitParams(firstValue(st.req, "o"))
	}
	if !strings.EqualFold(event, "refer") {
		c.respond(st, c.answerWith(st, 489, ""))
		return
	}
	if !c.refer.ours {
		c.respond(st, c.answerWith(st, 481, ""))
		return
	}
	status, ok := parseSipfrag(st.req.Body())
	state, _ := splitParams(firstValue(st.req, "Subscription-State"))
	over := strings.EqualFold(state, "terminated")
	if !ok && !over {
		c.respond(st, c.answerWith(st, 400, ""))
		return
	}
	c.respond(st, c.answerWith(st, 200, ""))
	if !ok {
		status = 503 // ended without saying how
	}
	final := over || status >= 200
	if final {
		c.refer.ours = false
	}
	c.emit(ReferProgress{Status: status, Final: final})
}

func parseSipfrag(body []byte) (status int, ok bool) {
	line, _, _ := strings.Cut(string(body[:min(len(body), 256)]), "\n")
	f := strings.Fields(line)
	if len(f) < 2 || !strings.EqualFold(f[0], "SIP/2.0") {
		return 0, false
	}
	n, err := strconv.Atoi(f[1])
	return n, err == nil && n >= 100 && n <= 699
}

// onRefer takes a REFER of the peer: in the dialog only, and only where the trunk allows it.
func (c *core) onRefer(st *serverTx) {
	allowed := c.trunk != nil && c.trunk.ReferAllowed || c.phone != ""
	vals := st.req.GetHeaders("Refer-To")
	if len(vals) != 1 {
		c.respond(st, c.answerWith(st, 400, ""))
		return
	}
	target, replaces, ok := parseReferTo(vals[0].Value())
	switch {
	case !ok:
		c.respond(st, c.answerWith(st, 400, ""))
	case !allowed || c.state != stEstablished:
		c.respond(st, c.answerWith(st, 603, ""))
	case c.refer.in != nil || c.refer.active:
		c.respond(st, c.answerWith(st, 491, ""))
	default:
		id := strconv.FormatUint(uint64(st.req.CSeq().SeqNo), 10)
		c.refer.in, c.refer.id = st, id
		c.refer.nosub = strings.EqualFold(firstValue(st.req, "Refer-Sub"), "false")
		say := func(a cmdReferAnswer) { a.id = id; c.post(a) }
		c.emit(ReferRequested{
			Target: target, Replaces: replaces,
			Accept: func() { say(cmdReferAnswer{accept: true}) },
			Reject: func(status int) { say(cmdReferAnswer{status: status}) },
			Notify: func(status int) { say(cmdReferAnswer{accept: true, status: status}) },
		})
	}
}

// parseReferTo rebuilds the target from parsed parts; of its headers only Replaces is kept.
func parseReferTo(v string) (target URI, replaces *DialogID, ok bool) {
	if len(v) > 1024 || !cleanText(v) {
		return URI{}, nil, false
	}
	if i := strings.IndexByte(v, '<'); i >= 0 {
		j := strings.IndexByte(v[i:], '>')
		if j < 0 {
			return URI{}, nil, false
		}
		v = v[i+1 : i+j]
	}
	target, err := ParseURI(v)
	if err != nil || target.User == "" {
		return URI{}, nil, false
	}
	_, headers, _ := strings.Cut(v, "?")
	for h := range strings.SplitSeq(headers, "&") {
		k, val, _ := strings.Cut(h, "=")
		if !strings.EqualFold(k, "Replaces") {
			continue
		}
		text, err := url.PathUnescape(val)
		if err != nil {
			return URI{}, nil, false
		}
		id, _, good := parseReplaces(text)
		if !good {
			return URI{}, nil, false
		}
		replaces = &id
	}
	return target, replaces, true
}

// answerRefer does what the handler decided.
func (c *core) answerRefer(a cmdReferAnswer) {
	if a.id != c.refer.id {
		return
	}
	if st := c.refer.in; st != nil {
		c.refer.in = nil
		if !a.accept {
			status := a.status
			if status < 300 || status > 699 {
				status = 603
			}
			c.respond(st, c.answerWith(st, status, ""))
			return
		}
		c.refer.active = !c.refer.nosub
		c.respond(st, c.answerWith(st, 202, ""))
		if a.status == 0 {
			a.status = 100
		}
	}
	if !c.refer.active || a.status == 0 || !a.accept {
		return
	}
	c.notify(a.status)
	if a.status >= 200 {
		c.refer.active = false
	}
}

// notify tells how the referred call fares: RFC 3515 §2.4.5.
func (c *core) notify(status int) {
	if c.state != stEstablished {
		return
	}
	req := c.newRequest(sip.NOTIFY)
	addHeader(req, "Event", "refer;id="+c.refer.id)
	state := "active;expires=60"
	if status >= 200 {
		state = "terminated;reason=noresource"
	}
	addHeader(req, "Subscription-State", state)
	ct := sip.ContentTypeHeader("message/sipfrag;version=2.0")
	req.AppendHeader(&ct)
	req.SetBody([]byte("SIP/2.0 " + strconv.Itoa(status) + " " + statusText(status) + "\r\n"))
	c.refer.telling++
	c.send(req, func(res *sip.Response, err error) {
		if err == nil && res.StatusCode == 481 {
			c.refer.active = false
		}
		if c.refer.telling--; c.refer.telling == 0 && c.refer.bye {
			c.byeNow()
		}
	})
}
