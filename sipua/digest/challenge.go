package digest

import (
	"errors"
	"fmt"
	"strings"

	icholy "github.com/icholy/digest"
)

// ErrUnsupported is returned when no challenge of a response uses an
// algorithm and a qop that we can answer.
var ErrUnsupported = errors.New("no digest challenge with a supported algorithm and qop")

// Algorithm is a digest algorithm, ordered by strength (RFC 8760 §2.3).
type Algorithm uint8

// The algorithms in rising order of preference.
const (
	MD5 Algorithm = iota + 1
	SHA256
	SHA512t256
)

// String gives the token as it stands in headers.
func (a Algorithm) String() string {
	switch a {
	case MD5:
		return "MD5"
	case SHA256:
		return "SHA-256"
	case SHA512t256:
		return "SHA-512-256"
	}
	return "unknown"
}

func parseAlgorithm(s string) (Algorithm, bool) {
	switch strings.ToUpper(s) {
	case "", "MD5": // RFC 3261 §22.4: absent means MD5
		return MD5, true
	case "SHA-256":
		return SHA256, true
	case "SHA-512-256":
		return SHA512t256, true
	}
	return 0, false
}

// Challenge is one parsed WWW-Authenticate or Proxy-Authenticate value.
type Challenge struct {
	Realm, Nonce, Opaque string
	Algorithm            Algorithm
	algorithmToken       string // as received, echoed; empty when absent
	Stale                bool
	QOP                  bool // qop "auth" is offered; false: RFC 2069 form without qop
}

// ParseChallenge parses one header value. ErrMalformed: not a digest
// challenge; ErrUnsupported: one that we cannot answer.
func ParseChallenge(s string) (Challenge, error) {
	if len(s) > maxHeader {
		return Challenge{}, fmt.Errorf("%w: %d bytes", ErrMalformed, len(s))
	}
	rest, ok := cutScheme(s)
	if !ok {
		return Challenge{}, fmt.Errorf("%w: not the digest scheme", ErrUnsupported)
	}
	params, err := parseParams(rest)
	if err != nil {
		return Challenge{}, err
	}
	return challengeOf(params)
}

func challengeOf(params []param) (Challenge, error) {
	var c Challenge
	var hasRealm, hasQOP, auth bool
	for _, p := range params {
		switch p.key {
		case "realm":
			c.Realm, hasRealm = p.value, true
		case "nonce":
			c.Nonce = p.value
		case "opaque":
			c.Opaque = p.value
		case "stale":
			c.Stale = strings.EqualFold(p.value, "true")
		case "algorithm":
			c.algorithmToken = p.value
		case "qop":
			hasQOP = strings.TrimSpace(p.value) != ""
			for q := range strings.SplitSeq(p.value, ",") {
				auth = auth || strings.EqualFold(strings.TrimSpace(q), "auth")
			}
		}
	}
	if !hasRealm || c.Nonce == "" {
		return Challenge{}, fmt.Errorf("%w: challenge without realm or nonce", ErrMalformed)
	}
	alg, known := parseAlgorithm(c.algorithmToken)
	if !known {
		return Challenge{}, fmt.Errorf("%w: algorithm", ErrUnsupported)
	}
	if hasQOP && !auth {
		return Challenge{}, fmt.Errorf("%w: qop without auth", ErrUnsupported)
	}
	c.Algorithm, c.QOP = alg, auth
	return c, nil
}

// Choose gives the best answerable challenge of a list of header values:
// the strongest algorithm, the first of equals (RFC 8760 §2.4 lets the client
// prefer by strength). want, if not empty, is the only realm answered;
// *RealmError tells that there was none of it.
func Choose(values []string, want string) (Challenge, error) {
	var best Challenge
	var wrong *RealmError
	err := fmt.Errorf("%w: no challenge", ErrUnsupported)
	for _, v := range values {
		c, e := ParseChallenge(v)
		switch {
		case e != nil:
			err = e
		case want != "" && c.Realm != want:
			wrong = &RealmError{Got: c.Realm, Want: want}
		case c.Algorithm > best.Algorithm:
			best = c
		}
	}
	if best.Algorithm != 0 {
		return best, nil
	}
	if wrong != nil {
		return Challenge{}, wrong
	}
	return Challenge{}, err
}

// String formats the challenge as a header value.
func (c Challenge) String() string {
	var b strings.Builder
	b.WriteString("Digest realm=")
	quote(&b, c.Realm)
	b.WriteString(", nonce=")
	quote(&b, c.Nonce)
	if c.Opaque != "" {
		b.WriteString(", opaque=")
		quote(&b, c.Opaque)
	}
	b.WriteString(", algorithm=" + c.Algorithm.String())
	if c.QOP {
		b.WriteString(`, qop="auth"`)
	}
	if c.Stale {
		b.WriteString(", stale=true")
	}
	return b.String()
}

// answer computes credentials; nc counts the uses of this nonce from 1.
func (c Challenge) answer(user string, password Secret, method, uri string, nc int, cnonce string) (Authorization, error) {
	chal := &icholy.Challenge{Realm: c.Realm, Nonce: c.Nonce, Opaque: c.Opaque, Algorithm: c.Algorithm.String()}
	if c.QOP {
		chal.QOP = []string{"auth"}
	}
	cred, err := icholy.Digest(chal, icholy.Options{
		Method: method, URI: uri, Count: nc, Username: user, Password: password.Reveal(), Cnonce: cnonce,
	})
	if err != nil {
		return Authorization{}, fmt.Errorf("compute digest: %w", err)
	}
	a := Authorization{
		Username: user, Realm: c.Realm, Nonce: c.Nonce, URI: uri, Response: cred.Response,
		Algorithm: c.Algorithm, algorithmToken: c.algorithmToken, Opaque: c.Opaque,
	}
	if c.QOP {
		a.QOP, a.CNonce, a.NC = "auth", cred.Cnonce, uint32(cred.Nc)
	}
	return a, nil
}
