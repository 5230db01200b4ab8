package digest

import (
	"fmt"
	"strconv"
	"strings"
)

// Authorization is one parsed Authorization or Proxy-Authorization value.
type Authorization struct {
	Username, Realm, Nonce, URI string
	Response, CNonce, Opaque    string
	QOP                         string
	NC                          uint32
	Algorithm                   Algorithm
	algorithmToken              string
}

// ParseAuthorization parses one header value. ErrMalformed: not digest
// credentials; ErrUnsupported: another scheme or algorithm.
func ParseAuthorization(s string) (Authorization, error) {
	if len(s) > maxHeader {
		return Authorization{}, fmt.Errorf("%w: %d bytes", ErrMalformed, len(s))
	}
	rest, ok := cutScheme(s)
	if !ok {
		return Authorization{}, fmt.Errorf("%w: not the digest scheme", ErrUnsupported)
	}
	params, err := parseParams(rest)
	if err != nil {
		return Authorization{}, err
	}
	return authorizationOf(params)
}

func authorizationOf(params []param) (Authorization, error) {
	var a Authorization
	for _, p := range params {
		switch p.key {
		case "username":
			a.Username = p.value
		case "realm":
			a.Realm = p.value
		case "nonce":
			a.Nonce = p.value
		case "uri":
			a.URI = p.value
		case "response":
			a.Response = strings.ToLower(p.value)
		case "cnonce":
			a.CNonce = p.value
		case "opaque":
			a.Opaque = p.value
		case "qop":
			a.QOP = strings.ToLower(p.value)
		case "algorithm":
			a.algorithmToken = p.value
		case "nc":
			nc, err := strconv.ParseUint(p.value, 16, 32)
			if err != nil || len(p.value) != 8 {
				return Authorization{}, fmt.Errorf("%w: nc", ErrMalformed)
			}
			a.NC = uint32(nc)
		}
	}
	if a.Username == "" || a.Nonce == "" || a.URI == "" || a.Response == "" {
		return Authorization{}, fmt.Errorf("%w: username, nonce, uri or response missing", ErrMalformed)
	}
	alg, known := parseAlgorithm(a.algorithmToken)
	if !known {
		return Authorization{}, fmt.Errorf("%w: algorithm", ErrUnsupported)
	}
	a.Algorithm = alg
	return a, nil
}

// header formats the credentials as a header value. The response comes last:
// some peers read no further.
func (a Authorization) header() string {
	var b strings.Builder
	b.WriteString("Digest username=")
	quote(&b, a.Username)
	b.WriteString(", realm=")
	quote(&b, a.Realm)
	b.WriteString(", nonce=")
	quote(&b, a.Nonce)
	b.WriteString(", uri=")
	quote(&b, a.URI)
	if a.algorithmToken != "" {
		b.WriteString(", algorithm=" + a.algorithmToken)
	}
	if a.Opaque != "" {
		b.WriteString(", opaque=")
		quote(&b, a.Opaque)
	}
	if a.QOP != "" {
		b.WriteString(", cnonce=")
		quote(&b, a.CNonce)
		fmt.Fprintf(&b, ", qop=%s, nc=%08x", a.QOP, a.NC)
	}
	b.WriteString(", response=")
	quote(&b, a.Response)
	return b.String()
}

// String hides everything but the user: the rest is good for guessing.
func (a Authorization) String() string { return "Digest username=" + a.Username + " " + redacted }
