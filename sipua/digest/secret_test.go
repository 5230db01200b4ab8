package digest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestSecretIsNeverPrinted(t *testing.T) {
	s := NewSecret("hunter2")
	cred := Credentials{Peer: "p", Username: "u", Password: s}
	header := Header{Name: "Authorization", Value: "hunter2"}
	var out bytes.Buffer
	for _, log := range []*slog.Logger{slog.New(slog.NewJSONHandler(&out, nil)), slog.New(slog.NewTextHandler(&out, nil))} {
		log.Info("m", "secret", s, "cred", cred, "pointer", &cred, "header", header)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb+verb+verb, s, cred, &s)
	}
	fmt.Fprint(&out, header)
	b, err := json.Marshal(cred)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(b)
	if text := out.String(); strings.Contains(text, "hunter2") || strings.Contains(text, "68756e74657232") {
		t.Fatalf("the password was printed: %s", text)
	}
	if s.Reveal() != "hunter2" || s.Empty() || !(Secret{}).Empty() {
		t.Fatal("the password is lost")
	}
}
