package sipua

import "fmt"

// Identity is who a party is: a display name and a number or user name.
type Identity struct {
	Display string
	Number  string // user part of the URI, or digits of a tel: URI
	Host    string // host part as the peer gave it; "" to send means our own
	Private bool   // outgoing: hide it (RFC 3323 id); incoming: the caller wants it hidden
}

// IsZero reports whether nothing is known.
func (i Identity) IsZero() bool { return i.Display == "" && i.Number == "" }

// Validate refuses text that must not go into a header.
func (i Identity) Validate() error {
	if !cleanText(i.Display) || len(i.Display) > maxDisplay {
		return fmt.Errorf("display name %q: not printable text of at most %d bytes", clip(i.Display), maxDisplay)
	}
	if !cleanText(i.Number) || len(i.Number) > maxUser {
		return fmt.Errorf("number %q: not printable text of at most %d bytes", clip(i.Number), maxUser)
	}
	if i.Host != "" && !validHost(i.Host) {
		return fmt.Errorf("host %q: not a host name", clip(i.Host))
	}
	return nil
}

// Diversion is one earlier destination of the call: RFC 5806, or one entry of History-Info (RFC 7044).
type Diversion struct {
	Identity Identity
	Reason   string // "user-busy", "no-answer", "unconditional", …; for History-Info the cause number
	Counter  int    // Diversion only, 0 when not said
	Index    string // History-Info only, "1.1"
}

// Header is one header line, name as written.
type Header struct{ Name, Value string }

// Validate refuses a header that could break or forge a message.
func (h Header) Validate() error {
	if h.Name == "" || len(h.Name) > 64 {
		return fmt.Errorf("header name %q: empty or too long", clip(h.Name))
	}
	for i := range len(h.Name) {
		c := h.Name[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.' {
			continue
		}
		return fmt.Errorf("header name %q: not a token", clip(h.Name))
	}
	if len(h.Value) > maxHeader || !cleanText(h.Value) {
		return fmt.Errorf("header %s: value is not printable text of at most %d bytes", h.Name, maxHeader)
	}
	return nil
}

// DialogID names a dialog by its Call-ID and both tags, as seen from our side: RFC 3261 §12.
type DialogID struct {
	CallID    string
	LocalTag  string
	RemoteTag string
}

// IsZero reports whether the id is empty.
func (d DialogID) IsZero() bool { return d.CallID == "" }

// usable reports whether the id is whole and may stand in a Replaces header.
func (d DialogID) usable() bool { return word(d.CallID) && word(d.LocalTag) && word(d.RemoteTag) }
