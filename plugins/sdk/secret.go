package sdk

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
)

// longestSecret bounds a secret's file, in bytes.
const longestSecret = 4096

// Secret is a password or key in an adapter's configuration. It never stands there itself: it is written
// as {file: PATH} (one line, readable by its owner alone), {credential: NAME} (systemd) or {env: NAME}
// (under env: of the adapter), and read when the configuration is. It is not printed and not logged.
type Secret struct{ text string }

// Reveal is the secret itself.
func (s Secret) Reveal() string { return s.text }

// IsZero reports whether there is none.
func (s Secret) IsZero() bool { return s.text == "" }

// String implements fmt.Stringer.
func (s Secret) String() string { return "[redacted]" }

// GoString implements fmt.GoStringer.
func (s Secret) GoString() string { return s.String() }

// LogValue implements slog.LogValuer.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalJSON implements json.Marshaler.
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }

// UnmarshalJSON implements json.Unmarshaler.
func (s *Secret) UnmarshalJSON(raw []byte) error {
	var named struct {
		File       string `json:"file"`
		Credential string `json:"credential"`
		Env        string `json:"env"`
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	const forms = "{file: PATH}, {credential: NAME} or {env: NAME}"
	if d.Decode(&named) != nil { // whose text may be a password
		return errors.New("a secret is named by " + forms)
	}
	var err error
	switch n := named; {
	case n.File != "" && n.Credential == "" && n.Env == "":
		s.text, err = secretFile(n.File, true)
	case n.Credential != "" && n.File == "" && n.Env == "":
		dir := os.Getenv("CREDENTIALS_DIRECTORY")
		if dir == "" || n.Credential != filepath.Base(n.Credential) {
			return fmt.Errorf("credential %s is not there: add LoadCredential=%[1]s:PATH to the daemon's unit", n.Credential)
		}
		s.text, err = secretFile(filepath.Join(dir, n.Credential), false)
	case n.Env != "" && n.File == "" && n.Credential == "":
		if s.text = os.Getenv(n.Env); s.text == "" {
			return fmt.Errorf("variable %s is not set: write it under env of the adapter", n.Env)
		}
	default:
		return errors.New("a secret is named by one of " + forms)
	}
	return err
}

// secretFile reads a file of one line. One that others may read is refused, except in systemd's folder,
// which guards itself.
func secretFile(name string, guarded bool) (string, error) {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return "", fmt.Errorf("secret: %w", err)
	case !info.Mode().IsRegular() || info.Size() > longestSecret:
		return "", fmt.Errorf("secret: %s is not a file of one line", name)
	case guarded && info.Mode().Perm()&0o077 != 0:
		return "", fmt.Errorf("secret: %s can be read by others than its owner (chmod 600)", name)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return "", fmt.Errorf("secret: %w", err)
	}
	line := strings.TrimRight(string(text), "\r\n")
	if line == "" || strings.ContainsAny(line, "\r\n\x00") {
		return "", fmt.Errorf("secret: %s does not hold one line", name)
	}
	return line, nil
}

// secretSchema is how a secret is written.
func secretSchema() *jsonschema.Schema {
	text := func() *jsonschema.Schema { return &jsonschema.Schema{Type: "string"} }
	return &jsonschema.Schema{
		Type: "object", MinProperties: jsonschema.Ptr(1), MaxProperties: jsonschema.Ptr(1),
		Properties:           map[string]*jsonschema.Schema{"file": text(), "credential": text(), "env": text()},
		AdditionalProperties: &jsonschema.Schema{Not: &jsonschema.Schema{}},
	}
}
