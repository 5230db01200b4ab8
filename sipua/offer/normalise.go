package offer

import (
	"bytes"
	"net/netip"
	"strconv"
	"strings"
)

// mediaName is an m= line as on the wire.
type mediaName struct {
	kind    string
	port    uint16
	proto   string
	formats []string
}

// section is the session or one medium of a description, as far as it concerns us.
type section struct {
	connection string // value of c=; empty: none
	attributes []string
}

// normalise brings a peer's description into the one shape that pion/sdp accepts: all line ends, orders of
// lines, unknown and missing lines, media and protocols that it does not know. It returns that text, and the m= lines as
// they were, one for each in the text.
func normalise(body []byte) (text string, media []mediaName, err error) {
	if len(body) > MaxBody {
		return "", nil, ErrTooLarge
	}
	sections := []section{{}}
	lines, version := 0, false
	for len(body) > 0 {
		var line []byte
		line, body = cutLine(body)
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		if lines++; lines > MaxLines {
			return "", nil, ErrTooManyLines
		}
		kind, value, ok := cutType(line)
		if !ok {
			continue // not a line of a description: ignored, as unknown lines are
		}
		current := &sections[len(sections)-1]
		switch kind {
		case 'v':
			if value != "0" {
				return "", nil, ErrMalformed
			}
			version = true
		case 'c':
			if current.connection == "" {
				current.connection = connection(value)
			}
		case 'a':
			if value != "" && value[0] != ':' {
				current.attributes = append(current.attributes, value)
			}
		case 'm':
			m, err := parseMediaName(value)
			if err != nil {
				return "", nil, err
			}
			if media = append(media, m); len(media) > MaxMedia {
				return "", nil, ErrTooManyMedia
			}
			sections = append(sections, section{})
		}
	}
	if len(media) == 0 && !version {
		return "", nil, ErrMalformed
	}
	return render(sections, media), media, nil
}

// cutLine cuts at CRLF, LF or CR, or takes the rest.
func cutLine(body []byte) (line, rest []byte) {
	i := bytes.IndexAny(body, "\r\n")
	if i < 0 {
		return body, nil
	}
	return body[:i], body[i+1:]
}

// cutType splits "m=audio …" and the sloppy "m =audio …".
func cutType(line []byte) (kind byte, value string, ok bool) {
	rest := bytes.TrimLeft(line[1:], " \t")
	if len(rest) == 0 || rest[0] != '=' || bytes.IndexByte(line, 0) >= 0 {
		return 0, "", false
	}
	return line[0], string(bytes.TrimSpace(rest[1:])), true
}

// badConnection stands for a c= line that cannot be understood: it must not fall back to another address.
const badConnection = "IN IP4 invalid"

// connection returns a c= value that pion/sdp takes, without TTL and number of addresses.
func connection(value string) string {
	f := strings.Fields(value)
	if len(f) < 3 || !strings.EqualFold(f[0], "IN") {
		return badConnection
	}
	host, _, _ := strings.Cut(f[2], "/")
	addr, err := netip.ParseAddr(host)
	if err != nil || addr.Zone() != "" {
		return badConnection
	}
	return "IN " + family(addr) + " " + addr.String()
}

func family(a netip.Addr) string {
	if a.Is4() || !a.IsValid() {
		return "IP4"
	}
	return "IP6"
}

// parseMediaName reads the value of an m= line. It must be understood in full: the answer has to mirror it.
func parseMediaName(value string) (mediaName, error) {
	f := strings.Fields(value)
	if len(f) < 3 {
		return mediaName{}, ErrMalformed
	}
	for _, word := range f {
		if !printable(word) {
			return mediaName{}, ErrMalformed
		}
	}
	port, _, _ := strings.Cut(f[1], "/")
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return mediaName{}, ErrMalformed
	}
	if len(f)-3 > MaxTypes {
		return mediaName{}, ErrTooManyTypes
	}
	return mediaName{kind: strings.ToLower(f[0]), port: uint16(n), proto: f[2], formats: f[3:]}, nil
}

func printable(word string) bool {
	for i := range len(word) {
		if word[i] <= ' ' || word[i] >= 0x7f {
			return false
		}
	}
	return word != ""
}

// render writes the canonical text. Kind, protocol and formats are stand-ins, port and order are true: the words that
// count are in the mediaNames.
func render(sections []section, media []mediaName) string {
	var b strings.Builder
	b.WriteString("v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\n")
	for i, s := range sections {
		if i > 0 {
			m := media[i-1]
			b.WriteString("m=audio " + strconv.Itoa(int(m.port)) + " RTP/AVP 0\r\n")
		}
		if s.connection != "" {
			b.WriteString("c=" + s.connection + "\r\n")
		}
		if i == 0 {
			b.WriteString("t=0 0\r\n")
		}
		for _, a := range s.attributes {
			b.WriteString("a=" + a + "\r\n")
		}
	}
	return b.String()
}
