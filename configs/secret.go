package configs

import (
	"crypto/subtle"
	"fmt"
	"log/slog"
)

// redacted stands for a secret wherever one would be printed.
const redacted = "[redacted]"

// Secret is a password that was read from a file, the environment or a systemd
// credential. Printing it in any way shows a placeholder; only Reveal gives it.
type Secret struct {
	source string
	// A closure, not a string: printers that walk unexported fields by
	// reflection find no text.
	reveal func() string
}

// NewSecret makes a secret from text; source says where it came from, such as
// "file secrets/1001", and may be printed.
func NewSecret(source, text string) Secret {
	return Secret{source: source, reveal: func() string { return text }}
}

// Reveal returns the text.
func (s Secret) Reveal() string {
	if s.reveal == nil {
		return ""
	}
	return s.reveal()
}

// Source says where the secret came from; empty when none is set.
func (s Secret) Source() string { return s.source }

// IsZero reports whether no secret is set.
func (s Secret) IsZero() bool { return s.reveal == nil }

// Equal reports whether both are the same text from the same source.
func (s Secret) Equal(o Secret) bool {
	same := subtle.ConstantTimeCompare([]byte(s.Reveal()), []byte(o.Reveal())) == 1
	return same && s.source == o.source && s.IsZero() == o.IsZero()
}

// String is a placeholder.
func (s Secret) String() string { return redacted }

// GoString is a placeholder.
func (s Secret) GoString() string { return redacted }

// Format writes a placeholder for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue is a placeholder.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText is a placeholder; encoding/json uses it too.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalYAML is a placeholder.
func (s Secret) MarshalYAML() (any, error) { return redacted, nil }
