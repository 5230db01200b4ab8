package contacts

import (
	"bytes"
	"io"
	"mime/quotedprintable"
	"slices"
	"strings"
	"unicode/utf8"
)

// readVCard reads cards of versions 2.1, 3.0 and 4.0 (RFC 6350): FN, N, ORG, TEL, UID and KIND; NOTE, EMAIL,
// TITLE and URL for hooks. What else is there is passed over.
func readVCard(data []byte, rep *report) []entry {
	v := &cardReader{rep: rep}
	lines := unfolder{data: data}
	for {
		p, ok := lines.next()
		if !ok {
			break
		}
		if !v.take(p) {
			return v.out
		}
	}
	if v.card != nil {
		rep.add(v.card.line, "the card that begins here has no END:VCARD")
	}
	return v.out
}

// property is one logical line of a card: GROUP.NAME;PARAM=VALUE:VALUE.
type property struct {
	line   int
	group  string
	name   string // upper case
	params []string
	value  string // as written
	text   string // the whole line
	broken bool   // no property
}

// Bounds of a card's lines: a photo may be large, what is kept may not.
const (
	longestValue = 64 << 10
	deepestCard  = 8 // cards in cards (2.1: AGENT)
)

// unfolder cuts text into logical lines.
type unfolder struct {
	data []byte
	line int // read so far
}

// physical is the next line of the file without its end.
func (u *unfolder) physical() ([]byte, bool) {
	if len(u.data) == 0 {
		return nil, false
	}
	line, rest, _ := bytes.Cut(u.data, []byte{'\n'})
	u.data = rest
	u.line++
	return bytes.TrimSuffix(line, []byte{'\r'}), true
}

// next is the next property; lines that go on are joined, empty ones are passed over.
func (u *unfolder) next() (property, bool) {
	for {
		first, ok := u.physical()
		if !ok {
			return property{}, false
		}
		if len(bytes.TrimSpace(first)) == 0 {
			continue
		}
		p := property{line: u.line}
		if head, value, ok := cutValue(string(keep(nil, first))); ok {
			if p.head(head); p.has("ENCODING", "QUOTED-PRINTABLE") {
				p.value = u.quotedPrintable(value)
				return p, true
			}
		}
		text := keep(nil, first)
		for len(u.data) > 0 && (u.data[0] == ' ' || u.data[0] == '\t') {
			more, _ := u.physical()
			text = keep(text, more[1:])
		}
		p.text = string(text)
		head, value, ok := cutValue(p.text)
		p.head(head)
		p.value, p.broken = value, !ok
		if p.has("ENCODING", "BASE64") || p.has("ENCODING", "B") {
			u.skipBase64()
		}
		return p, true
	}
}

// quotedPrintable joins lines that end with a soft line break (2.1).
func (u *unfolder) quotedPrintable(value string) string {
	text := []byte(value)
	for len(text) > 0 && text[len(text)-1] == '=' {
		more, ok := u.physical()
		if !ok {
			break
		}
		goesOn := bytes.HasSuffix(more, []byte{'='})
		text = keep(text[:len(text)-1], bytes.TrimSuffix(more, []byte{'='}))
		if goesOn {
			text = append(text, '=')
		}
	}
	return string(text)
}

// skipBase64 passes over lines of a picture that are not folded (2.1).
func (u *unfolder) skipBase64() {
	for len(u.data) > 0 {
		line, _, _ := bytes.Cut(u.data, []byte{'\n'})
		line = bytes.TrimSpace(line)
		if len(line) == 0 || bytes.ContainsAny(line, ":;") {
			return
		}
		u.physical()
	}
}

func keep(text, more []byte) []byte {
	room := max(0, longestValue-len(text))
	return append(text, more[:min(len(more), room)]...)
}

// cutValue parts a line at the first colon outside quotes.
func cutValue(s string) (head, value string, ok bool) {
	quoted := false
	for i := range len(s) {
		switch s[i] {
		case '"':
			quoted = !quoted
		case ':':
			if !quoted {
				return s[:i], s[i+1:], true
			}
		}
	}
	return s, "", false
}

func (p *property) head(head string) {
	parts := splitOutside(head, ';')
	name := parts[0]
	if g, n, ok := strings.Cut(name, "."); ok {
		p.group, name = strings.ToLower(g), n
	}
	p.name, p.params = strings.ToUpper(strings.TrimSpace(name)), parts[1:]
}

// splitOutside splits at a byte that stands outside quotes.
func splitOutside(s string, at byte) []string {
	var out []string
	quoted, from := false, 0
	for i := range len(s) {
		switch {
		case s[i] == '"':
			quoted = !quoted
		case s[i] == at && !quoted:
			out = append(out, s[from:i])
			from = i + 1
		}
	}
	return append(out, s[from:])
}

// values of a parameter, and of those that stand there without a name (2.1).
func (p *property) values(name string) []string {
	var out []string
	for _, param := range p.params {
		n, v, named := strings.Cut(param, "=")
		switch {
		case named && strings.EqualFold(strings.TrimSpace(n), name):
			out = append(out, strings.Split(strings.ReplaceAll(v, `"`, ""), ",")...)
		case !named:
			out = append(out, n)
		}
	}
	for i := range out {
		out[i] = strings.TrimSpace(out[i])
	}
	return out
}

func (p *property) has(name, value string) bool {
	return slices.ContainsFunc(p.values(name), func(v string) bool { return strings.EqualFold(v, value) })
}

// decoded is the value without its encoding; false: it cannot be had as UTF-8.
func (p *property) decoded() (string, bool) {
	if !p.has("ENCODING", "QUOTED-PRINTABLE") {
		return p.value, utf8.ValidString(p.value)
	}
	for _, param := range p.params {
		n, v, _ := strings.Cut(param, "=")
		if strings.EqualFold(n, "CHARSET") && !strings.EqualFold(v, "UTF-8") && !strings.EqualFold(v, "US-ASCII") {
			return "", false
		}
	}
	raw, err := io.ReadAll(quotedprintable.NewReader(strings.NewReader(p.value)))
	return string(raw), err == nil && utf8.Valid(raw)
}
