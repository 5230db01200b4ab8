package configs

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Effect is what a change needs to come into force.
type Effect string

// The effects.
const (
	EffectReload  Effect = "reload"
	EffectRestart Effect = "restart"
)

// ChangeKind is what happened to a key.
type ChangeKind string

// The kinds of change.
const (
	Added   ChangeKind = "added"
	Removed ChangeKind = "removed"
	Changed ChangeKind = "changed"
)

// Change is one difference between two configurations. Old and New are as written
// in a file; secrets are never shown.
type Change struct {
	Path   string     `json:"path"` // as rtp.ports or agents[anna].line.user
	Kind   ChangeKind `json:"kind"`
	Old    string     `json:"old,omitempty"`
	New    string     `json:"new,omitempty"`
	Effect Effect     `json:"effect"`
}

// String is the change in one line.
func (c Change) String() string {
	s := fmt.Sprintf("%s %s", c.Path, c.Kind)
	if c.Kind == Changed && c.Old != c.New {
		s += fmt.Sprintf(" from %s to %s", orNothing(c.Old), orNothing(c.New))
	}
	return s + " (" + string(c.Effect) + ")"
}

func orNothing(s string) string {
	if s == "" {
		return "nothing"
	}
	return s
}

// Diff lists what differs, in the order of the types' fields. Trunks and agents
// are matched by name, so moving one in the list is no change. Values that one key
// takes from another (rtp.bind, a trunk's dial rules) count where they are used.
func Diff(before, after *Config) []Change {
	var d differ
	d.values(reflect.ValueOf(*before), reflect.ValueOf(*after), "", false)
	return d.changes
}

type differ struct{ changes []Change }

func (d *differ) add(path string, kind ChangeKind, before, after string, restart bool) {
	if strings.HasPrefix(path, "adapters[") && strings.Contains(path, "].env.") {
		before, after = "", "" // a password of a proxy, a token
	}
	effect := EffectReload
	if restart {
		effect = EffectRestart
	}
	d.changes = append(d.changes, Change{Path: path, Kind: kind, Old: before, New: after, Effect: effect})
}

func (d *differ) values(a, b reflect.Value, path string, restart bool) {
	t := a.Type()
	switch {
	case t == secretType:
		if x, y := a.Interface().(Secret), b.Interface().(Secret); !x.Equal(y) {
			d.add(path, changeOf(x.IsZero(), y.IsZero()), "", "", restart)
		}
	case t == freeType:
		if x, y := a.Interface().(Free), b.Interface().(Free); x != y {
			d.add(path, changeOf(x == Free{}, y == Free{}), "", "", restart) // it may hold what is nobody's business
		}
	case isScalar(t):
		if a.Interface() != b.Interface() {
			d.add(path, Changed, written(a), written(b), restart)
		}
	case t.Kind() == reflect.Struct:
		for _, k := range keysOf(t) {
			if path == "" && k.name == "include" {
				continue // what the files hold is compared, not where they are
			}
			d.values(a.Field(k.index), b.Field(k.index), joinPath(path, k.name), restart || k.restart)
		}
	case t.Kind() == reflect.Map:
		d.tables(a, b, path, restart)
	case isScalar(t.Elem()):
		if x, y := written(a), written(b); x != y {
			d.add(path, Changed, x, y, restart)
		}
	default:
		d.named(a, b, path, restart)
	}
}

func changeOf(wasZero, isZero bool) ChangeKind {
	switch {
	case wasZero:
		return Added
	case isZero:
		return Removed
	}
	return Changed
}

func (d *differ) tables(a, b reflect.Value, path string, restart bool) {
	var names []string
	for _, m := range []reflect.Value{a, b} {
		for _, k := range m.MapKeys() {
			names = append(names, k.String())
		}
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		key := reflect.ValueOf(name)
		x, y := a.MapIndex(key), b.MapIndex(key)
		at := joinPath(path, name)
		switch {
		case !x.IsValid():
			d.add(at, Added, "", written(y), restart)
		case !y.IsValid():
			d.add(at, Removed, written(x), "", restart)
		default:
			d.values(x, y, at, restart)
		}
	}
}

// named compares lists of blocks whose field Name tells them apart.
func (d *differ) named(a, b reflect.Value, path string, restart bool) {
	index := func(list reflect.Value) map[string]reflect.Value {
		out := make(map[string]reflect.Value, list.Len())
		for i := range list.Len() {
			out[list.Index(i).FieldByName("Name").String()] = list.Index(i)
		}
		return out
	}
	old, now := index(a), index(b)
	for i := range a.Len() {
		name := a.Index(i).FieldByName("Name").String()
		at := fmt.Sprintf("%s[%s]", path, name)
		if y, ok := now[name]; ok {
			d.values(a.Index(i), y, at, restart)
		} else {
			d.add(at, Removed, "", "", restart)
		}
	}
	for i := range b.Len() {
		name := b.Index(i).FieldByName("Name").String()
		if _, ok := old[name]; !ok {
			d.add(fmt.Sprintf("%s[%s]", path, name), Added, "", "", restart)
		}
	}
}
