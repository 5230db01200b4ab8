package contacts

import (
	"fmt"
	"strings"
)

// mostProblems is how many mistakes of a book are told; the rest are counted.
const mostProblems = 20

// problem is one mistake in a book.
type problem struct {
	line int
	text string
}

// report gathers the mistakes of a book.
type report struct {
	problems []problem
	more     int
}

func (r *report) add(line int, format string, args ...any) {
	if len(r.problems) == mostProblems {
		r.more++
		return
	}
	r.problems = append(r.problems, problem{line, fmt.Sprintf(format, args...)})
}

// err is nil when there is no mistake.
func (r *report) err(name string) error {
	if len(r.problems) == 0 {
		return nil
	}
	return &bookError{name, r.problems, r.more}
}

// bookError is why a book cannot be used.
type bookError struct {
	name     string
	problems []problem
	more     int
}

// Error implements error: each mistake with its place, as book.csv:12: there is no name.
func (e *bookError) Error() string {
	parts := make([]string, len(e.problems))
	for i, p := range e.problems {
		parts[i] = fmt.Sprintf("%s:%d: %s", e.name, p.line, p.text)
	}
	if e.more > 0 {
		parts = append(parts, fmt.Sprintf("and %d more", e.more))
	}
	return strings.Join(parts, "; ")
}

// quote shows a piece of a book, shortened, without control characters.
func quote(s string) string {
	const most = 60
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "…"
	}
	return fmt.Sprintf("%q", s)
}
