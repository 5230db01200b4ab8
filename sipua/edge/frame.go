package edge

import "bytes"

// frame finds the end of the message at the start of a stream's bytes.
type frame struct {
	scanned int // bytes known to hold no end of headers
	size    int // of the whole message; 0: not known yet
}

// step looks at the bytes there are so far and returns the size of the message once its headers are complete; 0 means
// more bytes are needed. A fault leaves no way to find the next message.
func (f *frame) step(data []byte, cfg *Config) (size int, fault Reason) {
	if f.size > 0 {
		return f.size, ReasonNone
	}
	if f.scanned <= maxMethod && !plausible(data) {
		return 0, ReasonNotSIP
	}
	from := max(0, f.scanned-3)
	i := bytes.Index(data[from:], []byte("\r\n\r\n"))
	if i < 0 {
		f.scanned = len(data)
		if len(data) > cfg.MaxHeader {
			return 0, ReasonTooLarge
		}
		return 0, ReasonNone
	}
	header := from + i + 4
	if header > cfg.MaxHeader {
		return 0, ReasonTooLarge
	}
	if sniff(data[:header]) == noStart {
		return 0, ReasonNotSIP
	}
	body, fault := declaredLength(data[:header])
	if fault != ReasonNone {
		return 0, fault
	}
	if body > cfg.MaxMessage-header {
		return 0, ReasonTooLarge
	}
	f.size = header + body
	return f.size, ReasonNone
}

// plausible tells from the first bytes that this may become a start line, so that a peer that speaks TLS or HTTP here is
// not listened to for long.
func plausible(data []byte) bool {
	for i, c := range data {
		switch {
		case isToken[c]:
		case c == ' ' && i > 0, c == '/' && i == 3 && hasPrefix(data, "sip"):
			return true
		default:
			return false
		}
		if i == maxMethod {
			return false
		}
	}
	return true
}

// maxMethod bounds the method of a request on a stream.
const maxMethod = 128

// declaredLength returns the one Content-Length of complete headers.
func declaredLength(headers []byte) (n int, fault Reason) {
	f := fields{data: headers}
	if _, fault := f.line(); fault != ReasonNone {
		return 0, fault
	}
	n = -1
	for {
		name, value, done, fault := f.next()
		switch {
		case fault != ReasonNone:
			return 0, fault
		case done && n < 0:
			return 0, ReasonNoLength
		case done:
			return n, ReasonNone
		}
		if fieldOf(name) != fieldContentLength {
			continue
		}
		v, ok := number(trim(value), 1<<31-1)
		switch {
		case n >= 0:
			return 0, ReasonBadLength
		case !ok && overlong(trim(value)) == ReasonLength:
			return 0, ReasonTooLarge
		case !ok:
			return 0, ReasonBadLength
		}
		n = int(v)
	}
}
