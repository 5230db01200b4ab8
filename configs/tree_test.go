package configs

import (
	"fmt"
	"strings"
	"testing"
)

// render writes a tree in one line, for tables.
func render(n *node) string {
	switch n.kind {
	case kindList:
		parts := make([]string, len(n.items))
		for i, item := range n.items {
			parts[i] = render(item)
		}
		return "[" + strings.Join(parts, " ") + "]"
	case kindMap:
		parts := make([]string, len(n.fields))
		for i, f := range n.fields {
			parts[i] = f.key + "=" + render(f.value)
		}
		return "{" + strings.Join(parts, " ") + "}"
	case kindNull:
		return "null"
	}
	return n.text
}

func TestTree(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"a: 1", "{a=1}"},
		{"user: 0044", "{user=0044}"},
		{"number: +380441234567", "{number=+380441234567}"},
		{"a: {l: [udp://1.2.3.4:5060, tcp://1.2.3.4:5060]}", "{a={l=[udp://1.2.3.4:5060 tcp://1.2.3.4:5060]}}"},
		{"a: {l: [2001:db8::/32, fe80::1]}", "{a={l=[2001:db8::/32 fe80::1]}}"},
		{"a: {l: [{k: v}, {k: w}]}", "{a={l=[{k=v} {k=w}]}}"},
		{"a: {l: ['udp://[::1]:5060']}", "{a={l=[udp://[::1]:5060]}}"},
		{"a: {u: sip:anna@192.0.2.1:5060;transport=tcp}", "{a={u=sip:anna@192.0.2.1:5060;transport=tcp}}"},
		{"x: &d {k: 1, m: 2}\ny: {<<: *d, m: 3}", "{x={k=1 m=2} y={m=3 k=1}}"},
		{"x: &d\n  k: 1\ny:\n  <<: *d\n  m: 3", "{x={k=1} y={m=3 k=1}}"},
		{"a: |\n  one\n  two\n", "{a=one\ntwo\n}"},
		{"- a\n- b: c\n  d:\n", "[a {b=c d=null}]"},
		{"---\na: 1\n", "{a=1}"},
		{"# nothing\n", "null"},
		{"", "null"},
		{"\"a b\": 'c d'", "{a b=c d}"},
	} {
		rep := newReport()
		text := []byte(c.text)
		got := parseTree(rep.source("f.yaml", text), text, rep)
		if err := rep.errors(); err != nil || got == nil {
			t.Errorf("%q: %v", c.text, err)
			continue
		}
		if s := render(got); s != c.want {
			t.Errorf("%q: got %s, want %s", c.text, s, c.want)
		}
	}
}

func TestTreeRefuses(t *testing.T) {
	deep := strings.Repeat("[", 100_000)
	for _, c := range []struct {
		text, want string
		line       int
	}{
		{"a: [1", "not YAML", 1},
		{"a: 1\n b: 2", "not YAML", 1},
		{"a: 1\na: 2", "written twice", 2},
		{"a: *b", "no anchor", 1},
		{"a: !!int 3", "tags", 1},
		{"a: 1\n---\nb: 2", "second document", 3},
		{"a: \x01", "control character", 1},
		{"\ta: 1", "control character", 1},
		{"a: 1\nb: \xff\xfe", "UTF-8", 2},
		{"a: " + deep, "longer than", 1},
		{strings.ReplaceAll(deep, "[", "[\n"), "brackets", 33},
		{strings.Repeat("k: v\n", 5000), "one block", 3001},
		{"a: " + strings.Repeat("x", maxFileBytes), "larger than", 1},
		{"a: 1\nb: {<<: 3}", "takes in a block", 2},
	} {
		rep := newReport()
		text := []byte(c.text)
		parseTree(rep.source("f.yaml", text), text, rep)
		problems, _ := rep.errors().(Errors)
		head := printable(c.text[:min(len(c.text), 40)])
		if len(problems) == 0 || !strings.Contains(problems[0].Message, c.want) {
			t.Errorf("%q: got %v, want %q", head, problems, c.want)
			continue
		}
		if problems[0].Line != c.line {
			t.Errorf("%q: line %d, want %d", head, problems[0].Line, c.line)
		}
	}
}

// TestAliasesAreBounded: a small file that aliases make huge is refused, in time.
func TestAliasesAreBounded(t *testing.T) {
	var doubling, wide strings.Builder
	doubling.WriteString("x-0: &a0 [x, x]\n")
	for i := 1; i < 40; i++ {
		fmt.Fprintf(&doubling, "x-%d: &a%d [*a%d, *a%d]\n", i, i, i-1, i-1)
	}
	doubling.WriteString("sip: {listen: *a39}\n")
	wide.WriteString("x-v: &v\n")
	for i := range 2000 {
		fmt.Fprintf(&wide, "  X-%d: v\n", i)
	}
	wide.WriteString("sip: {listen: [udp://127.0.0.1:0]}\ntrunks:\n")
	for i := range 20 {
		fmt.Fprintf(&wide, "  - {name: t%d, server: sip:192.0.2.1, headers: {variables: *v}}\n", i)
	}
	for text, want := range map[string]string{doubling.String(): "must be one value", wide.String(): "too large"} {
		l := newLoader()
		l.dec.limit = 20_000
		l.load("f.yaml", func(string) ([]byte, error) { return []byte(text), nil })
		err := l.rep.errors()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: got %.300v, want %q", text, err, want)
		}
	}
}
