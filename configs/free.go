package configs

import (
	"bytes"
	"encoding/json"
	"math"
	"math/big"
	"reflect"
	"strconv"
	"strings"
)

// Free is a part of the configuration whose keys are not the daemon's: an adapter's own. Only its form is
// looked at here.
type Free struct{ raw string }

var freeType = reflect.TypeFor[Free]()

// JSON is what was written, as JSON; {} when nothing was written.
func (f Free) JSON() json.RawMessage {
	if f.raw == "" {
		return json.RawMessage("{}")
	}
	return json.RawMessage(f.raw)
}

// MarshalJSON implements json.Marshaler.
func (f Free) MarshalJSON() ([]byte, error) { return f.JSON(), nil }

// isOpaque reports whether the keys below a struct type are not those of its fields.
func isOpaque(t reflect.Type) bool { return t == secretType || t == freeType }

// free decodes a block whose keys are somebody else's.
func (d *decoder) free(n *node, v reflect.Value, k key, path string) {
	if n.kind != kindMap {
		d.wrongKind(n, k, path, "a block of keys", "write the adapter's keys under it, indented")
		return
	}
	var b bytes.Buffer
	if d.writeJSON(&b, n, path) {
		v.Set(reflect.ValueOf(Free{b.String()}))
	}
}

// writeJSON adds a node as JSON; false when something of it cannot be.
func (d *decoder) writeJSON(b *bytes.Buffer, n *node, path string) bool {
	if d.count++; d.count > d.limit {
		if d.count == d.limit+1 {
			d.rep.add(n.mark, path, "the file becomes too large when its aliases are followed", "write fewer aliases (*name)")
		}
		return false
	}
	ok := true
	switch n.kind {
	case kindMap:
		b.WriteByte('{')
		for i, f := range n.fields {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(quoteJSON(f.key) + ":")
			ok = d.writeJSON(b, f.value, joinPath(path, f.key)) && ok
		}
		b.WriteByte('}')
	case kindList:
		b.WriteByte('[')
		for i, item := range n.items {
			if i > 0 {
				b.WriteByte(',')
			}
			ok = d.writeJSON(b, item, path+"["+strconv.Itoa(i)+"]") && ok
		}
		b.WriteByte(']')
	default:
		word, good := scalarJSON(n)
		if !good {
			d.rep.add(n.mark, path, strconv.Quote(printable(n.text))+" cannot be passed on as a number", "put it in quotes if text is meant")
		}
		b.WriteString(word)
		return good
	}
	return ok
}

func quoteJSON(s string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(s) != nil {
		return `""` // a string can always be encoded
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// scalarJSON is one word as JSON. Digits with a zero in front stay text: they are a number of a
// telephone.
func scalarJSON(n *node) (string, bool) {
	plain := strings.ReplaceAll(n.text, "_", "")
	switch n.kind {
	case kindNull:
		return "null", true
	case kindBool:
		return strconv.FormatBool(strings.EqualFold(n.text, "true")), true
	case kindInt:
		if len(plain) > 1 && plain[0] == '0' && strings.Trim(plain, "0123456789") == "" {
			return quoteJSON(n.text), true
		}
		i, ok := new(big.Int).SetString(plain, 0)
		if !ok || i.BitLen() > 64 {
			return "", false
		}
		return i.String(), true
	case kindFloat:
		x, err := strconv.ParseFloat(plain, 64)
		if err != nil || math.IsInf(x, 0) || math.IsNaN(x) {
			return "", false
		}
		return strconv.FormatFloat(x, 'g', -1, 64), true
	}
	return quoteJSON(n.text), true
}
