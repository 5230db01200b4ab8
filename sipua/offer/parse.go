package offer

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"
)

// Remote is a peer's description, mended and parsed.
type Remote struct {
	Media []Media // one for each m= line, in order
}

// Media is one m= line of a peer's description with what belongs to it.
type Media struct {
	Kind      string   // "audio", "video", "image", … in lower case
	Port      uint16   // 0: refused or removed
	Proto     string   // "RTP/AVP", "udptl", …
	Formats   []string // as on the line
	Addr      netip.Addr
	RTCP      netip.AddrPort // RFC 3605, or Addr and Port+1; zero: unknown
	Codecs    []Codec        // RTP formats with a known name, in order, telephone-event among them
	Direction Direction      // as the peer states it for itself
	PTime     int            // ms; 0: not said
	MaxPTime  int            // ms; 0: not said
}

// Parse reads a peer's description. It forgives what does no harm (see normalise); what it refuses is an
// ErrNotAcceptable. Addr is invalid where there is no literal address.
func Parse(body []byte) (Remote, error) {
	text, names, err := normalise(body)
	if err != nil {
		return Remote{}, err
	}
	var d sdp.SessionDescription
	if err := d.UnmarshalString(text); err != nil {
		return Remote{}, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if len(d.MediaDescriptions) != len(names) {
		return Remote{}, ErrMalformed
	}
	r := Remote{Media: make([]Media, len(names))}
	direction := directionOf(d.Attributes, SendRecv)
	for i, md := range d.MediaDescriptions {
		m := Media{Kind: names[i].kind, Port: names[i].port, Proto: names[i].proto, Formats: names[i].formats}
		m.Direction = directionOf(md.Attributes, direction)
		m.Addr = address(md.ConnectionInformation)
		if md.ConnectionInformation == nil {
			m.Addr = address(d.ConnectionInformation)
		}
		m.RTCP = rtcp(md.Attributes, m.Addr, m.Port)
		m.Codecs = codecs(m.Formats, md.Attributes)
		m.PTime = milliseconds(md.Attributes, "ptime", milliseconds(d.Attributes, "ptime", 0))
		m.MaxPTime = milliseconds(md.Attributes, "maxptime", milliseconds(d.Attributes, "maxptime", 0))
		r.Media[i] = m
	}
	return r, nil
}

func address(c *sdp.ConnectionInformation) netip.Addr {
	if c == nil || c.Address == nil {
		return netip.Addr{}
	}
	a, err := netip.ParseAddr(c.Address.Address)
	if err != nil {
		return netip.Addr{}
	}
	return a.Unmap()
}

// attribute returns the first attribute of that name, matched without regard to case.
func attribute(list []sdp.Attribute, key string) (string, bool) {
	for _, a := range list {
		if strings.EqualFold(a.Key, key) {
			return strings.TrimSpace(a.Value), true
		}
	}
	return "", false
}

func directionOf(list []sdp.Attribute, inherited Direction) Direction {
	for _, a := range list {
		if d, ok := parseDirection(a.Key); ok {
			return d
		}
	}
	return inherited
}

// milliseconds reads ptime and maxptime, which some peers write with a fraction.
func milliseconds(list []sdp.Attribute, key string, otherwise int) int {
	v, ok := attribute(list, key)
	if !ok {
		return otherwise
	}
	v, _, _ = strings.Cut(v, ".")
	n, err := strconv.ParseUint(v, 10, 16)
	if err != nil {
		return otherwise
	}
	return int(n)
}

// rtcp returns where the peer takes RTCP: a=rtcp:port [IN IP4 address] (RFC 3605), else the next port (RFC 3550 §11).
func rtcp(list []sdp.Attribute, addr netip.Addr, port uint16) netip.AddrPort {
	if v, ok := attribute(list, "rtcp"); ok {
		f := strings.Fields(v)
		if len(f) > 0 {
			if n, err := strconv.ParseUint(f[0], 10, 16); err == nil && n > 0 {
				if len(f) >= 4 {
					if a, err := netip.ParseAddr(f[3]); err == nil && a.Zone() == "" && !a.IsMulticast() {
						addr = a.Unmap()
					}
				}
				if addr.IsValid() {
					return netip.AddrPortFrom(addr, uint16(n))
				}
			}
		}
	}
	if port == 0 || port == 65535 || !addr.IsValid() {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(addr, port+1)
}

// codecs names the formats of an m= line by rtpmap, or by their static meaning, and adds the format parameters.
func codecs(formats []string, list []sdp.Attribute) []Codec {
	mapped := map[uint8]Codec{}
	params := map[uint8]string{}
	for _, a := range list {
		switch {
		case strings.EqualFold(a.Key, "rtpmap"):
			if c, ok := parseRTPMap(a.Value); ok {
				if _, twice := mapped[c.PT]; !twice {
					mapped[c.PT] = c
				}
			}
		case strings.EqualFold(a.Key, "fmtp"):
			typ, v, _ := strings.Cut(strings.TrimSpace(a.Value), " ")
			if pt, ok := parseType(typ); ok {
				params[pt] = strings.TrimSpace(v)
			}
		}
	}
	var out []Codec
	var seen [maxType + 1]bool
	for _, f := range formats {
		pt, ok := parseType(f)
		if !ok || seen[pt] {
			continue
		}
		seen[pt] = true
		c, ok := mapped[pt]
		if !ok {
			if c, ok = static[pt]; !ok {
				continue
			}
		}
		c.Fmtp = params[pt]
		out = append(out, c)
	}
	return out
}
