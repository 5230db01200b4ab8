package configs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// TestSecretIsNeverPrinted prints a configuration in every way there is.
func TestSecretIsNeverPrinted(t *testing.T) {
	const password = "correct horse"
	t.Setenv("CORDBOARD_TEST_PASSWORD", password)
	c, err := Parse("f.yaml", []byte(`
sip: {listen: [udp://127.0.0.1:0]}
trunks: [{name: pbx, server: sip:127.0.0.1}]
agents:
  - name: anna
    line: {trunk: pbx, user: "1", password: {env: CORDBOARD_TEST_PASSWORD}}
    device: {user: p, password: {env: CORDBOARD_TEST_PASSWORD}}
`))
	if err != nil {
		t.Fatal(err)
	}
	secret := c.Agents[0].Line.Password
	if secret.Reveal() != password || secret.Source() != "env CORDBOARD_TEST_PASSWORD" || secret.IsZero() {
		t.Fatalf("the secret is not there: %q from %q", secret.Reveal(), secret.Source())
	}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb, secret)
		fmt.Fprintf(&out, verb, &secret)
		fmt.Fprintf(&out, verb, *c)
		fmt.Fprintf(&out, verb, c.Agents)
	}
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(h).Info("all", "secret", secret, "config", *c, "agents", c.Agents)
	}
	asJSON, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	asYAML, err := yaml.Marshal(c.Agents)
	if err != nil {
		t.Fatal(err)
	}
	text := out.String() + string(asJSON) + string(asYAML)
	if strings.Contains(text, password) || strings.Contains(text, fmt.Sprintf("%x", password)) {
		t.Error("a printed form shows the password")
	}
	if !strings.Contains(string(asJSON), redacted) {
		t.Error("JSON lacks the placeholder")
	}
}

func TestSecretFiles(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("CREDENTIALS_DIRECTORY", dir)
	t.Setenv("CORDBOARD_TEST_EMPTY", "")
	write := func(name, text string, mode os.FileMode) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil { // past the umask
			t.Fatal(err)
		}
	}
	write("good", "s3cret\n", 0o600)
	write("windows", "s3cret\r\n", 0o400)
	write("group", "s3cret", 0o640)
	write("world", "s3cret", 0o604)
	write("empty", "\n", 0o600)
	write("lines", "one\ntwo\n", 0o600)
	write("large", strings.Repeat("x", maxSecretBytes+1), 0o600)
	write("credential", "s3cret", 0o444)
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ written, want string }{
		{"{file: good}", ""},
		{"{file: windows}", ""},
		{"{credential: credential}", ""},
		{"{file: group}", "mode 0640"},
		{"{file: world}", "mode 0604"},
		{"{file: empty}", "is empty"},
		{"{file: lines}", "more than one line"},
		{"{file: large}", "larger than"},
		{"{file: folder}", "not a plain file"},
		{"{file: none}", "does not exist"},
		{"{env: CORDBOARD_TEST_EMPTY}", "is empty"},
		{"{credential: none}", "does not exist"},
		{"{credential: ../good}", "not a name"},
		{"{file: }", "no name"},
	} {
		text := "sip: {listen: [udp://127.0.0.1:0]}\ntrunks: [{name: pbx, server: sip:127.0.0.1}]\nagents:\n" +
			"  - {name: a, line: {trunk: pbx, user: u, password: " + c.written + "}, device: {contact: sip:127.0.0.2}}\n"
		cfg, err := Parse(filepath.Join(dir, "cordboard.yaml"), []byte(text))
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", c.written, err)
		case c.want == "" && cfg.Agents[0].Line.Password.Reveal() != "s3cret":
			t.Errorf("%s: got %q", c.written, cfg.Agents[0].Line.Password.Reveal())
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: got %v, want %q", c.written, err, c.want)
		}
	}
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	if _, told := secretFromCredential("good"); told == nil || !strings.Contains(told.fix, "LoadCredential=") {
		t.Errorf("without systemd: %v", told)
	}
}
