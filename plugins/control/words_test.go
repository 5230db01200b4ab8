package control

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"cordboard/callcontrol"
)

// declared lists the values of every string constant of package callcontrol by its type.
func declared(t *testing.T) map[string][]string {
	t.Helper()
	names, err := filepath.Glob("../../callcontrol/*.go")
	if err != nil || len(names) == 0 {
		t.Fatalf("%v, %v", names, err)
	}
	all := map[string][]string{}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			v, ok := n.(*ast.ValueSpec)
			if !ok || v.Type == nil || len(v.Values) != 1 {
				return true
			}
			typ, isName := v.Type.(*ast.Ident)
			lit, isLit := v.Values[0].(*ast.BasicLit)
			if isName && isLit && lit.Kind == token.STRING {
				s, err := strconv.Unquote(lit.Value)
				if err != nil {
					t.Fatal(err)
				}
				all[typ.Name] = append(all[typ.Name], s)
			}
			return true
		})
	}
	return all
}

func keys[S ~string, E ~int32](w words[S, E]) []string {
	var ks []string
	for s := range w.enum {
		ks = append(ks, string(s))
	}
	slices.Sort(ks)
	return ks
}

// Every word of callcontrol has its enum value, and no enum has a value that callcontrol lacks.
func TestWordsAreThoseOfCallcontrol(t *testing.T) {
	all := declared(t)
	for typ, got := range map[string][]string{
		"Kind": keys(verbs), "Code": keys(refusalCodes), "EventKind": keys(eventKinds), "Role": keys(roles),
		"LegState": keys(legStates), "CallDirection": keys(directions), "Phase": keys(phases),
		"TransferKind": keys(transferKinds), "TransferStatus": keys(transferStatuses), "Status": keys(statuses),
		"Connect": keys(connects), "WhyCode": keys(reasons), "Cause": keys(causes), "Ender": keys(enders),
	} {
		want := all[typ]
		slices.Sort(want)
		if len(want) == 0 || !slices.Equal(want, got) {
			t.Errorf("%s: callcontrol has %v, control.proto has %v", typ, want, got)
		}
	}
}

func TestEveryVerbHasAMethodAndEveryCodeAStatus(t *testing.T) {
	for _, k := range callcontrol.Kinds {
		if invokes[k] == nil {
			t.Errorf("verb %s has no method", k)
		}
	}
	if len(invokes) != len(callcontrol.Kinds) {
		t.Errorf("%d methods for %d verbs", len(invokes), len(callcontrol.Kinds))
	}
	for c := range refusalCodes.enum {
		switch statusOf[c] {
		case codes.OK, codes.Unavailable, codes.Internal, codes.Unknown:
			t.Errorf("refusal %s has status %s", c, statusOf[c])
		}
	}
}

func TestTextIsValid(t *testing.T) {
	if got := text("a\xffb"); got != "a\uFFFDb" || !strings.Contains(got, "b") {
		t.Errorf("text: %q", got)
	}
}
