package configs

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"

	"github.com/goccy/go-yaml"
	"github.com/google/jsonschema-go/jsonschema"
)

// Schema is the JSON schema of a configuration file, for editors: names, types,
// defaults, bounds, descriptions and examples, taken from the types. It is also
// kept as configs/cordboard.schema.json.
func Schema() ([]byte, error) {
	return schemaOf(reflect.ValueOf(*Default()), "Cordboard configuration")
}

// AgentSchema is the schema of one agent, as an included file may hold it.
func AgentSchema() ([]byte, error) {
	var a Agent
	a.setDefaults()
	return schemaOf(reflect.ValueOf(a), "Cordboard agent")
}

func schemaOf(defaults reflect.Value, title string) ([]byte, error) {
	s, err := jsonschema.ForType(defaults.Type(), &jsonschema.ForOptions{TypeSchemas: scalarSchemas()})
	if err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	s.Schema = "https://json-schema.org/draft/2020-12/schema"
	s.Title = title
	if err := enrich(s, defaults); err != nil {
		return nil, err
	}
	if defaults.Type() == reflect.TypeFor[Config]() {
		s.PatternProperties = map[string]*jsonschema.Schema{"^x-": {Description: "free: a place for anchors that several blocks share"}}
	}
	out, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	return append(out, '\n'), nil
}

// scalarSchemas are the schemas of the types that are written as one word, and of
// secrets.
func scalarSchemas() map[reflect.Type]*jsonschema.Schema {
	out := map[reflect.Type]*jsonschema.Schema{
		secretType: {
			Type: "object", MinProperties: jsonschema.Ptr(1), MaxProperties: jsonschema.Ptr(1),
			AdditionalProperties: &jsonschema.Schema{Not: &jsonschema.Schema{}},
			Properties: map[string]*jsonschema.Schema{
				"file":       {Types: []string{"string", "integer"}, Description: "file that holds the secret alone, readable by its owner only"},
				"env":        {Type: "string", Description: "environment variable that holds the secret", Pattern: envName.String()},
				"credential": {Types: []string{"string", "integer"}, Description: "systemd credential that holds the secret (LoadCredential=)"},
			},
			PropertyOrder: []string{"file", "env", "credential"},
		},
		// A number may stand for text: user: 1001.
		reflect.TypeFor[string](): {Types: []string{"string", "integer"}},
		argType:                   {Types: []string{"string", "integer"}},
		pathType:                  {Type: "string"},
		freeType:                  {Type: "object"},
	}
	for t, f := range forms {
		out[t] = &jsonschema.Schema{Type: "string", Pattern: f.pattern}
		if f.pattern == "" {
			out[t].Types, out[t].Type = []string{"string", "integer"}, ""
		}
	}
	for t, allowed := range enums {
		s := &jsonschema.Schema{Type: "string"}
		for _, a := range allowed {
			s.Enum = append(s.Enum, a)
		}
		out[t] = s
	}
	return out
}

// enrich adds what the tags and the defaults say.
func enrich(s *jsonschema.Schema, defaults reflect.Value) error {
	for _, k := range keysOf(defaults.Type()) {
		p, v := s.Properties[k.name], defaults.Field(k.index)
		if v.Kind() == reflect.Struct && !isScalar(v.Type()) && !isOpaque(v.Type()) {
			if err := enrich(p, v); err != nil {
				return err
			}
		}
		if v.Kind() == reflect.Slice {
			if err := enrichList(p, v.Type().Elem()); err != nil {
				return err
			}
		}
		if err := annotate(p, k, v); err != nil {
			return fmt.Errorf("schema: key %s: %w", k.name, err)
		}
	}
	return nil
}

func enrichList(s *jsonschema.Schema, elem reflect.Type) error {
	s.Types, s.Type = nil, "array"
	if isScalar(elem) {
		s.Types, s.Type = []string{"array", "string"}, "" // one value stands for a list of one
		return nil
	}
	slot := reflect.New(elem)
	if def, ok := slot.Interface().(defaulter); ok {
		def.setDefaults()
	}
	return enrich(s.Items, slot.Elem())
}

func annotate(s *jsonschema.Schema, k key, v reflect.Value) error {
	if k.example != "" {
		var example any
		if err := yaml.Unmarshal([]byte(k.example), &example); err != nil {
			return err
		}
		s.Examples = []any{example}
	}
	if k.min != "" && (v.Kind() == reflect.Int || v.Kind() == reflect.Float64) {
		s.Minimum, s.Maximum = jsonschema.Ptr(bound(k.min)), jsonschema.Ptr(bound(k.max))
	}
	if k.min != "" && v.Type() == durationType {
		s.Description += fmt.Sprintf(" (%s to %s)", k.min, k.max)
	}
	value, ok := defaultJSON(v)
	if !ok {
		return nil
	}
	raw, err := json.Marshal(value)
	s.Default = raw
	return err
}

// defaultJSON is a default as it would be written, when there is one to tell.
func defaultJSON(v reflect.Value) (any, bool) {
	t := v.Type()
	switch {
	case t == secretType, !isScalar(t) && t.Kind() != reflect.Slice:
		return nil, false
	case t == durationType, v.Kind() == reflect.Bool:
		return jsonScalar(v), true
	case v.Kind() == reflect.Slice:
		if v.Len() == 0 || !isScalar(t.Elem()) {
			return nil, false
		}
		out := make([]any, v.Len())
		for i := range out {
			out[i] = jsonScalar(v.Index(i))
		}
		return out, true
	case v.IsZero() && v.Kind() != reflect.Int:
		return nil, false
	}
	return jsonScalar(v), true
}

func jsonScalar(v reflect.Value) any {
	text := written(v)
	if _, special := forms[v.Type()]; special {
		return text
	}
	switch v.Kind() {
	case reflect.Bool:
		return v.Bool()
	case reflect.Int, reflect.Float64:
		if x, err := strconv.ParseFloat(text, 64); err == nil {
			return x
		}
	}
	return text
}
