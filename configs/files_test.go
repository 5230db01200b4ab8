package configs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestTLSFiles: a certificate is used with its own key, which others cannot read.
func TestTLSFiles(t *testing.T) {
	dir := t.TempDir()
	cert, key := certificate(t)
	_, otherKey := certificate(t)
	for name, text := range map[string]string{"cert.pem": cert, "key.pem": key, "other.pem": otherKey, "open.pem": key} {
		writeFile(t, filepath.Join(dir, name), text, 0o600)
	}
	if err := os.Chmod(filepath.Join(dir, "open.pem"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ tls, want string }{
		{"{cert: cert.pem, key: key.pem, ca: cert.pem}", ""},
		{"{cert: cert.pem, key: other.pem}", "do not fit"},
		{"{cert: cert.pem, key: open.pem}", "mode 0644"},
		{"{key: key.pem}", "without its certificate"},
		{"{cert: none.pem, key: key.pem}", "does not exist"},
		{"{cert: cert.pem, key: key.pem, ca: none.pem}", "does not exist"},
		{"{cert: cert.pem, key: key.pem, ca: key.pem}", "no certificate"},
	} {
		_, err := Parse(filepath.Join(dir, "f.yaml"), []byte("sip:\n  listen: [tls://127.0.0.1:5061]\n  tls: "+c.tls+"\n"))
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: got %v, want %q", c.tls, err, c.want)
		}
	}
}

// TestIncludeOnce: two patterns that match one file read it once, and what it
// holds is relative to it.
func TestIncludeOnce(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "secrets/a"), "x", 0o600)
	writeFile(t, filepath.Join(dir, "agents/a.yaml"), "name: a\nline: {trunk: pbx, user: a, password: {file: ../secrets/a}}\ndevice: {contact: sip:127.0.0.2}\n", 0o644)
	writeFile(t, filepath.Join(dir, "f.yaml"), "sip: {listen: [udp://127.0.0.1:0]}\ntrunks: [{name: pbx, server: sip:127.0.0.1}]\ninclude: [agents/*.yaml, agents/a.yaml]\n", 0o644)
	c, err := Load(filepath.Join(dir, "f.yaml"))
	if err != nil || len(c.Agents) != 1 {
		t.Fatalf("got %v, %v", c, err)
	}
	// By a path relative to the working folder as well.
	t.Chdir(dir)
	if c, err = Load("f.yaml"); err != nil || len(c.Agents) != 1 {
		t.Fatalf("got %v, %v", c, err)
	}
}
