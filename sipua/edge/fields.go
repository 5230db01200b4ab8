package edge

import "bytes"

// fields walks over the header lines of a message, without copying them.
type fields struct {
	data []byte // the whole message
	pos  int    // start of the next line
}

// maxFields bounds the header lines of one message.
const maxFields = 256

// next returns the next header with its name as on the wire and its value with folds left in. At the empty line it
// returns done, and pos is the start of the body.
func (f *fields) next() (name, value []byte, done bool, fault Reason) {
	line, fault := f.line()
	if fault != ReasonNone {
		return nil, nil, false, fault
	}
	if len(line) == 0 {
		return nil, nil, true, ReasonNone
	}
	start := f.pos - len(line) - 2
	for f.pos < len(f.data) && (f.data[f.pos] == ' ' || f.data[f.pos] == '\t') {
		if _, fault := f.line(); fault != ReasonNone {
			return nil, nil, false, fault
		}
	}
	whole := f.data[start : f.pos-2]
	colon := bytes.IndexByte(line, ':')
	if colon < 0 {
		return nil, nil, false, ReasonHeaderName
	}
	name = trimRight(line[:colon])
	if !token(name) {
		return nil, nil, false, ReasonHeaderName
	}
	return name, whole[colon+1:], false, ReasonNone
}

// line returns the next line without its CRLF.
func (f *fields) line() ([]byte, Reason) {
	rest := f.data[f.pos:]
	i := bytes.IndexByte(rest, '\n')
	if i < 0 {
		return nil, ReasonUnterminated
	}
	if i == 0 || rest[i-1] != '\r' || bytes.IndexByte(rest[:i-1], '\r') >= 0 {
		return nil, ReasonLineEnd
	}
	f.pos += i + 1
	return rest[:i-1], ReasonNone
}

// field identifies the headers that Validate looks at.
type field uint8

const (
	fieldOther field = iota
	fieldTo
	fieldFrom
	fieldCallID
	fieldCSeq
	fieldVia
	fieldMaxForwards
	fieldContentLength
	fieldExpires
	fieldContact
	fieldOnce // the first of those that only must not come twice; each has its own number from here on
)

// once lists the other headers that may come once, by name and compact form (0: none).
var once = [...]struct {
	name    string
	compact byte
}{
	{"content-type", 'c'}, {"refer-to", 'r'}, {"referred-by", 'b'}, {"replaces", 0}, {"session-expires", 'x'},
	{"min-se", 0}, {"event", 'o'}, {"subscription-state", 0}, {"rseq", 0}, {"rack", 0}, {"date", 0}, {"subject", 's'},
}

// fieldOf identifies a header by its name or compact form (RFC 3261 §7.3.3).
func fieldOf(name []byte) field {
	if len(name) == 1 {
		switch lower(name[0]) {
		case 't':
			return fieldTo
		case 'f':
			return fieldFrom
		case 'i':
			return fieldCallID
		case 'v':
			return fieldVia
		case 'l':
			return fieldContentLength
		case 'm':
			return fieldContact
		}
	}
	switch {
	case is(name, "to"):
		return fieldTo
	case is(name, "via"):
		return fieldVia
	case is(name, "from"):
		return fieldFrom
	case is(name, "cseq"):
		return fieldCSeq
	case is(name, "call-id"):
		return fieldCallID
	case is(name, "contact"):
		return fieldContact
	case is(name, "expires"):
		return fieldExpires
	case is(name, "max-forwards"):
		return fieldMaxForwards
	case is(name, "content-length"):
		return fieldContentLength
	}
	for i := range once {
		if is(name, once[i].name) || len(name) == 1 && lower(name[0]) == once[i].compact {
			return fieldOnce + field(i)
		}
	}
	return fieldOther
}
