package digest

import (
	"fmt"
	"log/slog"
)

const redacted = "[redacted]"

// Secret is a password. Every way of printing it (fmt, slog, JSON, YAML)
// shows a placeholder; only Reveal gives the text.
type Secret struct{ text string }

// NewSecret wraps a password.
func NewSecret(text string) Secret { return Secret{text: text} }

// Reveal returns the password. Use it only where the digest is computed.
func (s Secret) Reveal() string { return s.text }

// Empty reports whether there is no password.
func (s Secret) Empty() bool { return s.text == "" }

// Format implements fmt.Formatter: the placeholder for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue implements slog.LogValuer.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText implements encoding.TextMarshaler for JSON and YAML output.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
