package contacts

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode"

	"cordboard/callcontrol"
	"cordboard/plugins/adapter"
)

// entry is a contact as a reader found it.
type entry struct {
	line   int
	id     string
	name   string
	kind   string
	phones []phone
	fields []field
}

// phone is a number as it is written.
type phone struct {
	line  int
	raw   string
	label string
}

// field is what else stands there, for hooks.
type field struct{ name, value string }

// Bounds of one contact.
const (
	mostPhones = adapter.MaxPhones
	mostFields = 64
	mostField  = 4096 // bytes of a value
)

// kindContact is what a record is when the book does not say.
const kindContact = "contact"

// record checks an entry and makes a record of it. Mistakes go to rep; the record is of no use then. A name
// is shown on displays and is cut and cleaned for that; an id that would have to be is a mistake.
func (e entry) record(keys func(string) string, rep *report) record {
	r := record{line: e.line, name: adapter.Clean(e.name, adapter.MaxName), kind: e.word("kind", e.kind, rep), id: e.word("id", e.id, rep)}
	if r.kind == "" {
		r.kind = kindContact
	}
	if r.name == "" {
		rep.add(e.line, "there is no name")
	}
	if len(e.phones) > mostPhones {
		rep.add(e.line, "%d phone numbers; %d are the most", len(e.phones), mostPhones)
		return r
	}
	for _, p := range e.phones {
		key := keys(p.raw)
		if _, err := callcontrol.ParseNumber(key); err != nil || words(p.raw) {
			rep.add(p.line, "%s is not a phone number", quote(p.raw))
			continue
		}
		r.phones = append(r.phones, adapter.Phone{Number: key, Label: adapter.Clean(p.label, adapter.MaxWord)})
	}
	if len(e.fields) > mostFields {
		rep.add(e.line, "%d further fields; %d are the most", len(e.fields), mostFields)
		return r
	}
	for _, f := range e.fields {
		if len(f.value) > mostField {
			rep.add(e.line, "%s is longer than %d bytes", quote(f.name), mostField)
		}
	}
	r.fields = e.fields
	if r.id == "" {
		r.id = r.ownID()
	}
	return r
}

// words reports whether a number is none, but a remark: letters and spaces between them.
func words(raw string) bool {
	return strings.ContainsFunc(bare(raw), unicode.IsLetter) && strings.ContainsFunc(strings.TrimSpace(raw), unicode.IsSpace) && !strings.ContainsFunc(raw, unicode.IsDigit)
}

// word is a text by which something is known.
func (e entry) word(what, value string, rep *report) string {
	value = strings.TrimSpace(value)
	clean := adapter.Clean(value, adapter.MaxWord)
	switch {
	case len(value) > adapter.MaxWord:
		rep.add(e.line, "the %s is longer than %d bytes", what, adapter.MaxWord)
	case clean != value:
		rep.add(e.line, "the %s %s has characters that cannot be shown, or spaces beside each other", what, quote(value))
	}
	return clean
}

// record is a contact of a book that may be used.
type record struct {
	line   int
	id     string
	name   string
	kind   string
	phones []adapter.Phone // normalised
	fields []field
	words  string // the name as it is searched
}

// ownID is the id of a record that has none in the book: the same as long as kind, name and first number
// are.
func (r record) ownID() string {
	first := ""
	if len(r.phones) > 0 {
		first = r.phones[0].Number
	}
	sum := sha256.Sum256([]byte(r.kind + "\n" + r.name + "\n" + first))
	return hex.EncodeToString(sum[:8])
}

func (r record) contact() adapter.Contact {
	return adapter.Contact{ID: r.id, Name: r.name, Kind: r.kind, Phones: r.phones}
}
