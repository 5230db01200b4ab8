package configs

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
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
		if t.Kind() != reflect.Struct || isScalar(t) || isOpaque(t) {
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
		if rt.Kind() != reflect.Struct || isScalar(rt) || isOpaque(rt) {
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
		d := decoder{rep: rep, marks: map[string]mark{}, limit: 100}
		d.value(tree.fields[0].value, reflect.New(ft).Elem(), k, at)
	}
	if err := rep.errors(); err != nil {
		t.Errorf("%s: its own example is refused: %v", at, err)
	}
}

// TestReference keeps the tables of docs/configuration.md as the types say. Each
// block of the schema has its table there, between markers, and so every key is
// named, with default, meaning and example.
func TestReference(t *testing.T) {
	const name = "../docs/configuration.md"
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	doc := string(text)
	for _, b := range blocks() {
		begin, end := "<!-- keys of "+b.path+" -->\n", "<!-- end -->"
		before, rest, found := strings.Cut(doc, begin)
		_, after, closed := strings.Cut(rest, end)
		if !found || !closed {
			t.Errorf("%s has no place for the keys of %s: write %s%s", name, b.path, begin, end)
			continue
		}
		doc = before + begin + b.table() + end + after
	}
	golden(t, name, []byte(doc))
	for _, path := range allKeys() {
		if !strings.Contains(doc, "`"+path+"`") {
			t.Errorf("%s does not name %s", name, path)
		}
	}
}

// block is a struct of the schema with its defaults.
type block struct {
	path     string
	defaults reflect.Value
}

func blocks() []block {
	out := []block{{"the file", reflect.ValueOf(*Default())}}
	for i := 0; i < len(out); i++ {
		b := out[i]
		prefix := b.path
		if i == 0 {
			prefix = ""
		}
		for _, k := range keysOf(b.defaults.Type()) {
			v, at := b.defaults.Field(k.index), joinPath2(prefix, k.name)
			if v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct && !isScalar(v.Type().Elem()) {
				slot := reflect.New(v.Type().Elem())
				if def, ok := slot.Interface().(defaulter); ok {
					def.setDefaults()
				}
				v, at = slot.Elem(), at+"[]"
			}
			if v.Kind() == reflect.Struct && !isScalar(v.Type()) && !isOpaque(v.Type()) {
				out = append(out, block{at, v})
			}
		}
	}
	return out
}

func (b block) table() string {
	var out strings.Builder
	out.WriteString("| key | default | meaning | a change needs | example |\n|---|---|---|---|---|\n")
	prefix := b.path
	if prefix == "the file" {
		prefix = ""
	}
	cell := strings.NewReplacer("|", "\\|", "\n", " ")
	for _, k := range keysOf(b.defaults.Type()) {
		v := b.defaults.Field(k.index)
		meaning := k.doc
		if words := enums[v.Type()]; words != nil {
			meaning += "; one of " + strings.Join(words, ", ")
		}
		if k.min != "" {
			meaning += fmt.Sprintf("; %s to %s", k.min, k.max)
		}
		example := ""
		if k.example != "" {
			example = "`" + k.example + "`"
		}
		fmt.Fprintf(&out, "| `%s` | %s | %s | %s | %s |\n", joinPath2(prefix, k.name), cell.Replace(b.standard(k, v)), cell.Replace(meaning), k.effect(v.Type()), cell.Replace(example))
	}
	return out.String()
}

// effect is what a change of the key needs, by what Diff goes by; blocks have their own tables.
func (k key) effect(t reflect.Type) Effect {
	inner := t
	for inner.Kind() == reflect.Slice {
		inner = inner.Elem()
	}
	switch {
	case inner.Kind() == reflect.Struct && !isScalar(inner) && !isOpaque(inner):
		return ""
	case k.restart:
		return EffectRestart
	}
	return EffectReload
}

// standard is the default as the reference tells it.
func (b block) standard(k key, v reflect.Value) string {
	switch path := b.path + "." + k.name; {
	case k.required:
		return "must be given"
	case path == "rtp.bind":
		return "address of the first SIP listener"
	case path == "journal.dir":
		return "`journal` in `state_dir`"
	case path == "limits.max_legs":
		return "3000, or what `rtp.ports` has room for"
	case path == "agents[].wrap_up", path == "agents[].call_waiting":
		return "`calls." + k.name + "`"
	case b.path == "trunks[].dial":
		return "`limits.dial." + k.name + "`"
	}
	if value, ok := defaultJSON(v); ok {
		raw, err := json.Marshal(value)
		if err == nil {
			return "`" + strings.ReplaceAll(strings.Trim(string(raw), `"`), `","`, `", "`) + "`"
		}
	}
	return ""
}

// TestOutcomesNamesKeys: what docs/outcomes.md writes as code is a key of the reference, with a value that it takes, or one of the
// few other things named there. The cells, in the tables' last column or with a slash, are held by their own tests.
func TestOutcomesNamesKeys(t *testing.T) {
	text, err := os.ReadFile("../docs/outcomes.md")
	if err != nil {
		t.Fatal(err)
	}
	others := strings.Fields("not_allowed_in_state answer reject hangup retrieve swap complete cancel callcontrol patchOf Outcomes Cells")
	values := map[string]bool{}
	for _, words := range enums {
		for _, w := range words {
			values[w] = true
		}
	}
	keys := allKeys()
	isKey := func(word string) bool {
		return slices.ContainsFunc(keys, func(k string) bool { return k == word || strings.HasSuffix(k, "."+word) })
	}
	checked, cells := 0, false
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "|") {
			cells = false
		} else if strings.HasSuffix(strings.TrimSpace(line), "| cell |") {
			cells = true
		}
		if cells {
			line = line[:strings.LastIndex(strings.TrimRight(line, "|\n "), "|")]
		}
		for i, word := range strings.Split(line, "`") {
			if i%2 == 0 || strings.Contains(word, "/") || strings.HasPrefix(word, "Test") || slices.Contains(others, word) || values[word] {
				continue
			}
			checked++
			key, value, given := strings.Cut(word, ": ")
			if _, err := strconv.Atoi(value); !isKey(key) || given && !values[value] && err != nil {
				t.Errorf("docs/outcomes.md speaks of `%s`: no such key", word)
			}
		}
	}
	if checked < 8 {
		t.Errorf("only %d keys found", checked)
	}
}
