package edge

import "bytes"

// startKind is what a start line announces.
type startKind uint8

const (
	noStart startKind = iota
	request
	response
)

// sniff tells from the first bytes whether this can be a SIP message: it is the cheapest check, made before a source
// is looked up. It needs the whole first line, or all there is of it.
func sniff(data []byte) startKind {
	if hasPrefix(data, "sip/") {
		return response
	}
	line := data
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		line = data[:i]
	}
	method, rest := word(line, "")
	if !token(method) || len(rest) < 2 {
		return noStart
	}
	line = trimRight(line)
	i := bytes.LastIndexByte(line, ' ')
	if i < 0 || !hasPrefix(line[i+1:], "sip/") {
		return noStart
	}
	return request
}

// startLine judges the first line (RFC 3261 §7.1, §7.2).
func (c *check) startLine() Reason {
	if c.start = sniff(c.data); c.start == noStart {
		return ReasonNotSIP
	}
	if c.start == request {
		c.method, _ = word(c.data, "")
	}
	line, fault := c.line()
	if fault != ReasonNone {
		return fault
	}
	for _, b := range line {
		if b < ' ' || b == 0x7f {
			return ReasonControl
		}
	}
	if c.start == response {
		return statusLine(line)
	}
	return c.requestLine(line)
}

func statusLine(line []byte) Reason {
	version, rest := word(line, "")
	if !is(version, "sip/2.0") {
		return ReasonVersion
	}
	if len(rest) < 5 || rest[0] != ' ' || rest[4] != ' ' {
		return ReasonStartLine
	}
	if n, ok := number(rest[1:4], 699); !ok || n < 100 {
		return ReasonStartLine
	}
	return ReasonNone
}

func (c *check) requestLine(line []byte) Reason {
	rest := line[len(c.method):]
	if last := bytes.LastIndexByte(trimRight(rest), ' '); !is(trimRight(rest)[last+1:], "sip/2.0") {
		return ReasonVersion
	}
	rest = rest[1:]
	uri, rest := word(rest, "")
	if len(uri) == 0 || len(rest) != len(" SIP/2.0") { // exactly one space on either side
		return ReasonStartLine
	}
	return requestURI(uri)
}

// requestURI judges the URI a request is for (RFC 3261 §19.1): sip, sips and tel are known here.
func requestURI(uri []byte) Reason {
	for _, b := range uri {
		if b <= ' ' || b >= 0x7f || b == '<' || b == '>' || b == '"' {
			return ReasonURI
		}
	}
	colon := bytes.IndexByte(uri, ':')
	if colon <= 0 {
		return ReasonURI
	}
	scheme, rest := uri[:colon], uri[colon+1:]
	switch {
	case is(scheme, "tel"):
		if len(rest) == 0 {
			return ReasonURI
		}
		return ReasonNone
	case !is(scheme, "sip") && !is(scheme, "sips"):
		if !token(scheme) {
			return ReasonURI
		}
		return ReasonScheme
	}
	if at := bytes.LastIndexByte(rest, '@'); at >= 0 {
		if at == 0 {
			return ReasonURI
		}
		rest = rest[at+1:]
	}
	if bytes.IndexByte(rest, '?') >= 0 { // headers do not belong in a Request-URI (RFC 3261 §19.1.1)
		return ReasonURI
	}
	host := rest
	if i := bytes.IndexByte(rest, ';'); i >= 0 {
		host = rest[:i]
	}
	if !hostPort(host) {
		return ReasonURI
	}
	return ReasonNone
}

// hostPort judges "host", "host:port" and the same with an IPv6 address in brackets.
func hostPort(b []byte) bool {
	port := []byte(nil)
	if len(b) > 0 && b[0] == '[' {
		end := bytes.IndexByte(b, ']')
		if end < 2 {
			return false
		}
		for _, c := range b[1:end] {
			if !(c >= '0' && c <= '9' || c == ':' || c == '.' || lower(c) >= 'a' && lower(c) <= 'f') {
				return false
			}
		}
		rest := b[end+1:]
		if len(rest) == 0 {
			return true
		}
		if rest[0] != ':' {
			return false
		}
		port = rest[1:]
	} else {
		host := b
		if i := bytes.IndexByte(b, ':'); i >= 0 {
			host, port = b[:i], b[i+1:]
			if len(port) == 0 {
				return false
			}
		}
		if len(host) == 0 {
			return false
		}
		for _, c := range host {
			if l := lower(c); !(l >= 'a' && l <= 'z' || c >= '0' && c <= '9' || c == '.' || c == '-' || c == '_') {
				return false
			}
		}
		if port == nil {
			return true
		}
	}
	_, ok := number(port, 65535)
	return ok
}
