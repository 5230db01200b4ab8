package configs

import (
	"reflect"
	"testing"
)

// allKeys lists every key of the schema as a path, blocks too.
func allKeys() []string {
	var out []string
	var visit func(t reflect.Type, path string)
	visit = func(t reflect.Type, path string) {
		for t.Kind() == reflect.Slice {
			t, path = t.Elem(), path+"[]"
		}
		if t.Kind() != reflect.Struct || isScalar(t) || t == secretType {
			return
		}
		for _, k := range keysOf(t) {
			at := joinPath2(path, k.name)
			out = append(out, at)
			visit(t.Field(k.index).Type, at)
		}
	}
	visit(reflect.TypeFor[Config](), "")
	return out
}

func joinPath2(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// TestTags: each key is described, has an example that it takes, and bounds that
// can be read.
func TestTags(t *testing.T) {
	var visit func(rt reflect.Type, path string)
	visit = func(rt reflect.Type, path string) {
		for rt.Kind() == reflect.Slice {
			rt = rt.Elem()
		}
		if rt.Kind() != reflect.Struct || isScalar(rt) || rt == secretType {
			return
		}
		for _, k := range keysOf(rt) {
			at, ft := joinPath2(path, k.name), rt.Field(k.index).Type
			if k.doc == "" {
				t.Errorf("%s has no description", at)
			}
			if k.min != "" && (bound(k.min) >= bound(k.max)) {
				t.Errorf("%s: bounds %s, %s", at, k.min, k.max)
			}
			number := ft.Kind() == reflect.Int || ft.Kind() == reflect.Float64 || ft == durationType
			if number != (k.min != "") {
				t.Errorf("%s: a number has bounds, and nothing else has", at)
			}
			if isScalar(ft) || ft.Kind() == reflect.Slice && isScalar(ft.Elem()) {
				tryExample(t, at, k, ft)
			}
			visit(ft, at)
		}
	}
	visit(reflect.TypeFor[Config](), "")
}

func tryExample(t *testing.T, at string, k key, ft reflect.Type) {
	t.Helper()
	if k.example == "" {
		t.Errorf("%s has no example", at)
		return
	}
	rep := newReport()
	text := []byte(k.name + ": " + k.example)
	tree := parseTree(rep.source("example.yaml", text), text, rep)
	if tree != nil && len(tree.fields) == 1 {
		d := decoder{rep: rep, marks: map[string]mark{}}
		d.value(tree.fields[0].value, reflect.New(ft).Elem(), k, at)
	}
	if err := rep.errors(); err != nil {
		t.Errorf("%s: its own example is refused: %v", at, err)
	}
}
