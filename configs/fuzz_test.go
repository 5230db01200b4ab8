package configs

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// FuzzConfig: whatever the text, the loader ends without panic, gives either a
// configuration or problems, and each problem has a place that exists.
func FuzzConfig(f *testing.F) {
	for _, pattern := range []string{"testdata/*.yaml", "testdata/*/*.yaml", "examples/*.yaml"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(text)
		}
	}
	for _, s := range []string{
		"a: &a [*a]", "<<: *x", "? a\n: b", "sip: !!map {}", "sip: {listen: [udp://1.2.3.4:5]}", "- a", "\xef\xbb\xbfsip:\r\n", "%YAML 1.2\n---\n",
		"a: >\n  b\n c", "'a': \"\\x41\"", "{", "[[[[", "a:\n  - b\n - c", "\"", "@", "`", "a: |2\n x", "--- a\n--- b\n...", "&a", "*", "!",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := Parse("fuzz.yaml", text)
		if err == nil {
			if c == nil || len(c.SIP.Listen) == 0 || !c.RTP.Bind.IsValid() {
				t.Fatalf("a configuration without a listener: %+v", c)
			}
			if changes := Diff(c, c); len(changes) != 0 {
				t.Fatalf("differs from itself: %v", changes)
			}
			return
		}
		var problems Errors
		if c != nil || !errors.As(err, &problems) || len(problems) == 0 {
			t.Fatalf("got %v, %v", c, err)
		}
		for _, p := range problems {
			if p.Line < 1 || p.Column < 1 || p.Message == "" || p.Fix == "" || p.File == "" {
				t.Fatalf("incomplete problem %#v", p)
			}
		}
		_ = err.Error()
	})
}
