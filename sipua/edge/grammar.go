package edge

import "bytes"

// via judges the first value of the topmost Via (RFC 3261 §20.42): where the answer goes must be beyond doubt.
func via(v []byte) Reason {
	for i, want := range [...]string{"sip", "2.0", ""} {
		w, rest := word(v, "/")
		if want != "" && !is(w, want) || !token(w) {
			return ReasonVia
		}
		if v = trimLeft(rest); i < 2 {
			if len(v) == 0 || v[0] != '/' {
				return ReasonVia
			}
			v = trimLeft(v[1:])
		}
	}
	host, rest := word(v, ";,")
	if !hostPort(host) {
		return ReasonVia
	}
	return viaParams(trimLeft(rest))
}

func viaParams(v []byte) Reason {
	for len(v) > 0 && v[0] == ';' {
		v = trimLeft(v[1:])
		if len(v) == 0 { // a last ";" does no harm
			return ReasonNone
		}
		name, rest := word(v, ";,=")
		if !token(name) {
			return ReasonVia
		}
		v = trimLeft(rest)
		if len(v) == 0 || v[0] != '=' {
			continue
		}
		v = trimLeft(v[1:])
		if len(v) > 0 && v[0] == '"' {
			rest, ok := quoted(v)
			if !ok {
				return ReasonVia
			}
			v = trimLeft(rest)
			continue
		}
		value, rest := word(v, ";,")
		// A cookie without more would make all such transactions one (RFC 4475 §3.2.1).
		if len(value) == 0 || is(name, "branch") && is(value, "z9hg4bk") {
			return ReasonVia
		}
		v = trimLeft(rest)
	}
	if len(v) > 0 && v[0] != ',' {
		return ReasonVia
	}
	return ReasonNone
}

// listLength counts the values of a header that may hold several.
func listLength(v []byte) int {
	n := 1
	for len(v) > 0 {
		switch v[0] {
		case '"':
			rest, ok := quoted(v)
			if !ok {
				return n
			}
			v = rest
			continue
		case ',':
			n++
		}
		v = v[1:]
	}
	return n
}

// address judges the name-addr or addr-spec of To and From, or each of those in a Contact (RFC 3261 §20.10, §25.1).
// A display name may be sloppier than the grammar: people's names come in there.
func address(v []byte, list bool) Reason {
	if list && len(v) == 1 && v[0] == '*' {
		return ReasonNone
	}
	for {
		rest, ok := oneAddress(v)
		if !ok {
			return ReasonAddress
		}
		if len(rest) == 0 {
			return ReasonNone
		}
		if !list {
			return ReasonAddress
		}
		v = trimLeft(rest[1:]) // after the comma
	}
}

// oneAddress returns what follows the first address: nothing, or a comma and the next.
func oneAddress(v []byte) (rest []byte, ok bool) {
	for i := 0; i < len(v); i++ {
		switch v[i] {
		case '"':
			after, ok := quoted(v[i:])
			if !ok {
				return nil, false
			}
			i = len(v) - len(after) - 1
		case '<':
			end := bytes.IndexByte(v[i:], '>')
			if end < 0 || !uri(v[i+1:i+end]) {
				return nil, false
			}
			return params(v[i+end+1:])
		}
	}
	spec, rest := word(v, ";,")
	// Without brackets "?" would be ambiguous, so it is not allowed (RFC 3261 §20).
	if !uri(spec) || bytes.IndexByte(spec, '?') >= 0 {
		return nil, false
	}
	return params(rest)
}

// uri judges any absolute URI: a scheme, something after it, no white space.
func uri(b []byte) bool {
	colon := bytes.IndexByte(b, ':')
	if colon <= 0 || colon == len(b)-1 || !token(b[:colon]) {
		return false
	}
	for _, c := range b {
		if c <= ' ' || c == 0x7f || c == '<' || c == '>' || c == '"' {
			return false
		}
	}
	return true
}

// params skips the parameters after an address up to the end or a comma.
func params(v []byte) (rest []byte, ok bool) {
	v = trimLeft(v)
	if len(v) > 0 && v[0] != ';' && v[0] != ',' {
		return nil, false
	}
	for i := 0; i < len(v); i++ {
		switch v[i] {
		case '"':
			after, ok := quoted(v[i:])
			if !ok {
				return nil, false
			}
			i = len(v) - len(after) - 1
		case ',':
			return v[i:], true
		}
	}
	return nil, true
}
