package edge

// isToken tells the characters of a token (RFC 3261 §25.1).
var isToken = func() (t [256]bool) {
	for c := '0'; c <= '9'; c++ {
		t[c] = true
	}
	for c := 'a'; c <= 'z'; c++ {
		t[c], t[c-'a'+'A'] = true, true
	}
	for _, c := range "-.!%*_+`'~" {
		t[c] = true
	}
	return t
}()

func token(b []byte) bool {
	for _, c := range b {
		if !isToken[c] {
			return false
		}
	}
	return len(b) > 0
}

// isSpace tells linear white space, folded lines included (RFC 3261 §7.3.1).
func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

func trim(b []byte) []byte { return trimRight(trimLeft(b)) }

func trimLeft(b []byte) []byte {
	for len(b) > 0 && isSpace(b[0]) {
		b = b[1:]
	}
	return b
}

func trimRight(b []byte) []byte {
	for len(b) > 0 && isSpace(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

// is compares without regard to case; s must be lower case.
func is(b []byte, s string) bool { return len(b) == len(s) && hasPrefix(b, s) }

func hasPrefix(b []byte, s string) bool {
	if len(b) < len(s) {
		return false
	}
	for i := range len(s) {
		if lower(b[i]) != s[i] {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + ('a' - 'A')
	}
	return c
}

// number reads a decimal number up to limit. Leading zeros are allowed, as in "Max-Forwards: 0068".
func number(b []byte, limit uint64) (n uint64, ok bool) {
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		if n = n*10 + uint64(c-'0'); n > limit {
			return 0, false
		}
	}
	return n, len(b) > 0
}

// word cuts at the first white space or byte of stops.
func word(b []byte, stops string) (w, rest []byte) {
	for i, c := range b {
		if isSpace(c) {
			return b[:i], b[i:]
		}
		for j := range len(stops) {
			if c == stops[j] {
				return b[:i], b[i:]
			}
		}
	}
	return b, nil
}

// quoted skips a quoted string at the start of b (RFC 3261 §25.1); ok is false if it does not end.
func quoted(b []byte) (rest []byte, ok bool) {
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return b[i+1:], true
		}
	}
	return nil, false
}
