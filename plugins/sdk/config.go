package sdk

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/google/jsonschema-go/jsonschema"
)

// Decode reads the session's configuration into v, a pointer to a struct with json tags. A key that the
// struct does not have is an error that names it; one without a value is an error too, for a list that says who
// may do something must not be taken for none.
func (s *Session) Decode(v any) error {
	if hasNull(s.Config) { // the key is not named: of {token} in YAML it is the token
		return errors.New("config: a key has no value: write one, or remove it")
	}
	d := json.NewDecoder(bytes.NewReader(s.Config))
	d.DisallowUnknownFields()
	err := d.Decode(v)
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrong):
		return fmt.Errorf("config: %s must be %s, and is %s", wrong.Field, kindName(wrong.Type), wrong.Value)
	case err != nil:
		return fmt.Errorf("config: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("config: there is something behind the configuration")
	}
	return nil
}

func hasNull(config []byte) bool {
	d := json.NewDecoder(bytes.NewReader(config))
	for {
		switch t, err := d.Token(); {
		case err != nil: // the end, or what Decode refuses
			return false
		case t == nil:
			return true
		}
	}
}

func kindName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Int, reflect.Int64, reflect.Int32, reflect.Uint, reflect.Uint64, reflect.Uint32:
		return "a whole number"
	case reflect.Float64, reflect.Float32:
		return "a number"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Struct, reflect.Map:
		return "a block of keys"
	}
	return "text"
}

// Duration is a length of time in a configuration, written with its unit: 250ms, 30s, 1h30m.
type Duration time.Duration

// UnmarshalJSON implements json.Unmarshaler.
func (d *Duration) UnmarshalJSON(raw []byte) error {
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return fmt.Errorf("%s is no length of time: write it with its unit, as 30s", raw)
	}
	parsed, err := time.ParseDuration(text)
	if err != nil || parsed < 0 {
		return fmt.Errorf("%q is no length of time: write it with its unit, as 30s", text)
	}
	*d = Duration(parsed)
	return nil
}

// MarshalJSON implements json.Marshaler.
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(d).String()) }

// Schema is the JSON schema of a configuration struct, for Info: names and types from the json tags,
// descriptions from the jsonschema tags; a field without omitempty or omitzero is required;
// Secret and Duration as they are written. It is nil for a type that JSON cannot
// hold.
func Schema[T any]() []byte {
	s, err := jsonschema.For[T](&jsonschema.ForOptions{TypeSchemas: map[reflect.Type]*jsonschema.Schema{
		reflect.TypeFor[Secret]():   secretSchema(),
		reflect.TypeFor[Duration](): {Type: "string", Pattern: `^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`},
	}})
	if err != nil {
		return nil
	}
	noNull(s)
	out, err := json.Marshal(s)
	if err != nil {
		return nil
	}
	return out
}

// noNull has the schema refuse what Decode refuses: a list that is null.
func noNull(s *jsonschema.Schema) {
	if s == nil {
		return
	}
	if i := slices.Index(s.Types, "null"); i >= 0 && len(s.Types) == 2 {
		s.Type, s.Types = s.Types[1-i], nil
	}
	noNull(s.Items)
	noNull(s.AdditionalProperties)
	for _, p := range s.Properties {
		noNull(p)
	}
}
