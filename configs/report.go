package configs

import (
	"cmp"
	"slices"
)

// maxProblems bounds a report, and maxFound what is gathered for it: a file with
// more is not a configuration.
const (
	maxProblems = 200
	maxFound    = 2000
)

// report gathers problems while files are read and checked.
type report struct {
	found []finding
	bad   map[string]bool // paths that have a problem already
	order map[*source]int // files in the order they were read
}

type finding struct {
	mark mark
	Problem
}

func newReport() *report {
	return &report{bad: map[string]bool{}, order: map[*source]int{}}
}

func (r *report) add(m mark, path, message, fix string) {
	if path != "" {
		r.bad[path] = true
	}
	if r.full() {
		return
	}
	r.found = append(r.found, finding{m, Problem{Path: path, Message: message, Fix: fix}})
}

// full reports whether further problems would not be told.
func (r *report) full() bool { return len(r.found) >= maxFound }

// source begins a file.
func (r *report) source(name string, text []byte) *source {
	src := newSource(name, text)
	r.order[src] = len(r.order)
	return src
}

// errors returns everything found, in order of files and places; nil if nothing.
func (r *report) errors() error {
	if len(r.found) == 0 {
		return nil
	}
	slices.SortStableFunc(r.found, func(a, b finding) int {
		return cmp.Or(
			cmp.Compare(r.order[a.mark.src], r.order[b.mark.src]),
			cmp.Compare(a.mark.line, b.mark.line),
			cmp.Compare(a.mark.col, b.mark.col),
		)
	})
	out := make(Errors, 0, len(r.found))
	for _, f := range r.found {
		if len(out) == maxProblems {
			break
		}
		f.File, f.Line, f.Column = f.mark.src.name, f.mark.line, f.mark.col
		f.Snippet = f.mark.snippet()
		out = append(out, f.Problem)
	}
	return out
}
