package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"cordboard/callcontrol"
	"cordboard/cmd/cordboard/internal/doctor"
	"cordboard/cmd/cordboard/internal/reloadplan"
	"cordboard/configs"
	"cordboard/journal"
	"cordboard/plugins/adapter"
	"cordboard/plugins/control"
	controlv1 "cordboard/plugins/control/v1"
	"cordboard/sim"
)

var update = flag.Bool("update", false, "write the examples' output into docs/cli.md")

const docFile = "../../docs/cli.md"

func document(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(docFile)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// runLine runs one command line and returns its exit code and all it printed.
func runLine(t *testing.T, line string) (int, string) {
	t.Helper()
	var out bytes.Buffer
	a := &app{out: &out, errs: &out, now: func() time.Time { return start }, zone: time.UTC}
	code := run(words(line), a)
	return code, out.String()
}

// words splits as a shell does, for what the examples need.
func words(line string) []string {
	var ws []string
	for _, m := range regexp.MustCompile(`'([^']*)'|(\S+)`).FindAllStringSubmatch(line, -1) {
		ws = append(ws, m[1]+m[2])
	}
	return ws
}

const (
	goodConfig = "sip: {listen: [udp://127.0.0.1:5060]}\nlimits: {dial: {allow: [\"*\"]}}\n"
	oldConfig  = `sip: {listen: [udp://127.0.0.1:5060]}
trunks:
  - {name: pbx, server: sip:192.0.2.5}
agents:
  - {name: anna, line: {trunk: pbx, user: "1001", password: {env: LINES}}, device: {contact: sip:192.0.2.21}}
  - {name: borys, line: {trunk: pbx, user: "1002", password: {env: LINES}}, device: {contact: sip:192.0.2.22}}
  - {name: clara, line: {trunk: pbx, user: "1003", password: {env: LINES}}, device: {contact: sip:192.0.2.23}}
limits: {dial: {allow: ["1xxx"]}}
`
	badConfig = "sip:\n  lisen: [udp://127.0.0.1:5060]\nrtp:\n  ports: 29999-20000\n"
)

// newConfig is oldConfig after an edit: anna's policy, borys gone, dmytro come, another dial rule.
var newConfig = strings.NewReplacer(
	"name: anna,", "name: anna, wrap_up: 15s,", "name: borys,", "name: dmytro,", `"1002"`, `"1004"`, "192.0.2.22", "192.0.2.24",
	`["1xxx"]`, `["1xxx", "+380"]`).Replace(oldConfig)

// movedConfig needs a restart.
var movedConfig = strings.Replace(newConfig, "127.0.0.1:5060", "127.0.0.1:5070", 1)

// Every console example of docs/cli.md prints what the document says.
func TestExamples(t *testing.T) {
	doc := document(t)
	serve(t, newFake(t))
	target, err := filepath.Abs(docFile)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	t.Setenv("LINES", "a password")
	for name, text := range map[string]string{"good.yaml": goodConfig, "bad.yaml": badConfig, "old.yaml": oldConfig, "new.yaml": newConfig, "moved.yaml": movedConfig} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	examples := 0
	got := regexp.MustCompile("(?s)```console\n(.*?)```").ReplaceAllStringFunc(doc, func(block string) string {
		var b strings.Builder
		b.WriteString("```console\n")
		for line := range strings.Lines(block) {
			command, ok := strings.CutPrefix(strings.TrimSpace(line), "$ cordboard ")
			if !ok {
				continue
			}
			examples++
			fmt.Fprint(&b, line)
			command, tellsExit := strings.CutSuffix(command, ` || echo "exit $?"`)
			code, out := runLine(t, command)
			b.WriteString(out)
			if tellsExit != (code != 0) {
				t.Errorf("%s: exit code %d\n%s", command, code, out)
			}
			if code != 0 {
				fmt.Fprintf(&b, "exit %d\n", code)
			}
		}
		return b.String() + "```"
	})
	if examples < 30 {
		t.Errorf("only %d examples", examples)
	}
	if *update {
		if err := os.WriteFile(target, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got != doc {
		t.Errorf("docs/cli.md differs from what the commands print; read the change and run with -update\n%s", firstDifference(doc, got))
	}
}

func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range w {
		if i >= len(g) || w[i] != g[i] {
			return fmt.Sprintf("line %d\n want %s\n got  %s", i+1, w[i], g[min(i, len(g)-1)])
		}
	}
	return "more lines printed"
}

// Every command has its section, with an example and each of its flags; no section is without its command.
func TestEveryCommandIsDocumented(t *testing.T) {
	doc := document(t)
	sections := map[string]string{}
	for _, part := range strings.Split(doc, "\n### `")[1:] {
		name, text, _ := strings.Cut(part, "`\n")
		text, _, _ = strings.Cut(text, "\n## ")
		sections[name] = text
	}
	var c cli
	parser, err := kong.New(&c, kong.Bind(&app{}), kong.ExplicitGroups(groups))
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range parser.Model.Leaves(true) {
		text, ok := sections[n.Name]
		delete(sections, n.Name)
		if !ok {
			t.Errorf("%s has no section", n.Name)
			continue
		}
		if !strings.Contains(text, "cordboard "+n.Name) {
			t.Errorf("%s has no example", n.Name)
		}
		if n.Group == nil || n.Help == "" {
			t.Errorf("%s has no group or help", n.Name)
		}
		for _, f := range n.Flags {
			if !strings.Contains(text, "--"+f.Name) {
				t.Errorf("%s: flag --%s is not documented", n.Name, f.Name)
			}
		}
	}
	for name := range sections {
		t.Errorf("section %s has no command", name)
	}
	for _, f := range parser.Model.Flags {
		if f.Name != "help" && !strings.Contains(doc, "| `--"+f.Name) {
			t.Errorf("global flag --%s is not documented", f.Name)
		}
	}
}

// Every JSON field is in the document, every refusal is, and has a hint; every exit code is.
func TestEveryFieldAndCodeIsDocumented(t *testing.T) {
	doc := document(t)
	for _, v := range []any{
		callcontrol.AgentView{}, callcontrol.DeviceView{}, callcontrol.Why{}, callcontrol.CallView{}, callcontrol.LegView{}, callcontrol.LegMedia{},
		callcontrol.TransferView{}, callcontrol.Identity{}, callcontrol.Variable{}, callcontrol.Contact{}, callcontrol.Event{},
		control.AdapterStatus{}, journal.Cursor{}, journal.Gap{}, done{}, failure{}, callcontrol.Moment{}, callcontrol.CallPhase{},
		callcontrol.HistoryRecord{}, callcontrol.Parts{}, control.Found{}, control.FoundContact{}, control.SearchFailure{}, adapter.Contact{}, adapter.Phone{}, doctor.Finding{}, configs.Problem{},
		reloadplan.Plan{}, reloadplan.Line{}, reloadplan.Step{}, reloadplan.Call{}, configs.Change{},
		sim.Happening{},
	} {
		typ := reflect.TypeOf(v)
		for i := range typ.NumField() {
			name, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
			if name != "" && !strings.Contains(doc, "`"+name+"`") {
				t.Errorf("%s: field %s is not documented", typ, name)
			}
		}
	}
	for n, name := range controlv1.RefusalCode_name {
		code := callcontrol.Code(strings.ToLower(strings.TrimPrefix(name, "REFUSAL_CODE_")))
		if n != 0 && (!strings.Contains(doc, "`"+string(code)+"`") || hints[code] == "") {
			t.Errorf("refusal %s is not documented, or has no hint", code)
		}
	}
	for _, code := range []int{exitOK, exitFailed, exitForced, exitUnclean, exitRefused, exitUsage} {
		if !strings.Contains(doc, fmt.Sprintf("| %d |", code)) {
			t.Errorf("exit code %d is not documented", code)
		}
	}
}
