package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"
)

// manualCommand writes what packages install beside the program: the manual page, or what bash completes with. Both come
// from the command line's own description.
type manualCommand struct {
	Form string `arg:"" enum:"man,bash" help:"man or bash."`
}

// Run writes it to standard output.
func (c *manualCommand) Run(a *app, k *kong.Context) error {
	a.verb = "manual"
	var b strings.Builder
	if c.Form == "bash" {
		completion(&b, k.Model)
	} else {
		manual(&b, k.Model)
	}
	_, err := io.WriteString(a.out, b.String())
	return err
}

// manual writes a manual page (man-pages(7), groff_man(7)).
func manual(b *strings.Builder, m *kong.Application) {
	intro, rest, _ := strings.Cut(m.Help, "\n\n")
	fmt.Fprintf(b, ".TH CORDBOARD 1\n.SH NAME\ncordboard \\- %s\n", roff(strings.ToLower(intro[:1])+strings.TrimSuffix(intro[1:], ".")))
	fmt.Fprintf(b, ".SH SYNOPSIS\n.B cordboard\n[\\fIflags\\fR] \\fIcommand\\fR [\\fIarguments\\fR]\n.SH DESCRIPTION\n%s\n", roff(rest))
	b.WriteString(".SH OPTIONS\n")
	flags(b, m.Flags)
	b.WriteString(".SH COMMANDS\n")
	for _, n := range m.Leaves(true) {
		fmt.Fprintf(b, ".SS %s\n%s\n", roff(n.Summary()), roff(n.Help))
		for _, p := range n.Positional {
			fmt.Fprintf(b, ".TP\n\\fI%s\\fR\n%s\n", roff(p.Name), roff(p.Help))
		}
		flags(b, n.Flags)
	}
	b.WriteString(`.SH FILES
.TP
.I /etc/cordboard/cordboard.yaml
the configuration
.TP
.I /run/cordboard/control.sock
the control socket
.TP
.I /usr/share/doc/cordboard
the documentation, and configurations to begin with
`)
}

func flags(b *strings.Builder, all []*kong.Flag) {
	for _, f := range all {
		if !f.Hidden {
			fmt.Fprintf(b, ".TP\n\\fB%s\\fR\n%s\n", roff(f.String()), roff(f.Help))
		}
	}
}

// roff keeps text from being taken for requests and escapes.
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(s)
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, ".") || strings.HasPrefix(l, "'") {
			lines[i] = `\&` + l
		}
	}
	return strings.Join(lines, "\n")
}

// completion writes a function for bash: commands first, then the command's flags, and file names.
func completion(b *strings.Builder, m *kong.Application) {
	b.WriteString("_cordboard() {\n\tlocal words i command=\n\tfor ((i = 1; i < COMP_CWORD; i++)); do\n" +
		"\t\tcase ${COMP_WORDS[i]} in -*) ;; *) command=${COMP_WORDS[i]}; break ;; esac\n\tdone\n\tcase $command in\n")
	var commands []string
	for _, n := range m.Leaves(true) {
		commands = append(commands, n.Name)
		fmt.Fprintf(b, "\t%s) words='%s' ;;\n", n.Name, names(append(m.Flags, n.Flags...)))
	}
	fmt.Fprintf(b, "\t*) words='%s %s' ;;\n\tesac\n", strings.Join(commands, " "), names(m.Flags))
	b.WriteString("\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\")\n}\n" +
		"complete -o default -F _cordboard cordboard\n")
}

func names(all []*kong.Flag) string {
	var out []string
	for _, f := range all {
		if !f.Hidden {
			out = append(out, "--"+f.Name)
		}
	}
	return strings.Join(out, " ")
}
