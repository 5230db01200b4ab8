package doctor

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// TestAdvice reads the checks themselves, since many of their findings take a broken system to see: none warns or fails without
// saying what to change.
func TestAdvice(t *testing.T) {
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	files := token.NewFileSet()
	findings := 0
	empty := func(e ast.Expr) bool {
		text, ok := e.(*ast.BasicLit)
		return ok && strings.Trim(text.Value, "\"`") == ""
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(files, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			advises := strings.HasSuffix(f.Name.Name, "Advice")
			ast.Inspect(f, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.CallExpr:
					s, ok := n.Fun.(*ast.SelectorExpr)
					if !ok || s.Sel.Name != "warn" && s.Sel.Name != "fail" {
						break
					}
					if findings++; len(n.Args) != 3 || empty(n.Args[2]) {
						t.Errorf("%s: a finding without advice", files.Position(n.Pos()))
					}
				case *ast.ReturnStmt:
					if advises && empty(n.Results[0]) {
						t.Errorf("%s: advice that is empty", files.Position(n.Pos()))
					}
				}
				return true
			})
		}
	}
	if findings < 20 {
		t.Errorf("only %d findings read", findings)
	}
}
