package contacts

import (
	"cmp"
	"slices"
	"strings"
)

// card is one that is being read.
type card struct {
	entry
	family  string // N, put in order
	org     string
	group   bool // KIND:group: a list of others
	labels  map[string]string
	numbers []grouped
}

// grouped is a number whose label may stand in another line of its group (item1.TEL, item1.X-ABLABEL).
type grouped struct {
	phone
	group string
}

type cardReader struct {
	rep   *report
	out   []entry
	card  *card
	inner int // cards in the card (AGENT of 2.1) that are passed over
}

// take reads one property; false: nothing more is of use.
func (v *cardReader) take(p property) bool {
	begin := p.name == "BEGIN" && strings.EqualFold(strings.TrimSpace(p.value), "VCARD")
	end := p.name == "END" && strings.EqualFold(strings.TrimSpace(p.value), "VCARD")
	switch {
	case v.card == nil && begin:
		v.card = &card{entry: entry{line: p.line}, labels: map[string]string{}}
	case v.card == nil:
		v.rep.add(p.line, "%s stands outside of a card: BEGIN:VCARD is missing", quote(p.text))
		return false
	case begin:
		if v.inner++; v.inner > deepestCard {
			v.rep.add(p.line, "END:VCARD is missing above")
			return false
		}
	case end && v.inner > 0:
		v.inner--
	case end:
		v.finish()
	case v.inner > 0:
	case p.broken:
		v.rep.add(p.line, "%s has no colon", quote(p.text))
	default:
		v.property(p)
	}
	return true
}

func (v *cardReader) property(p property) {
	c := v.card
	if !slices.Contains([]string{"FN", "N", "ORG", "TEL", "UID", "KIND", "X-ABLABEL", "NOTE", "EMAIL", "TITLE", "URL"}, p.name) {
		return
	}
	value, ok := p.decoded()
	if !ok {
		v.rep.add(p.line, "%s is not UTF-8", p.name)
		return
	}
	switch p.name {
	case "FN":
		c.name = cmp.Or(c.name, unescape(value)) // the first: it is the one preferred as a rule
	case "N":
		c.family = nameOf(value)
	case "ORG":
		c.org = cmp.Or(c.org, strings.Join(parts(value), ", "))
	case "TEL":
		c.tel(p, value)
	case "UID":
		c.id = strings.TrimPrefix(strings.TrimSpace(unescape(value)), "urn:uuid:")
	case "KIND":
		c.setKind(value)
	case "X-ABLABEL":
		c.labels[p.group] = appleLabel(unescape(value))
	default:
		c.fields = append(c.fields, field{strings.ToLower(p.name), unescape(value)})
	}
}

func (c *card) setKind(value string) {
	switch strings.ToLower(strings.TrimSpace(value)) {
	case "individual":
		c.kind = kindContact
	case "org":
		c.kind = "account"
	case "group":
		c.group = true
	default:
		c.kind = strings.ToLower(strings.TrimSpace(value))
	}
}

func (c *card) tel(p property, value string) {
	number := strings.TrimSpace(unescape(value))
	if number == "" {
		return
	}
	c.numbers = append(c.numbers, grouped{phone{line: p.line, raw: number, label: telLabel(p)}, p.group})
}

// telLabel is the first type of a number that tells people something.
func telLabel(p property) string {
	for _, t := range p.values("TYPE") {
		switch t = strings.ToLower(t); t {
		case "cell", "iphone":
			return "mobile"
		case "work", "home", "car", "fax", "pager", "main", "other":
			return t
		}
	}
	return ""
}

// appleLabel takes _$!<Work>!$_ for work.
func appleLabel(s string) string {
	if inner, ok := strings.CutPrefix(s, "_$!<"); ok {
		return strings.ToLower(strings.TrimSuffix(inner, ">!$_"))
	}
	return s
}

func (v *cardReader) finish() {
	c := v.card
	v.card = nil
	if c.group {
		return
	}
	for _, n := range c.numbers {
		if n.label == "" && n.group != "" {
			n.label = c.labels[n.group]
		}
		c.phones = append(c.phones, n.phone)
	}
	if c.name = strings.TrimSpace(cmp.Or(c.name, c.family)); c.name == "" {
		c.name = c.org
		c.kind = cmp.Or(c.kind, "account")
	}
	if c.name == "" && len(c.phones) > 0 { // a number that was saved without a name
		c.name = c.phones[0].raw
		c.kind = kindContact
	}
	if c.org != "" && c.org != c.name {
		c.fields = append(c.fields, field{"org", c.org})
	}
	if len(v.out) <= mostRecords { // bind says that there are too many
		v.out = append(v.out, c.entry)
	}
}

// nameOf puts the parts of N in the order in which they are spoken: prefix, given, further, family.
func nameOf(value string) string {
	p := append(parts(value), "", "", "", "", "")
	return strings.Join(strings.Fields(strings.Join([]string{p[3], p[1], p[2], p[0]}, " ")), " ")
}

// parts splits at semicolons that are not escaped.
func parts(value string) []string {
	var out []string
	from := 0
	for i := 0; i < len(value); i++ {
		switch value[i] {
		case '\\':
			i++
		case ';':
			out = append(out, unescape(value[from:i]))
			from = i + 1
		}
	}
	return append(out, unescape(value[from:]))
}

// unescape resolves \n \, \; and \\ (RFC 6350 §3.4).
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		switch s[i] {
		case 'n', 'N':
			b.WriteByte('\n')
		case ',', ';', ':', '\\':
			b.WriteByte(s[i])
		default:
			b.WriteByte('\\')
			b.WriteByte(s[i])
		}
	}
	return b.String()
}
