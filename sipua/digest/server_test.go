package digest

import (
	"errors"
	"strings"
	"testing"
	"time"
)

type clock struct{ now time.Time }

func newTestServer(t testing.TB, limit int) (*Server, *clock) {
	t.Helper()
	c := &clock{time.Unix(1_700_000_000, 0)}
	s, err := NewServer(ServerConfig{
		Realm: "cordboard", MaxNonces: limit, NonceLife: time.Minute, Now: func() time.Time { return c.now },
		Lookup: func(user string) (Secret, bool) {
			return NewSecret("secret"), user == "anna"
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s, c
}

// answerTo answers a challenge of a server as a phone does.
func answerTo(t testing.TB, challenge, user, password string, nc int) string {
	t.Helper()
	c, err := ParseChallenge(challenge)
	if err != nil {
		t.Fatal(err)
	}
	a, err := c.answer(user, NewSecret(password), "REGISTER", "sip:cordboard;transport=tcp", nc, "cn")
	if err != nil {
		t.Fatal(err)
	}
	return a.header()
}

func TestVerify(t *testing.T) {
	s, _ := newTestServer(t, 16)
	offered := s.Challenge(false)
	if len(offered) != 2 || !strings.Contains(offered[0], "algorithm=SHA-256,") || !strings.Contains(offered[1], "algorithm=MD5,") {
		t.Fatalf("offered %q", offered)
	}
	for i, ch := range offered {
		if user, err := s.Verify("REGISTER", "sip:cordboard", []string{answerTo(t, ch, "anna", "secret", i+1)}); user != "anna" || err != nil {
			t.Fatalf("algorithm %d: %q %v", i, user, err)
		}
	}
	good := func() string { return answerTo(t, s.Challenge(false)[0], "anna", "secret", 1) }
	foreign := strings.Replace(s.Challenge(false)[0], "cordboard", "elsewhere", 1)
	for _, tt := range []struct {
		name, method, uri string
		values            []string
		err               error
	}{
		{"none", "REGISTER", "sip:cordboard", nil, ErrNoCredentials},
		{"other realm only", "REGISTER", "sip:cordboard", []string{answerTo(t, foreign, "anna", "secret", 1)}, ErrNoCredentials},
		{"other realm first", "REGISTER", "sip:cordboard", []string{answerTo(t, foreign, "anna", "secret", 1), good()}, nil},
		{"malformed", "REGISTER", "sip:cordboard", []string{`Digest username="`}, ErrMalformed},
		{"wrong password", "REGISTER", "sip:cordboard", []string{answerTo(t, s.Challenge(false)[0], "anna", "x", 1)}, ErrDenied},
		{"unknown user", "REGISTER", "sip:cordboard", []string{answerTo(t, s.Challenge(false)[0], "bob", "secret", 1)}, ErrDenied},
		{"wrong method", "INVITE", "sip:cordboard", []string{good()}, ErrDenied},
		{"wrong host", "REGISTER", "sip:other", []string{good()}, ErrDenied},
		{"wrong user part", "REGISTER", "sip:1@cordboard", []string{good()}, ErrDenied},
		{"other port and case", "REGISTER", "sip:CORDBOARD:5060", []string{good()}, nil},
		{"no qop", "REGISTER", "sip:cordboard", []string{strings.Replace(good(), "qop=auth, ", "", 1)}, ErrDenied},
		{"right password, foreign nonce", "REGISTER", "sip:cordboard", []string{answerTo(t, `Digest realm="cordboard", nonce="bm9uY2U", algorithm=MD5, qop="auth"`, "anna", "secret", 1)}, ErrStale},
		{"wrong password, foreign nonce", "REGISTER", "sip:cordboard", []string{answerTo(t, `Digest realm="cordboard", nonce="bm9uY2U", algorithm=MD5, qop="auth"`, "anna", "x", 1)}, ErrDenied},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := s.Verify(tt.method, tt.uri, tt.values); !errors.Is(err, tt.err) {
				t.Fatalf("%v, want %v", err, tt.err)
			}
		})
	}
}

func TestNonceExpires(t *testing.T) {
	s, c := newTestServer(t, 16)
	ch := s.Challenge(false)[0]
	c.now = c.now.Add(time.Minute)
	if _, err := s.Verify("REGISTER", "sip:cordboard", []string{answerTo(t, ch, "anna", "secret", 1)}); err != nil {
		t.Fatal(err)
	}
	c.now = c.now.Add(time.Millisecond)
	if _, err := s.Verify("REGISTER", "sip:cordboard", []string{answerTo(t, ch, "anna", "secret", 2)}); !errors.Is(err, ErrStale) {
		t.Fatal(err)
	}
	if _, err := s.Verify("REGISTER", "sip:cordboard", []string{answerTo(t, ch, "anna", "x", 3)}); !errors.Is(err, ErrDenied) {
		t.Fatalf("stale tells of a wrong password: %v", err)
	}
	if !strings.Contains(s.Challenge(true)[0], "stale=true") {
		t.Fatal("stale flag missing")
	}
}

func TestReplay(t *testing.T) {
	s, c := newTestServer(t, 2)
	ch := s.Challenge(false)[0]
	for _, tt := range []struct {
		nc int
		ok bool
	}{{1, true}, {1, false}, {5, true}, {3, true}, {3, false}, {5, false}, {100, true}, {36, false}, {37, true}, {37, false}, {1, false}} {
		_, err := s.Verify("REGISTER", "sip:cordboard", []string{answerTo(t, ch, "anna", "secret", tt.nc)})
		if (err == nil) != tt.ok || err != nil && !errors.Is(err, ErrStale) {
			t.Fatalf("nc %d: %v, want ok %t", tt.nc, err, tt.ok)
		}
	}
	for range 2 { // two newer nonces push the first out of the table
		c.now = c.now.Add(time.Second)
		if _, err := s.Verify("REGISTER", "sip:cordboard", []string{answerTo(t, s.Challenge(false)[0], "anna", "secret", 1)}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Verify("REGISTER", "sip:cordboard", []string{answerTo(t, ch, "anna", "secret", 101)}); !errors.Is(err, ErrStale) {
		t.Fatalf("a nonce that left the table is taken again: %v", err)
	}
	if n := len(s.replay.used); n != 2 {
		t.Fatalf("%d nonces kept, limit 2", n)
	}
}

func TestClientAgainstServer(t *testing.T) {
	s, c := newTestServer(t, 16)
	client := NewClient(Credentials{Peer: "p", Realm: "cordboard", Username: "anna", Password: NewSecret("secret")})
	rounds := 0
	for range 5 {
		c.now = c.now.Add(25 * time.Second) // the nonce lives for a minute
		x := client.Begin("REGISTER", "sip:cordboard")
		headers := x.Headers()
		for {
			var values []string
			for _, h := range headers {
				values = append(values, h.Value)
			}
			_, err := s.Verify("REGISTER", "sip:cordboard", values)
			if err == nil {
				break
			}
			if rounds++; rounds > 3 {
				t.Fatal("too many challenges for five requests")
			}
			if headers, err = x.Challenge("p", 401, s.Challenge(errors.Is(err, ErrStale)), nil); err != nil {
				t.Fatal(err)
			}
		}
	}
}
