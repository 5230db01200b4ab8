package configs

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// kind is what a YAML node is.
type kind int

const (
	kindNull kind = iota + 1
	kindString
	kindInt
	kindFloat
	kindBool
	kindList
	kindMap
)

// names of kinds as told to people.
var kindNames = map[kind]string{
	kindNull: "nothing", kindString: "text", kindInt: "a whole number", kindFloat: "a number",
	kindBool: "true or false", kindList: "a list", kindMap: "a block of keys",
}

// node is a YAML value with its place. Aliases and merge keys are resolved.
type node struct {
	kind   kind
	text   string // scalars: as written, quotes and escapes resolved
	mark   mark
	fields []field
	items  []*node
}

type field struct {
	key    string
	mark   mark
	value  *node
	merged bool // came in by <<
}

// parseTree reads a file's text. With a syntax error there is no tree.
func parseTree(src *source, text []byte, rep *report) *node {
	if p, ok := tooMuch(src, text); !ok {
		rep.add(p.mark, "", p.message, p.fix)
		return nil
	}
	file, err := parseYAML(text)
	if err != nil {
		line, col, message := syntaxError(err)
		rep.add(src.mark(line, col), "", "not YAML: "+message,
			"check indentation (spaces, no tabs), colons followed by a space, quotes and brackets in this line and those beside it")
		return nil
	}
	t := &treeBuilder{src: src, rep: rep, anchors: map[string]*node{}}
	var docs []ast.Node
	for _, doc := range file.Docs {
		if doc != nil && doc.Body != nil && doc.Body.Type() != ast.CommentType {
			docs = append(docs, doc.Body)
		}
	}
	if len(docs) > 1 {
		rep.add(t.at(docs[1].GetToken()), "", "a second document begins here",
			"keep one document per file: remove the line --- or move what follows into its own file")
	}
	if len(docs) == 0 {
		return &node{kind: kindNull, mark: src.mark(1, 1)}
	}
	return t.node(docs[0])
}

// parseYAML parses; a panic of the library on odd text is a syntax error.
func parseYAML(text []byte) (file *ast.File, err error) {
	defer func() {
		if r := recover(); r != nil {
			file, err = nil, errors.New("text that cannot be understood")
		}
	}()
	return parser.ParseBytes(text, 0, parser.AllowDuplicateMapKey())
}

func syntaxError(err error) (line, col int, message string) {
	var known yaml.Error
	if !errors.As(err, &known) {
		message, _, _ = strings.Cut(err.Error(), "\n")
		return 1, 1, message
	}
	line, col = 1, 1
	if tk := known.GetToken(); tk != nil && tk.Position != nil {
		line, col = tk.Position.Line, tk.Position.Column
	}
	return line, col, known.GetMessage()
}

type treeBuilder struct {
	src     *source
	rep     *report
	anchors map[string]*node
	count   int
}

func (t *treeBuilder) at(tk *token.Token) mark {
	if tk == nil || tk.Position == nil {
		return t.src.mark(1, 1)
	}
	return t.src.mark(tk.Position.Line, tk.Position.Column)
}

// room counts nodes; it reports once and refuses when there are too many.
func (t *treeBuilder) room(n int, m mark) bool {
	before := t.count
	t.count += n
	if t.count <= maxNodes {
		return true
	}
	if before <= maxNodes {
		t.rep.add(m, "", "the file becomes too large when its aliases are followed", "write fewer aliases (*name)")
	}
	return false
}

func (t *treeBuilder) node(n ast.Node) *node {
	if n == nil {
		return &node{kind: kindNull, mark: t.src.mark(1, 1)}
	}
	m := t.at(n.GetToken())
	if !t.room(1, m) {
		return &node{kind: kindNull, mark: m}
	}
	switch n := n.(type) {
	case *ast.MappingNode:
		if !n.IsFlowStyle && len(n.Values) > 0 && n.Values[0].Key != nil {
			m = t.at(n.Values[0].Key.GetToken())
		}
		return t.mapping(m, n.Values)
	case *ast.MappingValueNode:
		if n.Key != nil {
			m = t.at(n.Key.GetToken())
		}
		return t.mapping(m, []*ast.MappingValueNode{n})
	case *ast.SequenceNode:
		out := &node{kind: kindList, mark: m}
		for _, item := range n.Values {
			if word, ok := t.colonWord(item, n.IsFlowStyle); ok {
				out.items = append(out.items, word)
				continue
			}
			out.items = append(out.items, t.node(item))
		}
		return out
	case *ast.AnchorNode:
		out := t.node(n.Value)
		if n.Name != nil && n.Name.GetToken() != nil {
			t.anchors[n.Name.GetToken().Value] = out
		}
		return out
	case *ast.AliasNode:
		return t.alias(m, n)
	case *ast.TagNode:
		t.rep.add(m, "", "tags (!) are not used here", "remove the tag and write the value alone")
		return t.node(n.Value)
	}
	return t.scalar(m, n)
}

// colonWord mends a flow list inside a flow mapping: goccy/go-yaml 1.19.2
// (2026-11) reads {listen: [udp://192.0.2.10:5060]} as a pair "udp://192.0.2.10"
// and 5060, although no space follows the colon (YAML 1.2 §7.3.3).
func (t *treeBuilder) colonWord(item ast.Node, flow bool) (*node, bool) {
	if m, ok := item.(*ast.MappingNode); ok && !m.IsFlowStyle && len(m.Values) == 1 {
		item = m.Values[0]
	}
	pair, ok := item.(*ast.MappingValueNode)
	if !ok || !flow || pair.Key == nil {
		return nil, false
	}
	m := t.at(pair.Key.GetToken())
	rest := []rune(t.src.lines[m.line-1])[m.col-1:]
	if len(rest) == 0 || strings.ContainsRune(`"'{[&*!`, rest[0]) {
		return nil, false
	}
	word := string(rest)
	if end := strings.IndexAny(word, ",]} "); end >= 0 {
		word = word[:end]
	}
	if i := strings.LastIndexByte(word, ':'); i < 1 || i == len(word)-1 {
		return nil, false
	}
	return &node{kind: kindString, text: word, mark: m}, true
}

func (t *treeBuilder) alias(m mark, n *ast.AliasNode) *node {
	name := ""
	if n.Value != nil && n.Value.GetToken() != nil {
		name = n.Value.GetToken().Value
	}
	if out, ok := t.anchors[name]; ok {
		return out
	}
	t.rep.add(m, "", fmt.Sprintf("alias *%s has no anchor before it", printable(name)),
		fmt.Sprintf("put &%s in front of the value that is meant, above this line", printable(name)))
	return &node{kind: kindNull, mark: m}
}

func (t *treeBuilder) scalar(m mark, n ast.Node) *node {
	out := &node{mark: m}
	if tk := n.GetToken(); tk != nil {
		out.text = tk.Value
	}
	switch n := n.(type) {
	case *ast.NullNode:
		out.kind = kindNull
	case *ast.IntegerNode:
		out.kind = kindInt
	case *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		out.kind = kindFloat
	case *ast.BoolNode:
		out.kind = kindBool
	case *ast.StringNode:
		out.kind, out.text = kindString, n.Value
	case *ast.LiteralNode:
		out.kind, out.text = kindString, ""
		if n.Value != nil {
			out.text = n.Value.Value
		}
	case *ast.MergeKeyNode:
		out.kind, out.text = kindString, "<<"
	default:
		t.rep.add(m, "", "this is not a value", "write a plain value, a list or a block of keys")
		out.kind = kindNull
	}
	return out
}

func (t *treeBuilder) mapping(m mark, values []*ast.MappingValueNode) *node {
	out := &node{kind: kindMap, mark: m}
	index := make(map[string]int, len(values))
	var merges []*node
	for _, v := range values {
		if v == nil || v.Key == nil {
			continue
		}
		km := t.at(v.Key.GetToken())
		if v.Key.IsMergeKey() {
			merges = append(merges, t.node(v.Value))
			continue
		}
		key, ok := t.key(v.Key)
		if !ok {
			t.rep.add(km, "", "this is not a key", "write a plain word, a colon and a space")
			continue
		}
		value := t.value(km, v.Value)
		if i, twice := index[key]; twice {
			t.rep.add(km, "", fmt.Sprintf("key %q is written twice; first in line %d", printable(key), out.fields[i].mark.line),
				"keep one of the two")
			continue
		}
		index[key] = len(out.fields)
		out.fields = append(out.fields, field{key: key, mark: km, value: value})
	}
	for _, from := range merges {
		t.merge(out, index, from)
	}
	return out
}

// value gives an empty value the place of its key.
func (t *treeBuilder) value(key mark, n ast.Node) *node {
	out := t.node(n)
	if out.kind == kindNull {
		out.mark = key
	}
	return out
}

func (t *treeBuilder) key(n ast.MapKeyNode) (string, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.IntegerNode, *ast.BoolNode, *ast.FloatNode, *ast.NullNode:
		return n.GetToken().Value, true
	}
	return "", false
}

// merge adds the keys of <<: that are not written here.
func (t *treeBuilder) merge(out *node, index map[string]int, from *node) {
	if from.kind == kindList {
		for _, item := range from.items {
			t.merge(out, index, item)
		}
		return
	}
	if from.kind != kindMap {
		t.rep.add(from.mark, "", "<<: takes in a block of keys, and this is none", "write <<: *name, with &name in front of a block of keys above")
		return
	}
	if !t.room(len(from.fields), from.mark) {
		return
	}
	for _, f := range from.fields {
		if _, there := index[f.key]; !there {
			index[f.key] = len(out.fields)
			f.merged = true
			out.fields = append(out.fields, f)
		}
	}
}
