package main

import (
	"os/exec"
	"reflect"
	"strings"
	"testing"

	"cordboard/cmd/cordboard/internal/daemon"
)

// The manual page and the completion know every command that is not hidden.
func TestManual(t *testing.T) {
	_, man := runLine(t, "manual man")
	_, bash := runLine(t, "manual bash")
	commands := 0
	for i := range reflect.TypeFor[cli]().NumField() {
		f := reflect.TypeFor[cli]().Field(i)
		if _, command := f.Tag.Lookup("cmd"); !command {
			continue
		}
		name := strings.ToLower(f.Name)
		_, hidden := f.Tag.Lookup("hidden")
		if got := strings.Contains(man, "\n.SS "+name+" ") || strings.Contains(man, "\n.SS "+name+"\n"); got == hidden {
			t.Errorf("%s in the manual: %v", name, got)
		}
		if got := strings.Contains(bash, "\t"+name+") "); got == hidden {
			t.Errorf("%s in the completion: %v", name, got)
		}
		commands++
	}
	if commands < 20 {
		t.Errorf("%d commands", commands)
	}
	for line := range strings.Lines(man) {
		if strings.HasPrefix(line, ".") && !strings.HasPrefix(line, ".SH ") && !strings.HasPrefix(line, ".SS ") &&
			!strings.HasPrefix(line, ".TP") && !strings.HasPrefix(line, ".TH ") && !strings.HasPrefix(line, ".B ") && !strings.HasPrefix(line, ".I ") {
			t.Errorf("a request nobody meant: %q", line)
		}
	}
	script := bash + `
COMP_WORDS=(cordboard --json "hol") COMP_CWORD=2; _cordboard; echo "${COMPREPLY[@]}"
COMP_WORDS=(cordboard hold --call x --soc) COMP_CWORD=4; _cordboard; echo "${COMPREPLY[@]}"`
	out, err := exec.Command("bash", "-c", script).CombinedOutput()
	if err != nil || string(out) != "hold\n--socket\n" {
		t.Errorf("bash: %v\n%s", err, out)
	}
}

func TestVersion(t *testing.T) {
	if code, out := runLine(t, "--version"); code != exitOK || out != daemon.Version()+"\n" {
		t.Errorf("exit %d, printed %q", code, out)
	}
}
