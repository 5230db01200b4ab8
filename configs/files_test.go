package configs

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
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

// TestMusicFiles: what cannot be played is told with its line and a remedy; check and serve take the same files.
func TestMusicFiles(t *testing.T) {
	dir := t.TempDir()
	good := music(t)
	const start = 44 // of the samples
	silent := good[:start] + strings.Repeat("\x00", len(good)-start)
	for name, text := range map[string]string{
		"good.wav": good, "head.wav": "RIFF\x00\x00\x00\x00WAVEfmt ", "empty.wav": good[:start], "nothing.wav": "", "silent.wav": silent,
		"mp3.wav": good[:20] + "\x55" + good[21:], "text.wav": "some text, not a recording",
		"short.wav": good[:36],
	} {
		writeFile(t, filepath.Join(dir, name), text, 0o644)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe.wav"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"good.wav":    "",
		"head.wav":    "the wav file is damaged",
		"short.wav":   "the wav file is damaged",
		"empty.wav":   "has no sound in it",
		"nothing.wav": "not a wav file",
		"silent.wav":  "the file is silent",
		"mp3.wav":     "format 85",
		"text.wav":    "not a wav file",
		"pipe.wav":    "not a regular file",
		"none.wav":    "it does not exist",
		".":           "not a regular file",
	} {
		_, err := Parse(filepath.Join(dir, "f.yaml"), []byte("sip: {listen: [udp://127.0.0.1:5060]}\nmusic:\n  default: "+name+"\n  queues: {Sales: "+name+"}\n"))
		if want == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		var all Errors
		if !errors.As(err, &all) || len(all) != 2 {
			t.Errorf("%s: %v, want two problems", name, err)
			continue
		}
		for i, line := range []int{3, 4} {
			if p := all[i]; !strings.Contains(p.Message, want) || p.Fix == "" || p.Line != line {
				t.Errorf("%s: line %d: %s; fix: %s; want %q in line %d", name, p.Line, p.Message, p.Fix, want, line)
			}
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
