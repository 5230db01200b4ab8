package digest

import (
	"strings"
	"testing"
)

// FuzzChallenge: what is parsed as a challenge is the same after formatting,
// and an answer to it can be parsed and stays on one line.
func FuzzChallenge(f *testing.F) {
	for _, s := range []string{chal512, chal256, chalMD5, `Digest realm="a\\b", nonce="", stale=true`, `Digest realm=,nonce=x`, "Digest", `Digest realm="x", nonce="y", qop=auth,`, `Digest ,,realm="",nonce=z`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, err := ParseChallenge(s)
		if err != nil {
			return
		}
		again, err := ParseChallenge(c.String())
		again.algorithmToken, c.algorithmToken = "", ""
		if err != nil || again != c {
			if len(c.String()) > maxHeader { // escapes may make it longer
				return
			}
			t.Fatalf("%q -> %+v -> %+v, %v", s, c, again, err)
		}
		a, err := c.answer("100", NewSecret("p"), "REGISTER", "sip:pbx", 1, "")
		if err != nil {
			t.Fatal(err)
		}
		h := a.header()
		if strings.ContainsAny(h, "\r\n\x00") {
			t.Fatalf("header injection: %q", h)
		}
		if got, err := ParseAuthorization(h); len(h) <= maxHeader && (err != nil || got.Response != a.Response || got.Nonce != c.Nonce) {
			t.Fatalf("%q: %+v, %v", h, got, err)
		}
	})
}

// FuzzAuthorization: no header makes Verify panic or let anyone in.
func FuzzAuthorization(f *testing.F) {
	s, _ := newTestServer(f, 16)
	f.Add(strings.Replace(answerTo(f, s.Challenge(false)[0], "anna", "wrong", 1), "Digest", "digest", 1))
	f.Add(`Digest username="anna", realm="cordboard", nonce="x", uri="sip:cordboard", response="", qop=auth, nc=00000001, cnonce=""`)
	f.Add(`Digest username="anna",nc=FFFFFFFF`)
	f.Fuzz(func(t *testing.T, v string) {
		if user, err := s.Verify("REGISTER", "sip:cordboard", []string{v}); err == nil {
			t.Fatalf("%q let %q in", v, user)
		}
	})
}
