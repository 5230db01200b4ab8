package configs

import (
	"reflect"
	"strings"
)

// key is what a struct field says about the key it is decoded from. The tags are
// the one place where names, descriptions, bounds and examples are kept: the
// decoder, the schema, the reference and Diff read them.
type key struct {
	name     string
	index    int
	required bool
	doc      string // tag jsonschema
	example  string // tag example: a value as written in YAML
	min, max string // tags min, max: numbers and durations
	restart  bool   // tag reload:"restart"
}

// keysOf lists the keys of a struct type in the order of its fields.
func keysOf(t reflect.Type) []key {
	keys := make([]key, 0, t.NumField())
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" || name == "-" {
			continue
		}
		keys = append(keys, key{
			name:     name,
			index:    i,
			required: options == "",
			doc:      f.Tag.Get("jsonschema"),
			example:  f.Tag.Get("example"),
			min:      f.Tag.Get("min"),
			max:      f.Tag.Get("max"),
			restart:  f.Tag.Get("reload") == "restart",
		})
	}
	return keys
}

func keyNames(keys []key) []string {
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = k.name
	}
	return names
}

// line is a key with an example value, as it would be written.
func (k key) line() string {
	if k.example == "" {
		return k.name + ": …"
	}
	return k.name + ": " + k.example
}

// homes finds where else in the configuration a key exists, as "sip.listen".
func homes(name string) []string {
	var found []string
	var walk func(t reflect.Type, path string)
	walk = func(t reflect.Type, path string) {
		for t.Kind() == reflect.Slice {
			t = t.Elem()
			path += "[]"
		}
		if t.Kind() != reflect.Struct || isScalar(t) || isOpaque(t) {
			return
		}
		for _, k := range keysOf(t) {
			at := joinPath(path, k.name)
			if k.name == name {
				found = append(found, at)
			}
			walk(t.Field(k.index).Type, at)
		}
	}
	walk(reflect.TypeFor[Config](), "")
	return found
}

func joinPath(path, name string) string {
	if path == "" {
		return name
	}
	if strings.ContainsAny(name, ". []\"") || name == "" {
		return path + `["` + printable(strings.ReplaceAll(name, `"`, "'")) + `"]`
	}
	return path + "." + printable(name)
}
