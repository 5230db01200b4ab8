package digest

import "log/slog"

// maxStale bounds how often stale=true is believed within one request.
const maxStale = 2

// Header is one Authorization or Proxy-Authorization header to send.
type Header struct{ Name, Value string }

// String shows the name only.
func (h Header) String() string { return h.Name + ": " + redacted }

// LogValue implements slog.LogValuer.
func (h Header) LogValue() slog.Value { return slog.StringValue(h.String()) }

// Exchange is one request and its retries. Not safe for concurrent use.
type Exchange struct {
	client      *Client
	method, uri string
	www, proxy  side
}

// side is what was done for one of 401 and 407.
type side struct {
	nonce    string // nonce of the credentials in the last sent request
	answered bool   // a challenge was answered within this exchange
	stale    int
}

// Headers gives the headers for the next sending of the request: from the
// nonce cache before any challenge (RFC 7616 §3.6), empty if there is none.
func (x *Exchange) Headers() []Header {
	var out []Header
	for _, status := range [2]int{401, 407} {
		h, nonce, ok, err := x.client.header(status, x.method, x.uri)
		if err != nil || !ok {
			continue
		}
		sd := x.side(status)
		sd.nonce = nonce
		out = append(out, h)
	}
	return out
}

// Challenge takes a 401 or 407 response of peer and gives the headers for the
// retry. www and proxy are the values of WWW-Authenticate and
// Proxy-Authenticate. Errors: *PeerError, *RealmError, ErrUnsupported,
// ErrMalformed, ErrRejected; after any of them the request must not be retried.
func (x *Exchange) Challenge(peer string, status int, www, proxy []string) ([]Header, error) {
	c := x.client
	if peer != c.cred.Peer {
		return nil, &PeerError{Got: peer, Want: c.cred.Peer}
	}
	values := www
	switch status {
	case 401:
	case 407:
		values = proxy
	default:
		return nil, ErrUnsupported
	}
	ch, err := Choose(values, c.pinned())
	if err != nil {
		return nil, err
	}
	sd := x.side(status)
	switch {
	case ch.Stale && sd.stale < maxStale && (sd.nonce == "" || ch.Nonce != sd.nonce):
		sd.stale++
	case sd.answered, sd.nonce != "" && ch.Nonce == sd.nonce:
		c.forget(status, sd.nonce)
		return nil, ErrRejected
	}
	sd.answered = true
	c.mu.Lock()
	c.storeLocked(status, ch)
	c.mu.Unlock()
	return x.Headers(), nil
}

func (x *Exchange) side(status int) *side {
	if status == 407 {
		return &x.proxy
	}
	return &x.www
}
