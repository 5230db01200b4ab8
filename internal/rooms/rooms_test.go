// Package rooms holds the test that keeps imports going down only.
package rooms

import (
	"encoding/json"
	"io"
	"os/exec"
	"strings"
	"testing"
)

// order lists the rooms from top to bottom: a room imports only rooms below it.
var order = []string{"cmd", "plugins", "configs", "callcontrol", "journal", "sim", "sipua", "mediamix", "rtp", "systemd"}

// alone lists rooms that import no other room of ours, besides what is named.
var alone = map[string][]string{
	"rtp": nil, "mediamix": {"rtp"}, "systemd": nil, "journal": nil,
	"callcontrol": {"journal"},
	"configs":     {"mediamix"}, // check decodes music as the daemon will
	"sipua":       nil,
	"plugins":     {"callcontrol", "journal"},
	"sim":         {"sipua", "mediamix", "rtp"},
}

type pkg struct {
	ImportPath, Dir                    string
	Imports, TestImports, XTestImports []string
}

func room(path string) string {
	rest, ok := strings.CutPrefix(path, "cordboard/")
	if !ok {
		return ""
	}
	name, _, _ := strings.Cut(rest, "/")
	return name
}

func packages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Dir,Imports,TestImports,XTestImports", "cordboard/...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []pkg
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := d.Decode(&p); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if len(all) < len(order) {
		t.Fatalf("only %d packages found", len(all))
	}
	return all
}

func TestImportDirection(t *testing.T) {
	rank := map[string]int{}
	for i, r := range order {
		rank[r] = i
	}
	for _, p := range packages(t) {
		from := room(p.ImportPath)
		if from == "internal" {
			continue
		}
		if _, ok := rank[from]; !ok {
			t.Errorf("%s: room %q is not in the design", p.ImportPath, from)
		}
		for _, imp := range p.Imports {
			to := room(imp)
			if to == "" || to == from || to == "internal" {
				continue
			}
			if rank[to] <= rank[from] {
				t.Errorf("%s imports %s: imports go down only", p.ImportPath, imp)
			}
			if allowed, ok := alone[from]; ok && !contains(allowed, to) {
				t.Errorf("%s imports %s: room %s may import only %v", p.ImportPath, imp, from, allowed)
			}
		}
	}
}

// sipgo stays inside sipua: nothing else may see its types.
func TestImportSipgoOnlyInSipua(t *testing.T) {
	for _, p := range packages(t) {
		if room(p.ImportPath) == "sipua" {
			continue
		}
		for _, list := range [][]string{p.Imports, p.TestImports, p.XTestImports} {
			for _, imp := range list {
				if strings.HasPrefix(imp, "github.com/emiago/sipgo") {
					t.Errorf("%s imports %s: only sipua may", p.ImportPath, imp)
				}
			}
		}
	}
}

// NATS stays inside journal: events could be kept elsewhere one day.
func TestImportNATSOnlyInJournal(t *testing.T) {
	for _, p := range packages(t) {
		for _, list := range [][]string{p.Imports, p.TestImports, p.XTestImports} {
			for _, imp := range list {
				if room(p.ImportPath) != "journal" && strings.HasPrefix(imp, "github.com/nats-io/") {
					t.Errorf("%s imports %s: only journal may", p.ImportPath, imp)
				}
			}
		}
	}
}

// go-plugin stays inside host and sdk: adapters and the daemon know only the contract.
func TestImportGoPluginOnlyInHostAndSDK(t *testing.T) {
	for _, p := range packages(t) {
		if p.ImportPath == "cordboard/plugins/host" || p.ImportPath == "cordboard/plugins/sdk" {
			continue
		}
		for _, list := range [][]string{p.Imports, p.TestImports, p.XTestImports} {
			for _, imp := range list {
				if strings.HasPrefix(imp, "github.com/hashicorp/go-plugin") {
					t.Errorf("%s imports %s: only plugins/host and plugins/sdk may", p.ImportPath, imp)
				}
			}
		}
	}
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}
