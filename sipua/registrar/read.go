package registrar

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

// Limits on one REGISTER.
const (
	maxURI      = 512 // bytes of a contact
	maxListed   = 8   // contacts or Path headers in one request
	maxText     = 200 // bytes kept of User-Agent and +sip.instance
	fullQ       = 1000
	maxLifetime = 1<<32 - 1 // seconds; larger values count as this (RFC 3261 §20.19)
)

var errContact = errors.New("contact cannot be used")

// read takes what a REGISTER asks for out of the message.
func read(req *sip.Request, user string, f Flow) (registration, error) {
	id, seq := req.CallID(), req.CSeq()
	if id == nil || seq == nil {
		return registration{}, errors.New("call-id or cseq missing")
	}
	r := registration{user: user, callID: id.Value(), cseq: seq.SeqNo, flow: f, expires: -1}
	if h := req.GetHeader("Expires"); h != nil {
		d, err := lifetime(h.Value())
		if err != nil {
			return registration{}, err
		}
		r.expires = d
	}
	if h := req.GetHeader("User-Agent"); h != nil {
		r.userAgent = clean(h.Value())
	}
	for _, h := range req.GetHeaders("Path") {
		hops, err := readPath(h.Value())
		if r.path = append(r.path, hops...); err != nil || len(r.path) > maxListed {
			return registration{}, errors.New("path header cannot be used")
		}
	}
	for _, h := range req.GetHeaders("Contact") {
		c, ok := h.(*sip.ContactHeader)
		if !ok {
			return registration{}, errContact
		}
		if c.Address.Wildcard {
			r.star = true
			continue
		}
		if len(r.contacts) == maxListed {
			return registration{}, errors.New("too many contacts")
		}
		one, err := readContact(c)
		if err != nil {
			return registration{}, err
		}
		// A contact given twice in one request counts once, as given last.
		r.contacts = slices.DeleteFunc(r.contacts, func(c contact) bool { return c.key == one.key })
		r.contacts = append(r.contacts, one)
	}
	return r, nil
}

// readPath takes a Path header apart: it has the grammar of Route (RFC 3327 §4).
func readPath(value string) ([]string, error) {
	list, err := sip.HeadersParser(sip.DefaultHeadersParser()).ParseHeader(nil, []byte("Route: "+value))
	if err != nil {
		return nil, err
	}
	var out []string
	for _, h := range list {
		r, ok := h.(*sip.RouteHeader)
		if !ok || r.Address.Host == "" || len(value) > maxURI {
			return nil, errContact
		}
		out = append(out, "<"+r.Address.String()+">")
	}
	return out, nil
}

func readContact(h *sip.ContactHeader) (contact, error) {
	u := h.Address
	u.Headers = nil // RFC 3261 §19.1.5: never taken into requests
	if u.Scheme != "sip" && u.Scheme != "sips" || u.Host == "" || u.Port < 0 || u.Port > 65535 {
		return contact{}, fmt.Errorf("%w: scheme, host or port", errContact)
	}
	c := contact{uri: u.String(), key: key(u), expires: -1, q: fullQ}
	if len(c.uri) > maxURI || c.uri != clean512(c.uri) || strings.ContainsAny(c.uri, "<>\" ") {
		return contact{}, fmt.Errorf("%w: length or characters", errContact)
	}
	for _, p := range h.Params {
		var err error
		switch strings.ToLower(strings.TrimSpace(p.K)) {
		case "expires":
			c.expires, err = lifetime(p.V)
		case "q":
			c.q, err = parseQ(p.V)
		case "+sip.instance":
			c.instance = strings.ReplaceAll(clean(strings.Trim(p.V, `"`)), `"`, "")
		}
		if err != nil {
			return contact{}, err
		}
	}
	return c, nil
}

// key is equal for URIs that RFC 3261 §19.1.4 calls equal, as far as phones
// differ in them: user, host, port, transport.
func key(u sip.Uri) string {
	transport := ""
	for _, p := range u.UriParams {
		if strings.EqualFold(p.K, "transport") {
			transport = strings.ToLower(p.V)
		}
	}
	return u.Scheme + ":" + unescape(u.User) + "@" + strings.ToLower(u.Host) + ":" + strconv.Itoa(u.Port) + ";" + transport
}

// lifetime reads delta-seconds.
func lifetime(s string) (time.Duration, error) {
	s = strings.TrimSpace(s)
	n, err := strconv.ParseUint(s, 10, 64)
	if errors.Is(err, strconv.ErrRange) {
		n, err = maxLifetime, nil
	}
	if err != nil {
		return 0, errors.New("expires is not a number of seconds")
	}
	return time.Duration(min(n, maxLifetime)) * time.Second, nil
}

// parseQ reads a q value into thousandths (RFC 3261 §25.1 qvalue).
func parseQ(s string) (int, error) {
	whole, frac, _ := strings.Cut(strings.TrimSpace(s), ".")
	if len(frac) > 3 || whole != "0" && whole != "1" && (whole != "" || frac == "") {
		return 0, errors.New("q is not between 0 and 1")
	}
	n, err := strconv.ParseUint(whole+(frac + "000")[:3], 10, 16)
	if err != nil || n > fullQ {
		return 0, errors.New("q is not between 0 and 1")
	}
	return int(n), nil
}

func formatQ(q int) string { return fmt.Sprintf("0.%03d", q) }

// unescape undoes percent escapes of a user part; text that is not escaped
// properly stays as it is.
func unescape(s string) string {
	if u, err := url.PathUnescape(s); err == nil {
		return u
	}
	return s
}

func clean(s string) string {
	s = clean512(s)
	return strings.ToValidUTF8(s[:min(len(s), maxText)], "")
}

func clean512(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s[:min(len(s), maxURI)], ""))
}
