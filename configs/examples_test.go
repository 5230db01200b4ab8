package configs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"cordboard/mediamix"
)

// TestExamples loads each shipped example as an operator would have it: with the
// secrets, music and certificates it names.
func TestExamples(t *testing.T) {
	dir := furnish(t, "examples")
	names, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil || len(names) < 6 {
		t.Fatalf("examples: %v, %v", names, err)
	}
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			c, err := Load(name)
			if err != nil {
				t.Fatal(err)
			}
			if len(c.Agents) == 0 || len(c.Trunks) == 0 {
				t.Error("an example has agents and a trunk")
			}
			for _, a := range c.Agents {
				trunk, ok := c.Trunk(a.Line.Trunk)
				if !ok {
					t.Errorf("agent %s: no trunk", a.Name)
				}
				if trunk.Register.Enabled && !strings.HasPrefix(a.Line.Password.Reveal(), "secret of ") {
					t.Errorf("agent %s: line password %q", a.Name, a.Line.Password.Source())
				}
				if len(trunk.Dial.Allow) == 0 {
					t.Errorf("trunk %s: nothing may be dialled", trunk.Name)
				}
			}
			if !c.RTP.Advertise.IsValid() || !c.RTP.Bind.IsValid() {
				t.Error("media has no address")
			}
		})
	}
}

// furnish copies a folder of configurations and makes every secret, music file and
// certificate that they name.
func furnish(t *testing.T, from string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	credentials := filepath.Join(dir, "credentials")
	t.Setenv("CREDENTIALS_DIRECTORY", credentials)
	err := filepath.WalkDir(dir, func(name string, _ os.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, ".yaml") {
			return err
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		var tree any
		if yaml.Unmarshal(text, &tree) == nil {
			furnishNode(t, filepath.Dir(name), credentials, tree)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func furnishNode(t *testing.T, dir, credentials string, n any) {
	t.Helper()
	switch n := n.(type) {
	case []any:
		for _, item := range n {
			furnishNode(t, dir, credentials, item)
		}
	case map[string]any:
		for key, value := range n {
			if s, ok := value.(string); ok {
				furnishValue(t, dir, credentials, key, s)
				continue
			}
			furnishNode(t, dir, credentials, value)
		}
		if queues, ok := n["queues"].(map[string]any); ok {
			for _, v := range queues {
				if s, ok := v.(string); ok {
					furnishValue(t, dir, credentials, "default", s)
				}
			}
		}
	}
}

func furnishValue(t *testing.T, dir, credentials, key, value string) {
	t.Helper()
	if strings.Contains(value, "missing") {
		return
	}
	path := filepath.Join(dir, value)
	switch key {
	case "file", "credentials":
		writeFile(t, path, "secret of "+value+"\n", 0o600)
	case "credential":
		writeFile(t, filepath.Join(credentials, value), "secret of "+value+"\n", 0o400)
	case "env":
		t.Setenv(value, "secret of "+value)
	case "default":
		writeFile(t, path, music(t), 0o644)
	case "cert":
		cert, private := certificate(t)
		writeFile(t, path, cert, 0o644)
		writeFile(t, filepath.Join(filepath.Dir(path), "privkey.pem"), private, 0o600)
		writeFile(t, filepath.Join(filepath.Dir(path), "ca.pem"), cert, 0o644)
	}
}

// music is a short WAV file.
func music(t *testing.T) string {
	t.Helper()
	pcm := make([]int16, 800)
	for i := range pcm {
		pcm[i] = int16(i%8*2000 - 7000)
	}
	path := filepath.Join(t.TempDir(), "music.wav")
	if err := mediamix.WriteWAV(path, pcm); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// writeFile writes once; a file that is there stays.
func writeFile(t *testing.T, name, text string, mode os.FileMode) {
	t.Helper()
	if _, err := os.Stat(name); err == nil {
		return
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// certificate makes a self-signed certificate and its key, PEM.
func certificate(t *testing.T) (cert, private string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"sip.example.com"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}))
}
