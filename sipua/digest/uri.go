package digest

import "strings"

// sameURI compares the uri of credentials with the Request-URI: same user and
// same host. Port, parameters and scheme are left out because phones and
// proxies differ in them (RFC 3261 §22.4 point 1 lets the server judge); the
// digest itself is computed over the uri as sent.
func sameURI(a, b string) bool {
	userA, hostA := splitURI(a)
	userB, hostB := splitURI(b)
	return userA == userB && strings.EqualFold(hostA, hostB)
}

func splitURI(s string) (user, host string) {
	if i := strings.IndexByte(s, ':'); i >= 0 && (strings.EqualFold(s[:i], "sip") || strings.EqualFold(s[:i], "sips")) {
		s = s[i+1:]
	}
	if i := strings.IndexByte(s, '@'); i >= 0 {
		user, s = s[:i], s[i+1:]
	}
	if strings.HasPrefix(s, "[") {
		if i := strings.IndexByte(s, ']'); i > 0 {
			return user, s[:i+1]
		}
	}
	if i := strings.IndexAny(s, ":;?"); i >= 0 {
		s = s[:i]
	}
	return user, s
}
