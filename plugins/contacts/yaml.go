package contacts

import (
	"bytes"
	"errors"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Bounds of a YAML book, so that no text makes the parser slow or deep.
const (
	longestYAML     = 8 << 20
	longestYAMLLine = 8 << 10
	deepestYAML     = 16 // brackets in brackets
)

// readYAML reads a list of contacts, at the top or under contacts:. Numbers are taken as they are written, so that
// no quotes are needed around 0441234567.
func readYAML(data []byte, rep *report) []entry {
	if !modestYAML(data, rep) {
		return nil
	}
	file, err := parseYAML(data)
	if err != nil {
		rep.add(yamlError(err))
		return nil
	}
	y := &yamlReader{rep: rep}
	for _, doc := range file.Docs {
		if doc == nil || doc.Body == nil || doc.Body.Type() == ast.CommentType {
			continue
		}
		if y.read {
			rep.add(lineOf(doc.Body), "a second document begins here: keep one in a file")
			return nil
		}
		y.read = true
		y.top(doc.Body)
	}
	if !y.read {
		rep.add(1, "there is no list of contacts")
	}
	return y.out
}

func modestYAML(data []byte, rep *report) bool {
	if len(data) > longestYAML {
		rep.add(1, "a YAML book has at most 8 MiB: write a large one as CSV")
		return false
	}
	n, depth := 0, 0
	for line := range bytes.Lines(data) {
		n++
		depth += bytes.Count(line, []byte{'['}) + bytes.Count(line, []byte{'{'})
		if len(line) > longestYAMLLine || depth > deepestYAML {
			rep.add(n, "the line is too long, or has too many brackets in brackets")
			return false
		}
		depth = max(0, depth-bytes.Count(line, []byte{']'})-bytes.Count(line, []byte{'}'}))
	}
	return true
}

// parseYAML parses; a panic of the library on odd text is an error.
func parseYAML(data []byte) (file *ast.File, err error) {
	defer func() {
		if r := recover(); r != nil {
			file, err = nil, errors.New("text that cannot be understood")
		}
	}()
	return parser.ParseBytes(data, 0, parser.AllowDuplicateMapKey())
}

func yamlError(err error) (line int, text string) {
	text, _, _ = strings.Cut(err.Error(), "\n")
	var known yaml.Error
	if !errors.As(err, &known) {
		return 1, "not YAML: " + text
	}
	line = 1
	if tk := known.GetToken(); tk != nil && tk.Position != nil {
		line = tk.Position.Line
	}
	return line, "not YAML: " + known.GetMessage()
}

type yamlReader struct {
	rep  *report
	read bool
	out  []entry
}

func lineOf(n ast.Node) int {
	if n == nil {
		return 1
	}
	if m, ok := n.(*ast.MappingNode); ok && len(m.Values) > 0 {
		n = m.Values[0]
	}
	if v, ok := n.(*ast.MappingValueNode); ok && v.Key != nil {
		n = v.Key
	}
	return tokenLine(n.GetToken())
}

func tokenLine(t *token.Token) int {
	if t == nil || t.Position == nil {
		return 1
	}
	return t.Position.Line
}

func (y *yamlReader) top(n ast.Node) {
	if s, ok := n.(*ast.SequenceNode); ok {
		y.list(s)
		return
	}
	pairs, ok := pairsOf(n)
	if !ok {
		y.rep.add(lineOf(n), "a book is a list: begin each contact with a dash")
		return
	}
	seen := keySet{}
	for _, p := range pairs {
		key := y.key(p, seen)
		if key != "contacts" {
			y.rep.add(lineOf(p), "key %s is not known here: there is contacts", quote(key))
			continue
		}
		switch v := p.Value.(type) {
		case *ast.SequenceNode:
			y.list(v)
		case *ast.NullNode:
		default:
			y.rep.add(lineOf(p), "contacts is a list: begin each contact with a dash")
		}
	}
}

func (y *yamlReader) list(s *ast.SequenceNode) {
	for _, item := range s.Values {
		if len(y.out) > mostRecords {
			return // bind says that there are too many
		}
		pairs, ok := pairsOf(item)
		if !ok {
			y.rep.add(lineOf(item), "a contact is a block of keys: name, phone and others")
			continue
		}
		y.out = append(y.out, y.contact(lineOf(item), pairs))
	}
}

// pairsOf is a block of keys; false: it is none.
func pairsOf(n ast.Node) ([]*ast.MappingValueNode, bool) {
	switch n := n.(type) {
	case *ast.MappingNode:
		return n.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}, true
	}
	return nil, false
}

type keySet map[string]bool

func (y *yamlReader) key(p *ast.MappingValueNode, seen keySet) string {
	if p.Key == nil || p.Key.GetToken() == nil {
		return ""
	}
	key := p.Key.GetToken().Value
	if seen[key] {
		y.rep.add(lineOf(p), "key %s is there twice", quote(key))
	}
	seen[key] = true
	return key
}

func (y *yamlReader) contact(line int, pairs []*ast.MappingValueNode) entry {
	e := entry{line: line}
	seen := keySet{}
	for _, p := range pairs {
		switch key := y.key(p, seen); key {
		case "id":
			e.id, _ = y.word(p.Value, key)
		case "name":
			e.name, _ = y.word(p.Value, key)
		case "kind":
			e.kind, _ = y.word(p.Value, key)
		case "phone", "phones":
			e.phones = append(e.phones, y.phones(p.Value)...)
		case "fields":
			e.fields = y.fields(p.Value)
		default:
			y.rep.add(lineOf(p), "key %s is not known: there are id, name, kind, phone, phones and fields", quote(key))
		}
	}
	return e
}

// word is a scalar as it is written, quotes and escapes resolved; false: it is none.
func (y *yamlReader) word(n ast.Node, what string) (string, bool) {
	switch n := n.(type) {
	case nil, *ast.NullNode:
		return "", true
	case *ast.LiteralNode:
		if n.Value != nil {
			return n.Value.Value, true
		}
	case *ast.StringNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		if tk := n.GetToken(); tk != nil {
			return tk.Value, true
		}
	}
	y.rep.add(lineOf(n), "%s is one text, without anchors and tags", what)
	return "", false
}

// phones are one number or several, each alone or with its label.
func (y *yamlReader) phones(n ast.Node) []phone {
	list, ok := n.(*ast.SequenceNode)
	if !ok {
		return y.phone(n)
	}
	var out []phone
	for _, item := range list.Values {
		out = append(out, y.phone(item)...)
	}
	return out
}

func (y *yamlReader) phone(n ast.Node) []phone {
	pairs, ok := pairsOf(n)
	if !ok {
		raw, ok := y.word(n, "a phone")
		if !ok || raw == "" {
			return nil
		}
		return []phone{{line: lineOf(n), raw: raw}}
	}
	out := phone{line: lineOf(n)}
	seen := keySet{}
	for _, p := range pairs {
		switch key := y.key(p, seen); key {
		case "number":
			out.raw, _ = y.word(p.Value, key)
		case "label":
			out.label, _ = y.word(p.Value, key)
		default:
			y.rep.add(lineOf(p), "key %s is not known: a phone has number and label", quote(key))
		}
	}
	if out.raw == "" {
		y.rep.add(out.line, "a phone has no number")
		return nil
	}
	return []phone{out}
}

func (y *yamlReader) fields(n ast.Node) []field {
	if _, none := n.(*ast.NullNode); none {
		return nil
	}
	pairs, ok := pairsOf(n)
	if !ok {
		y.rep.add(lineOf(n), "fields is a block of keys")
		return nil
	}
	var out []field
	seen := keySet{}
	for _, p := range pairs {
		key := y.key(p, seen)
		if value, ok := y.word(p.Value, key); ok && value != "" {
			out = append(out, field{key, value})
		}
	}
	return out
}
