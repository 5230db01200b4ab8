package configs

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Bounds on one file, so that no text makes the parser slow or deep.
const (
	maxFileBytes  = 8 << 20
	maxLineBytes  = 8 << 10
	maxFlowDepth  = 32
	maxBlockKeys  = 3000
	maxNodes      = 500_000 // after aliases are expanded
	maxSnippetLen = 120     // characters of a line shown
)

// source is the text of one file, for positions and snippets.
type source struct {
	name  string // as told to people
	dir   string // what relative paths start from
	lines []string
}

func newSource(name string, text []byte) *source {
	s := strings.ReplaceAll(string(text), "\r\n", "\n")
	return &source{name: name, dir: filepath.Dir(name), lines: strings.Split(s, "\n")}
}

// mark is a place in a source; line and column from 1.
type mark struct {
	src       *source
	line, col int
}

// mark clamps a position to one that exists.
func (s *source) mark(line, col int) mark {
	line = min(max(line, 1), len(s.lines))
	width := utf8.RuneCountInString(s.lines[line-1])
	return mark{src: s, line: line, col: min(max(col, 1), width+1)}
}

// inlineSecret finds passwords written as plain text, for the files too broken
// to be parsed: everything behind the key but a {file|env|credential: …} mapping.
var inlineSecret = regexp.MustCompile(`(?i)([a-z_]*(?:pass|pwd|secret)[a-z_]*["']?\s*:\s*)([^\s{].*)`)

// urlSecret finds the user and password in an address: nats://user:password@host.
var urlSecret = regexp.MustCompile(`://[^\s/@]*@`)

// hide takes a secret that was written into the file out of the lines that
// snippets are cut from.
func (s *source) hide(n *node) {
	first := n.mark.line - 1
	line := []rune(s.lines[first])
	start := min(n.mark.col-1, len(line))
	oneLine := n.kind != kindString || strings.Contains(string(line[start:]), n.text)
	indent := indentation(string(line))
	s.lines[first] = string(line[:start]) + redacted
	if oneLine && n.kind != kindMap && n.kind != kindList {
		return
	}
	// What follows on deeper lines may be part of it.
	for i := first + 1; i < len(s.lines); i++ {
		text := strings.TrimSpace(s.lines[i])
		if text != "" && indentation(s.lines[i]) <= indent {
			break
		}
		if text != "" {
			s.lines[i] = strings.Repeat(" ", indentation(s.lines[i])) + redacted
		}
	}
}

func indentation(s string) int { return len(s) - len(strings.TrimLeft(s, " ")) }

// snippet shows the line before and the line of a mark, with a caret under it.
// Passwords in them are not shown.
func (m mark) snippet() string {
	var b strings.Builder
	for n := max(1, m.line-1); n <= m.line; n++ {
		text := m.src.lines[n-1]
		text = inlineSecret.ReplaceAllString(text[:min(len(text), maxLineBytes)], "${1}"+redacted)
		text = urlSecret.ReplaceAllString(text, "://"+redacted+"@")
		fmt.Fprintf(&b, "%6d | %s\n", n, printable(text))
	}
	fmt.Fprintf(&b, "       | %s^\n", strings.Repeat(" ", min(m.col-1, maxSnippetLen)))
	return b.String()
}

// printable cuts a line to a width and replaces what would upset a terminal.
func printable(s string) string {
	runes := []rune(strings.ToValidUTF8(s, "?"))
	if len(runes) > maxSnippetLen {
		runes = append(runes[:maxSnippetLen], '…')
	}
	for i, r := range runes {
		switch {
		case r == '\t':
			runes[i] = ' '
		case r < ' ', r >= 0x7f && r < 0xa0:
			runes[i] = '?'
		}
	}
	return strings.TrimRight(string(runes), " ")
}
