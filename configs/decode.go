package configs

import (
	"fmt"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"
)

// decoder fills typed values from trees, gathers every problem, and remembers
// where each key was written.
type decoder struct {
	rep   *report
	marks map[string]mark // by path
	count int
	limit int // of count
	types map[reflect.Type][]key
}

// defaulter is a list element with defaults of its own.
type defaulter interface{ setDefaults() }

// value decodes n into v, which holds the default.
func (d *decoder) value(n *node, v reflect.Value, k key, path string) {
	if d.count++; d.count > d.limit {
		if d.count == d.limit+1 {
			d.rep.add(n.mark, path, "the file becomes too large when its aliases are followed", "write fewer aliases (*name)")
		}
		return
	}
	d.marks[path] = n.mark
	t := v.Type()
	switch {
	case t == secretType:
		d.secret(n, v, k, path)
	case t == freeType:
		d.free(n, v, k, path)
	case n.kind == kindNull:
		fix := "write " + k.line() + ", or remove the key to keep its default"
		if strings.HasSuffix(path, "]") {
			fix = "write the value behind the dash, or remove the dash"
		}
		d.rep.add(n.mark, path, "there is no value", fix)
	case isScalar(t):
		d.scalar(n, v, k, path)
	case t.Kind() == reflect.Struct:
		d.block(n, v, k, path)
	case t.Kind() == reflect.Slice:
		d.list(n, v, k, path)
	case t.Kind() == reflect.Map:
		d.table(n, v, k, path)
	}
}

func (d *decoder) wrongKind(n *node, k key, path, want, fix string) {
	what := kindNames[n.kind]
	if n.kind == kindInt && want == "a whole number" || n.kind != kindString && want == "a number" {
		want, what = "plain decimal digits", "written otherwise"
	}
	if n.kind != kindList && n.kind != kindMap {
		what += " (" + strconv.Quote(printable(n.text)) + ")"
	}
	d.rep.add(n.mark, path, fmt.Sprintf("this must be %s, and it is %s", want, what), fix)
}

// block decodes a struct.
func (d *decoder) block(n *node, v reflect.Value, k key, path string) {
	t := v.Type()
	keys := d.keys(t)
	if n.kind != kindMap {
		d.wrongKind(n, k, path, "a block of keys", "write under it, indented: "+strings.Join(keyNames(keys), ", "))
		return
	}
	byName := make(map[string]key, len(keys))
	for _, k := range keys {
		byName[k.name] = k
	}
	given := make(map[string]bool, len(n.fields))
	for _, f := range n.fields {
		known, ok := byName[f.key]
		if !ok {
			if meant := d.unknownKey(f, t, keys, path); meant != "" {
				given[meant] = true
			}
			continue
		}
		given[f.key] = true
		d.value(f.value, v.Field(known.index), known, joinPath(path, f.key))
	}
	for _, k := range keys {
		if k.required && !given[k.name] {
			d.rep.add(n.mark, joinPath(path, k.name), fmt.Sprintf("key %q is missing", k.name), "add "+k.line())
		}
	}
}

// keys is keysOf, remembered.
func (d *decoder) keys(t reflect.Type) []key {
	keys, ok := d.types[t]
	if !ok {
		keys = keysOf(t)
		if d.types == nil {
			d.types = map[reflect.Type][]key{}
		}
		d.types[t] = keys
	}
	return keys
}

// unknownKey reports a key that does not exist and returns the one probably meant.
func (d *decoder) unknownKey(f field, t reflect.Type, keys []key, path string) string {
	if strings.HasPrefix(f.key, "x-") && path == "" {
		return "" // room for anchors that several blocks share
	}
	if d.rep.full() {
		return ""
	}
	name := printable(f.key)
	message := fmt.Sprintf("key %q does not exist here", name)
	if meant, ok := nearest(f.key, keyNames(keys)); ok {
		for _, k := range keys {
			if k.name == meant && t.Field(k.index).Type == secretType {
				f.value.mark.src.hide(f.value)
			}
		}
		d.rep.add(f.mark, joinPath(path, f.key), message, fmt.Sprintf("did you mean %q?", meant))
		d.rep.bad[joinPath(path, meant)] = true // and what it lacks is no further problem
		return meant
	}
	fix := "remove it; the keys here are " + strings.Join(keyNames(keys), ", ")
	if at := homes(f.key); len(at) > 0 && len(at) <= 4 {
		fix = "move it: it belongs at " + oneOf(at)
	}
	d.rep.add(f.mark, joinPath(path, f.key), message, fix)
	return ""
}

// list decodes a slice; a single value stands for a list of one scalar.
func (d *decoder) list(n *node, v reflect.Value, k key, path string) {
	elem := v.Type().Elem()
	items := n.items
	if n.kind != kindList {
		if !isScalar(elem) || n.kind == kindMap {
			d.wrongKind(n, k, path, "a list", fmt.Sprintf("begin each of %s with a dash and a space, indented", k.name))
			return
		}
		items = []*node{n}
	}
	out := reflect.MakeSlice(v.Type(), len(items), len(items))
	first := make(map[string]int, len(items))
	for i, item := range items {
		at := fmt.Sprintf("%s[%d]", path, i)
		slot := out.Index(i)
		if def, ok := slot.Addr().Interface().(defaulter); ok {
			def.setDefaults()
		}
		d.value(item, slot, key{name: k.name, example: k.example}, at)
		if !isScalar(elem) || elem == argType || d.rep.bad[at] {
			continue
		}
		text := written(slot)
		if j, twice := first[text]; twice {
			d.rep.add(item.mark, at, fmt.Sprintf("%s is in the list twice; first as number %d", printable(text), j+1), "keep one of the two")
		} else {
			first[text] = i
		}
	}
	v.Set(out)
}

// table decodes a map with free keys.
func (d *decoder) table(n *node, v reflect.Value, k key, path string) {
	if n.kind != kindMap {
		d.wrongKind(n, k, path, "a block of names with a value each", "write "+k.line())
		return
	}
	out := reflect.MakeMapWithSize(v.Type(), len(n.fields))
	for _, f := range n.fields {
		at := joinPath(path, f.key)
		if f.key == "" {
			d.rep.add(f.mark, at, "the name is empty", "write "+k.line())
			continue
		}
		slot := reflect.New(v.Type().Elem()).Elem()
		d.value(f.value, slot, key{name: f.key, example: "…"}, at)
		if d.rep.bad[at] {
			continue
		}
		out.SetMapIndex(reflect.ValueOf(f.key), slot)
	}
	v.Set(out)
}

// scalar decodes a value written as one word.
func (d *decoder) scalar(n *node, v reflect.Value, k key, path string) {
	t := v.Type()
	if n.kind == kindList || n.kind == kindMap {
		d.wrongKind(n, k, path, "one value", "write "+k.line())
		return
	}
	if f, ok := forms[t]; ok {
		parsed, err := f.parse(n.text)
		if err != nil {
			d.rep.add(n.mark, path, printable(err.Error()), fmt.Sprintf("write %s, as %s", f.looks, k.line()))
			return
		}
		v.Set(reflect.ValueOf(parsed))
		if t == durationType {
			d.bounds(n, float64(v.Int()), k, path)
		}
		return
	}
	switch t.Kind() {
	case reflect.String:
		d.text(n, v, k, path)
	case reflect.Bool:
		if n.kind != kindBool {
			d.wrongKind(n, k, path, "true or false", fmt.Sprintf("write %s: true or %s: false", k.name, k.name))
			return
		}
		v.SetBool(strings.EqualFold(n.text, "true"))
	case reflect.Int:
		i, err := strconv.Atoi(n.text)
		if err != nil || n.kind != kindInt {
			d.wrongKind(n, k, path, "a whole number", "write "+k.line())
			return
		}
		v.SetInt(int64(i))
		d.bounds(n, float64(i), k, path)
	case reflect.Float64:
		x, err := strconv.ParseFloat(n.text, 64)
		if err != nil || n.kind != kindInt && n.kind != kindFloat || strings.ContainsAny(n.text, "_xXpPnNiI") {
			d.wrongKind(n, k, path, "a number", "write "+k.line())
			return
		}
		v.SetFloat(x)
		d.bounds(n, x, k, path)
	}
}

// text decodes plain text, enumerations and paths. A number may stand for text
// (user: 1001): it is taken as it is written.
func (d *decoder) text(n *node, v reflect.Value, k key, path string) {
	t := v.Type()
	if allowed, ok := enums[t]; ok {
		d.enum(n, v, k, path, allowed)
		return
	}
	if n.kind != kindString && n.kind != kindInt {
		d.wrongKind(n, k, path, "text", fmt.Sprintf("put it in quotes if it is meant: %s: %q", k.name, printable(n.text)))
		return
	}
	switch {
	case n.text == "":
		d.rep.add(n.mark, path, "the text is empty", "write "+k.line()+", or remove the key to keep its default")
		return
	case len(n.text) > 1024:
		d.rep.add(n.mark, path, "the text is longer than 1024 bytes", "write "+k.line())
		return
	case strings.IndexFunc(n.text, isControl) >= 0 || !utf8.ValidString(n.text):
		d.rep.add(n.mark, path, "the text has a line break or another control character", "write it in one line, as "+k.line())
		return
	}
	if t == pathType && !filepath.IsAbs(n.text) {
		v.SetString(filepath.Join(n.mark.src.dir, n.text))
		return
	}
	v.SetString(n.text)
}

func (d *decoder) enum(n *node, v reflect.Value, k key, path string, allowed []string) {
	for _, a := range allowed {
		if n.text == a {
			v.SetString(a)
			return
		}
	}
	fix := "write " + oneOf(allowed)
	if meant, ok := nearest(n.text, allowed); ok && len(allowed) > 1 {
		fix = fmt.Sprintf("did you mean %s? It is %s", meant, oneOf(allowed))
	}
	d.rep.add(n.mark, path, fmt.Sprintf("%q is not known here", printable(n.text)), fix)
}

func oneOf(words []string) string {
	if len(words) == 1 {
		return words[0]
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

// bounds checks a number or duration (ns) against the key's tags.
func (d *decoder) bounds(n *node, x float64, k key, path string) {
	if k.min == "" {
		return
	}
	low, high := bound(k.min), bound(k.max)
	if x >= low && x <= high {
		return
	}
	what := "less than " + k.min
	if x > high {
		what = "more than " + k.max
	}
	d.rep.add(n.mark, path, fmt.Sprintf("%s is %s", printable(n.text), what), fmt.Sprintf("write a value of %s to %s, as %s", k.min, k.max, k.line()))
}

// bound reads a min or max tag: a number, or a duration in ns.
func bound(s string) float64 {
	if x, err := strconv.ParseFloat(s, 64); err == nil {
		return x
	}
	d, err := parseDuration(s)
	if err != nil {
		panic("configs: bad bound " + s) // a tag of this package, checked by a test
	}
	return float64(d)
}
