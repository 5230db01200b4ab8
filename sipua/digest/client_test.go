package digest

import (
	"errors"
	"strings"
	"testing"
)

const (
	chal512 = `Digest realm="pbx", nonce="n3", algorithm=SHA-512-256, qop="auth"`
	chal256 = `Digest realm="pbx", nonce="n2", algorithm=SHA-256, qop="auth,auth-int", opaque="op\"q"`
	chalMD5 = `Digest realm="pbx", nonce="n1", qop="auth"`
)

func newTestClient() *Client {
	return NewClient(Credentials{Peer: "pbx1", Realm: "pbx", Username: "100", Password: NewSecret("secret")})
}

func TestChoose(t *testing.T) {
	for _, tt := range []struct {
		name   string
		values []string
		nonce  string
		err    error
	}{
		{"strongest wins", []string{chalMD5, chal256, chal512}, "n3", nil},
		{"order does not matter", []string{chal512, chal256, chalMD5}, "n3", nil},
		{"unknown algorithm skipped", []string{`Digest realm="pbx", nonce="x", algorithm=SHA-1024`, chalMD5}, "n1", nil},
		{"other scheme skipped", []string{`Basic realm="pbx"`, chal256}, "n2", nil},
		{"malformed skipped", []string{`Digest realm="pbx`, chalMD5}, "n1", nil},
		{"another realm skipped", []string{`Digest realm="other", nonce="x", algorithm=SHA-512-256, qop="auth"`, chalMD5}, "n1", nil},
		{"auth-int only", []string{`Digest realm="pbx", nonce="x", qop="auth-int"`}, "", ErrUnsupported},
		{"sess algorithm", []string{`Digest realm="pbx", nonce="x", algorithm=MD5-sess, qop="auth"`}, "", ErrUnsupported},
		{"none", nil, "", ErrUnsupported},
		{"no nonce", []string{`Digest realm="pbx"`}, "", ErrMalformed},
		{"upper case, spaces, unquoted", []string{"DIGEST  Realm = \"pbx\" ,\tNONCE=abc/+==,QOP=\"auth-int , AUTH\""}, "abc/+==", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := Choose(tt.values, "pbx")
			if !errors.Is(err, tt.err) || c.Nonce != tt.nonce {
				t.Fatalf("nonce %q, error %v; want %q, %v", c.Nonce, err, tt.nonce, tt.err)
			}
		})
	}
}

func TestPinned(t *testing.T) {
	x := newTestClient().Begin("REGISTER", "sip:pbx")
	var peer *PeerError
	if h, err := x.Challenge("stranger", 401, []string{chalMD5}, nil); !errors.As(err, &peer) || h != nil {
		t.Fatalf("another peer was answered: %v %v", h, err)
	}
	var realm *RealmError
	other := strings.Replace(chalMD5, `"pbx"`, `"evil"`, 1)
	if h, err := x.Challenge("pbx1", 401, []string{other}, nil); !errors.As(err, &realm) || h != nil {
		t.Fatalf("another realm was answered: %v %v", h, err)
	}
	free := NewClient(Credentials{Peer: "pbx1", Username: "100", Password: NewSecret("secret")})
	if _, err := free.Begin("REGISTER", "sip:pbx").Challenge("pbx1", 401, []string{chalMD5}, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := free.Begin("INVITE", "sip:1@pbx").Challenge("pbx1", 407, nil, []string{other}); !errors.As(err, &realm) {
		t.Fatalf("the first realm was not pinned: %v", err)
	}
}

func parse(t *testing.T, h []Header) Authorization {
	t.Helper()
	if len(h) != 1 {
		t.Fatalf("%d headers, want 1", len(h))
	}
	a, err := ParseAuthorization(h[0].Value)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestNonceIsReusedAndCounted(t *testing.T) {
	c := newTestClient()
	x := c.Begin("REGISTER", "sip:pbx")
	if h := x.Headers(); len(h) != 0 {
		t.Fatalf("headers before any challenge: %v", h)
	}
	h, err := x.Challenge("pbx1", 401, []string{chal256}, nil)
	if err != nil {
		t.Fatal(err)
	}
	a := parse(t, h)
	if a.NC != 1 || a.QOP != "auth" || a.Opaque != `op"q` || a.Algorithm != SHA256 || h[0].Name != "Authorization" {
		t.Fatalf("first answer: %+v", a)
	}
	for want := uint32(2); want < 5; want++ {
		a := parse(t, c.Begin("INVITE", "sip:1@pbx").Headers())
		if a.NC != want || a.Nonce != "n2" || a.URI != "sip:1@pbx" {
			t.Fatalf("pre-emptive answer: %+v, want nc %d", a, want)
		}
	}
	if h, err := c.Begin("INVITE", "sip:1@pbx").Challenge("pbx1", 407, nil, []string{chalMD5}); err != nil || len(h) != 2 || h[1].Name != "Proxy-Authorization" {
		t.Fatalf("proxy beside registrar: %v %v", h, err)
	}
}

func TestNeverALoop(t *testing.T) {
	stale := strings.Replace(chalMD5, `qop`, `stale=TRUE, qop`, 1)
	nonce := func(s, n string) string { return strings.Replace(s, "n1", n, 1) }
	type step struct {
		value string
		err   error
	}
	for _, tt := range []struct {
		name    string
		preempt bool
		steps   []step
	}{
		{"same nonce again", false, []step{{chalMD5, nil}, {chalMD5, ErrRejected}}},
		{"fresh nonce again", false, []step{{chalMD5, nil}, {nonce(chalMD5, "b"), ErrRejected}}},
		{"stale once", false, []step{{chalMD5, nil}, {nonce(stale, "b"), nil}, {nonce(chalMD5, "c"), ErrRejected}}},
		{"stale for ever", false, []step{{chalMD5, nil}, {nonce(stale, "b"), nil}, {nonce(stale, "c"), nil}, {nonce(stale, "d"), ErrRejected}}},
		{"stale with the same nonce", false, []step{{chalMD5, nil}, {stale, ErrRejected}}},
		{"old nonce not taken, no stale flag", true, []step{{nonce(chalMD5, "b"), nil}, {nonce(chalMD5, "c"), ErrRejected}}},
		{"old nonce refused", true, []step{{chalMD5, ErrRejected}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newTestClient()
			if tt.preempt {
				if _, err := c.Begin("REGISTER", "sip:pbx").Challenge("pbx1", 401, []string{chalMD5}, nil); err != nil {
					t.Fatal(err)
				}
			}
			x := c.Begin("REGISTER", "sip:pbx")
			x.Headers()
			for i, s := range tt.steps {
				if _, err := x.Challenge("pbx1", 401, []string{s.value}, nil); !errors.Is(err, s.err) {
					t.Fatalf("step %d: %v, want %v", i, err, s.err)
				}
			}
		})
	}
}

func TestRejectedNonceIsForgotten(t *testing.T) {
	c := newTestClient()
	x := c.Begin("REGISTER", "sip:pbx")
	_, _ = x.Challenge("pbx1", 401, []string{chalMD5}, nil)
	_, _ = x.Challenge("pbx1", 401, []string{strings.Replace(chalMD5, "n1", "b", 1)}, nil)
	if h := c.Begin("REGISTER", "sip:pbx").Headers(); len(h) != 0 {
		t.Fatalf("a refused nonce is used again: %v", h)
	}
}
