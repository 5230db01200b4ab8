package contacts

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// readCSV reads a table with headings. Fields are apart by the comma, semicolon or tab that the first line
// has most of.
func readCSV(data []byte, c Columns, rep *report) []entry {
	r := csv.NewReader(bytes.NewReader(data))
	r.Comma, r.FieldsPerRecord, r.ReuseRecord = separator(data), -1, true
	head, err := r.Read()
	if err != nil {
		if errors.Is(err, io.EOF) {
			rep.add(1, "there is no line of headings")
		} else {
			rep.add(csvError(err))
		}
		return nil
	}
	line, _ := r.FieldPos(0)
	roles, ok := headings(slices.Clone(head), c, line, rep)
	if !ok {
		return nil
	}
	var out []entry
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			rep.add(csvError(err)) // what follows a wrong quote would be told wrongly
			return out
		}
		line, _ := r.FieldPos(0)
		if !slices.ContainsFunc(row, func(s string) bool { return strings.TrimSpace(s) != "" }) {
			continue
		}
		if len(row) != len(roles) {
			rep.add(line, "%d fields, and %d headings", len(row), len(roles))
			continue
		}
		if len(out) > mostRecords {
			return out // bind says that there are too many
		}
		out = append(out, csvEntry(line, row, roles, r))
	}
}

func csvError(err error) (line int, text string) {
	var p *csv.ParseError
	if !errors.As(err, &p) {
		return 1, err.Error()
	}
	switch {
	case errors.Is(p.Err, csv.ErrBareQuote):
		return p.Line, `a " stands inside a field: put the whole field in quotes and write "" for one`
	case errors.Is(p.Err, csv.ErrQuote):
		return p.StartLine, `a field in quotes has no end, or goes on behind it: write "" for a " inside`
	}
	return p.Line, p.Err.Error()
}

func separator(data []byte) rune {
	first, _, _ := bytes.Cut(data, []byte{'\n'})
	best, most := ',', 0
	for _, s := range ",;\t" {
		if n := bytes.Count(first, []byte(string(s))); n > most {
			best, most = s, n
		}
	}
	return best
}

type role int

const (
	roleField role = iota
	roleID
	roleName
	roleKind
	rolePhone
)

// column is what a heading means.
type column struct {
	role  role
	label string // phones: of the number; else the heading
}

// headings tells what each column is; false: the table cannot be read.
func headings(head []string, c Columns, line int, rep *report) ([]column, bool) {
	before := len(rep.problems)
	out := make([]column, len(head))
	seen := map[string]bool{}
	for i, h := range head {
		h = strings.TrimSpace(h)
		if h != "" && seen[h] {
			rep.add(line, "heading %s is there twice", quote(h))
		}
		if !utf8.ValidString(h) {
			rep.add(line, "heading %s is not UTF-8", quote(h))
		}
		seen[h] = true
		out[i] = c.column(h)
	}
	for _, h := range slices.Concat([]string{c.ID, c.Kind}, c.Name, c.Phones) {
		if h != "" && !seen[h] {
			rep.add(line, "there is no heading %s, which columns names", quote(h))
		}
	}
	for _, need := range []struct {
		role role
		text string
	}{{roleName, "name"}, {rolePhone, "phone"}} {
		if !slices.ContainsFunc(out, func(c column) bool { return c.role == need.role }) {
			rep.add(line, "no heading is a %s's: write %[1]s, or tell under columns which it is", need.text)
		}
	}
	return out, len(rep.problems) == before
}

// column is the meaning of a heading. What Columns does not name, usual names do.
func (c Columns) column(h string) column {
	plain := strings.NewReplacer(" ", "_", "-", "_").Replace(strings.ToLower(h))
	switch {
	case h == "":
		return column{roleField, ""}
	case c.ID == h, c.ID == "" && plain == "id":
		return column{roleID, h}
	case slices.Contains(c.Name, h), len(c.Name) == 0 && slices.Contains([]string{"name", "full_name", "first_name", "last_name"}, plain):
		return column{roleName, h}
	case c.Kind == h, c.Kind == "" && plain == "kind":
		return column{roleKind, h}
	case slices.Contains(c.Phones, h):
		return column{rolePhone, h}
	case len(c.Phones) > 0:
		return column{roleField, h}
	}
	if label, ok := usualPhone(plain); ok {
		return column{rolePhone, label}
	}
	return column{roleField, h}
}

// usualPhone knows phone, phone_work, work_phone, tel, mobile and the like; the rest of the heading is the
// number's label.
func usualPhone(plain string) (label string, ok bool) {
	if plain == "mobile" || plain == "cell" {
		return "mobile", true
	}
	parts := strings.Split(plain, "_")
	i := slices.IndexFunc(parts, func(p string) bool {
		return slices.Contains([]string{"phone", "phones", "telephone", "tel", "number"}, strings.Trim(p, "0123456789"))
	})
	if i < 0 || len(parts) > 2 {
		return "", false
	}
	parts = slices.Delete(parts, i, i+1)
	return strings.Join(parts, " "), true
}

// csvEntry is one row. A cell may have several numbers, apart by ; | or line ends.
func csvEntry(line int, row []string, roles []column, r *csv.Reader) entry {
	e := entry{line: line}
	var name []string
	for i, cell := range row {
		cell = strings.TrimSpace(cell)
		if cell == "" {
			continue
		}
		switch c := roles[i]; c.role {
		case roleID:
			e.id = cell
		case roleName:
			name = append(name, cell)
		case roleKind:
			e.kind = cell
		case rolePhone:
			at, _ := r.FieldPos(i)
			for _, raw := range strings.FieldsFunc(cell, func(r rune) bool { return strings.ContainsRune(";|\n\r", r) }) {
				if raw = strings.TrimSpace(raw); raw != "" {
					e.phones = append(e.phones, phone{at, strings.Clone(raw), c.label})
				}
			}
		default:
			if c.label != "" {
				e.fields = append(e.fields, field{c.label, cell})
			}
		}
	}
	e.name = strings.Join(name, " ")
	return e
}
