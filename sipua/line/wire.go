package line

import (
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

const maxValues = 8 // header values of one name that are read from an answer

// RegisterFor makes the REGISTER message of a request (RFC 3261 §10.2). The
// contact is our address as the trunk shall reach it; its user part is set
// here. Via and the destination are left to the sender.
func RegisterFor(r Request, contact sip.Uri, userAgent string) *sip.Request {
	user := escapeUser(r.User)
	aor := sip.Uri{Scheme: "sip", User: user, Host: r.Domain}
	msg := sip.NewRequest(sip.REGISTER, sip.Uri{Scheme: "sip", Host: r.Domain})
	msg.SipVersion = "SIP/2.0"
	from := &sip.FromHeader{DisplayName: clean(strings.NewReplacer(`"`, "", `\`, "").Replace(r.Display)), Address: aor, Params: sip.NewParams()}
	from.Params.Add("tag", r.FromTag)
	msg.AppendHeader(from)
	msg.AppendHeader(&sip.ToHeader{Address: aor})
	id := sip.CallIDHeader(r.CallID)
	msg.AppendHeader(&id)
	msg.AppendHeader(&sip.CSeqHeader{SeqNo: r.CSeq, MethodName: sip.REGISTER})
	hops := sip.MaxForwardsHeader(70)
	msg.AppendHeader(&hops)
	seconds := strconv.Itoa(int(r.Expires / time.Second))
	c := &sip.ContactHeader{Address: *contact.Clone(), Params: sip.NewParams()}
	c.Address.User = user
	c.Params.Add("expires", seconds)
	msg.AppendHeader(c)
	msg.AppendHeader(sip.NewHeader("Expires", seconds))
	for _, h := range r.Authorization {
		msg.AppendHeader(sip.NewHeader(h.Name, h.Value))
	}
	msg.AppendHeader(sip.NewHeader("Supported", "path"))
	if userAgent != "" {
		msg.AppendHeader(sip.NewHeader("User-Agent", userAgent))
	}
	msg.SetBody(nil)
	return msg
}

// ParseResponse reads the final answer to a message of RegisterFor. Peer is
// the trunk that the answer's source belongs to.
func ParseResponse(req *sip.Request, res *sip.Response, peer string) Response {
	out := Response{
		Status: res.StatusCode, Reason: res.Reason, Peer: peer,
		MinExpires: secondsOf(firstValue(res, "Min-Expires")),
		RetryAfter: secondsOf(firstValue(res, "Retry-After")),

		WWWAuthenticate:   values(res, "WWW-Authenticate"),
		ProxyAuthenticate: values(res, "Proxy-Authenticate"),
	}
	if res.StatusCode >= 200 && res.StatusCode < 300 {
		out.Expires = granted(req, res)
		out.ServiceRoute = split(values(res, "Service-Route"))
		out.Path = split(values(res, "Path"))
	}
	return out
}

// granted is the life of our contact in a 2xx (RFC 3261 §10.2.4). Peers that
// list no contact at all, or exactly one that they rewrote, are believed; 0
// when ours is not among several.
func granted(req *sip.Request, res *sip.Response) time.Duration {
	ours := req.Contact()
	rest := requested(req)
	if v := firstValue(res, "Expires"); v != "" {
		rest = secondsOf(v)
	}
	list := res.GetHeaders("Contact")
	for _, h := range list {
		c, ok := h.(*sip.ContactHeader)
		if !ok || ours == nil || len(list) > 1 && !sameContact(c.Address, ours.Address) {
			continue
		}
		if v, ok := c.Params.Get("expires"); ok {
			return secondsOf(v)
		}
		return rest
	}
	if len(list) > 0 {
		return 0
	}
	return rest
}

func requested(req *sip.Request) time.Duration { return secondsOf(firstValue(req, "Expires")) }

func sameContact(a, b sip.Uri) bool {
	return a.User == b.User && strings.EqualFold(strings.Trim(a.Host, "[]"), strings.Trim(b.Host, "[]")) && port(a) == port(b)
}

func port(u sip.Uri) int {
	if u.Port == 0 {
		return 5060
	}
	return u.Port
}

type message interface {
	GetHeaders(name string) []sip.Header
}

func values(m message, name string) []string {
	var out []string
	for _, h := range m.GetHeaders(name) {
		if len(out) == maxValues {
			break
		}
		out = append(out, h.Value())
	}
	return out
}

func firstValue(m message, name string) string {
	for _, h := range m.GetHeaders(name) {
		return h.Value()
	}
	return ""
}

// secondsOf reads delta-seconds, which a comment or parameters may follow
// (RFC 3261 §20.33); 0 when there are none.
func secondsOf(s string) time.Duration {
	s = strings.TrimSpace(s)
	end := 0
	for end < len(s) && s[end] >= '0' && s[end] <= '9' {
		end++
	}
	n, err := strconv.ParseUint(s[:end], 10, 32)
	if err != nil {
		if end > 0 { // too large for 32 bits
			return maxExpires
		}
		return 0
	}
	return time.Duration(n) * time.Second
}

// split takes comma separated lists apart; commas in <> and quotes stay.
func split(in []string) []string {
	var out []string
	for _, v := range in {
		start, angle, quoted := 0, false, false
		for i := 0; i <= len(v); i++ {
			if i < len(v) {
				switch c := v[i]; {
				case c == '"':
					quoted = !quoted
				case quoted:
				case c == '<':
					angle = true
				case c == '>':
					angle = false
				}
			}
			if i == len(v) || v[i] == ',' && !angle && !quoted {
				if part := strings.TrimSpace(v[start:i]); part != "" && len(out) < maxValues {
					out = append(out, part)
				}
				start = i + 1
			}
		}
	}
	return out
}

// escapeUser escapes a user part as RFC 3261 §25.1 asks.
func escapeUser(s string) string {
	const free = "-_.!~*'()&=+$,;?/"
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte(free, c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteString("%" + strings.ToUpper(strconv.FormatUint(uint64(c)|0x100, 16)[1:]))
	}
	return b.String()
}
