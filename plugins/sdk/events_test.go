package sdk

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"

	"cordboard/callcontrol"
)

// Every event of callcontrol can be named in a configuration, and nothing else.
func TestEventKinds(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../../callcontrol/event.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	ast.Inspect(file, func(node ast.Node) bool {
		if lit, ok := node.(*ast.BasicLit); ok && lit.Kind == token.STRING && !strings.HasPrefix(lit.Value, "`") {
			if word, _ := strconv.Unquote(lit.Value); word != "time" {
				n++
				if on, err := EventKinds([]string{word}); err != nil || len(on) != 1 || !on[callcontrol.EventKind(word)] {
					t.Errorf("%s: %v, %v", word, on, err)
				}
			}
		}
		return true
	})
	if n != len(callcontrol.EventKinds) {
		t.Errorf("%d kinds, and %d in the table", n, len(callcontrol.EventKinds))
	}
	if on, err := EventKinds(nil); on != nil || err != nil {
		t.Errorf("no list: %v, %v", on, err)
	}
	for want, words := range map[string][]string{
		"the list is empty": {},
		`"call_begun" is no event: there are call_started, `: {"call_ended", "call_begun"},
	} {
		if _, err := EventKinds(words); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v", words, err)
		}
	}
}

func TestEncode(t *testing.T) {
	if text, err := Encode(map[string]string{"a": "<b>&\n"}); err != nil || string(text) != `{"a":"<b>&\n"}` {
		t.Errorf("%s, %v", text, err)
	}
	if _, err := Encode(make(chan int)); err == nil {
		t.Error("a channel was encoded")
	}
}
