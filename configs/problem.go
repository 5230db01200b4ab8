package configs

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Problem is one mistake in a configuration file.
type Problem struct {
	File    string `json:"file"`
	Line    int    `json:"line"`              // from 1
	Column  int    `json:"column"`            // from 1, in characters
	Path    string `json:"path"`              // key, as trunks[0].server; empty: the file itself
	Message string `json:"message"`           // what is wrong
	Fix     string `json:"fix"`               // what to write instead
	Snippet string `json:"snippet,omitempty"` // the lines around it, the place marked
}

// String is FILE:LINE:COLUMN: PATH: MESSAGE, without snippet and fix.
func (p Problem) String() string {
	path := p.Path
	if path != "" {
		path += ": "
	}
	return fmt.Sprintf("%s:%d:%d: %s%s", p.File, p.Line, p.Column, path, p.Message)
}

// Errors is every mistake found, in the order of files and lines. Load returns it
// as its error; errors.As finds it.
type Errors []Problem

// Error is the full report for people: place, message, snippet and fix of each.
func (e Errors) Error() string {
	var b strings.Builder
	for i, p := range e {
		if i > 0 {
			b.WriteString("\n")
		}
		b.WriteString(p.String() + "\n")
		if p.Snippet != "" {
			b.WriteString(p.Snippet)
		}
		if p.Fix != "" {
			b.WriteString("  fix: " + p.Fix + "\n")
		}
	}
	switch len(e) {
	case 0:
		return "no problems"
	case 1:
		b.WriteString("\n1 problem\n")
	default:
		fmt.Fprintf(&b, "\n%d problems\n", len(e))
	}
	return b.String()
}

// JSON is the report for programs: {"ok":false,"problems":[…]}.
func (e Errors) JSON() ([]byte, error) {
	problems := []Problem(e)
	if problems == nil {
		problems = []Problem{}
	}
	return json.MarshalIndent(struct {
		OK       bool      `json:"ok"`
		Problems []Problem `json:"problems"`
	}{len(e) == 0, problems}, "", "  ")
}
