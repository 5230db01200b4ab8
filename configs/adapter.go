package configs

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Adapter is a process that connects a CRM or a PBX's control API.
type Adapter struct {
	Name    string            `json:"name" jsonschema:"name by which logs, cursors and metrics mean this adapter; with another name it begins anew" example:"crm"`
	Kind    AdapterKind       `json:"kind,omitempty" jsonschema:"contacts and webhook come with the daemon; command is a program of its own" example:"command"`
	Command []Arg             `json:"command,omitempty" jsonschema:"kind command: the program and its arguments, not through a shell; a name without a slash is looked up in PATH" example:"[/usr/lib/cordboard/creatio, --verbose]"`
	Env     map[string]string `json:"env,omitempty" jsonschema:"environment variables for the process; of the daemon's own it gets PATH, HOME, LANG, LC_ALL, TZ, TMPDIR, CREDENTIALS_DIRECTORY, SSL_CERT_FILE and SSL_CERT_DIR" example:"{HTTPS_PROXY: \"http://proxy.example.com:3128\"}"`
	Lookup  Lookup            `json:"lookup,omitzero" jsonschema:"how long a call's party is looked up"`
	Config  Free              `json:"config,omitzero" jsonschema:"the adapter's own configuration, as its documentation says; it is checked by the adapter's schema when that starts" example:"{book: contacts.csv, region: UA}"`
}

// Lookup is how callers are looked up.
type Lookup struct {
	Timeout time.Duration `json:"timeout,omitempty" jsonschema:"longest wait for the name of a caller; a later answer is added to the call when it comes. No call waits for it" min:"10ms" max:"5s" example:"300ms"`
}

func (a *Adapter) setDefaults() {
	*a = Adapter{Kind: AdapterCommand, Lookup: Lookup{Timeout: 300 * time.Millisecond}}
}

// Words is the command line.
func (a Adapter) Words() []string {
	out := make([]string, len(a.Command))
	for i, w := range a.Command {
		out[i] = string(w)
	}
	return out
}

// Arg is a word of a command line. Others than in lists of names, it may stand there twice.
type Arg string

var (
	envForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,127}$`)
	// envTaken are the variables by which daemon and adapter find each other.
	envTaken = regexp.MustCompile(`^(PLUGIN_|CORDBOARD_ADAPTER$)`)
)

// checkAdapters looks at names, programs and variables.
func (l *loader) checkAdapters() {
	names := map[string]string{}
	for i := range l.cfg.Adapters {
		a, path := &l.cfg.Adapters[i], fmt.Sprintf("adapters[%d]", i)
		if a.Name != "" {
			if !nameForm.MatchString(a.Name) {
				l.wrong(path+".name", fmt.Sprintf("%q is not a name", printable(a.Name)), nameFix)
			}
			l.unique(names, a.Name, path+".name", fmt.Sprintf("adapter %q", a.Name), "give each adapter its own name: its place among the events is kept under it")
		}
		l.checkCommand(a, path)
		l.checkEnv(a.Env, path+".env")
	}
}

func (l *loader) checkCommand(a *Adapter, path string) {
	if !l.sound(path, path+".kind", path+".command", path+".command[0]") {
		return
	}
	if a.Kind != AdapterCommand {
		if l.given(path + ".command") {
			l.wrong(path+".command", fmt.Sprintf("kind %s comes with the daemon and has no command", a.Kind), "remove the key, or write kind: command")
		}
		return
	}
	if len(a.Command) == 0 {
		l.wrong(path, "there is no command", "add command: [/usr/lib/cordboard/creatio], or kind: contacts or webhook")
		return
	}
	program := string(a.Command[0])
	if strings.Contains(program, "/") && !filepath.IsAbs(program) {
		program = filepath.Join(l.at(path+".command[0]").src.dir, program)
		a.Command = slices.Clone(a.Command)
		a.Command[0] = Arg(program)
	}
	if _, err := exec.LookPath(program); err != nil {
		l.wrong(path+".command[0]", fmt.Sprintf("%s cannot be started: %s", printable(program), reason(err)),
			"name a program that exists and that the daemon's user may run (chmod +x)")
	}
}

func (l *loader) checkEnv(env map[string]string, path string) {
	names := make([]string, 0, len(env))
	for name := range env {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		at := joinPath(path, name)
		switch {
		case !envForm.MatchString(name):
			l.wrong(at, fmt.Sprintf("%q is not the name of a variable", printable(name)), "write letters, digits and underscores, as HTTPS_PROXY")
		case envTaken.MatchString(name):
			l.wrong(at, name+" is set by the daemon itself", "remove it")
		}
	}
}
