package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"cordboard/callcontrol"
)

// table prints rows in columns, the first row being the header.
func table(w io.Writer, rows [][]string) {
	var b strings.Builder
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		cells := make([]string, len(row))
		for i, c := range row {
			if cells[i] = printable(c); cells[i] == "" {
				cells[i] = "-"
			}
		}
		fmt.Fprintln(t, strings.Join(cells, "\t"))
	}
	_ = t.Flush() // to a Builder: cannot fail
	for line := range strings.Lines(b.String()) {
		fmt.Fprintln(w, strings.TrimRight(line, " \n"))
	}
}

// printable keeps what a peer wrote into a name from moving the terminal's cursor.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, s)
}

func party(i callcontrol.Identity) string {
	switch {
	case i.Display != "" && i.Number != "":
		return i.Display + " <" + string(i.Number) + ">"
	case i.Display != "":
		return i.Display
	case i.Number != "":
		return string(i.Number)
	}
	return "anonymous"
}

// elapsed is how long something lasts, to the second.
func elapsed(from, to time.Time) string {
	if from.IsZero() || to.Before(from) {
		return "-"
	}
	return to.Sub(from).Truncate(time.Second).String()
}

func yes(b bool, text, otherwise string) string {
	if b {
		return text
	}
	return otherwise
}

// because joins a state and its reason.
func because(state, reason string) string {
	if reason == "" {
		return state
	}
	return state + ": " + reason
}

func joined[S ~string](words []S) string {
	parts := make([]string, len(words))
	for i, w := range words {
		parts[i] = string(w)
	}
	return strings.Join(parts, " ")
}
