package digest

import (
	"errors"
	"strings"
	"testing"
)

// A server that offers MD5 only, as for phones that stop at the first algorithm they do not know, asks for nothing else and
// takes nothing else.
func TestServerOffersOneAlgorithm(t *testing.T) {
	lookup := func(string) (Secret, bool) { return NewSecret("secret"), true }
	s, err := NewServer(ServerConfig{Realm: "cordboard", Lookup: lookup, Offer: []Algorithm{MD5}})
	if err != nil {
		t.Fatal(err)
	}
	offered := s.Challenge(false)
	if len(offered) != 1 || !strings.Contains(offered[0], "MD5") {
		t.Fatalf("offered %v", offered)
	}
	if _, err := s.Verify("REGISTER", "sip:cordboard", []string{answerTo(t, offered[0], "anna", "secret", 1)}); err != nil {
		t.Errorf("MD5: %v", err)
	}
	other := strings.Replace(s.Challenge(false)[0], "algorithm=MD5", "algorithm=SHA-256", 1)
	if _, err := s.Verify("REGISTER", "sip:cordboard", []string{answerTo(t, other, "anna", "secret", 1)}); !errors.Is(err, ErrDenied) {
		t.Errorf("SHA-256: %v", err)
	}
}
