package adapter

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"cordboard/callcontrol"
)

// Clean makes what an adapter wrote fit for a phone's display, a log and a SIP header: valid text of at
// most limit bytes in one line, without control characters and without marks that turn the direction of
// writing or join glyphs invisibly.
func Clean(s string, limit int) string {
	if len(s) > 8*limit+64 { // no work on what is cut off anyway
		s = s[:8*limit+64]
	}
	var b strings.Builder
	space := false
	for _, r := range s {
		switch {
		case unicode.IsSpace(r) || unicode.IsControl(r):
			space = b.Len() > 0
			continue
		case r == utf8.RuneError || unicode.Is(unicode.Cf, r) || !unicode.IsGraphic(r):
			continue
		}
		n := utf8.RuneLen(r)
		if space {
			n++
		}
		if b.Len()+n > limit {
			break
		}
		if space {
			b.WriteByte(' ')
		}
		space = false
		b.WriteRune(r)
	}
	return b.String()
}

// CleanContacts is what is taken of an answer: contacts that name something, each once, most of them at
// most, their text cleaned and their numbers valid.
func CleanContacts(cs []Contact, most int) []Contact {
	var out []Contact
	seen := make(map[[2]string]bool)
	for _, c := range cs {
		c.ID, c.Name, c.Kind = Clean(c.ID, MaxWord), Clean(c.Name, MaxName), Clean(c.Kind, MaxWord)
		key := [2]string{c.Kind, c.ID}
		if c.ID == "" && c.Name == "" || c.ID != "" && seen[key] {
			continue
		}
		if len(out) == most {
			break
		}
		seen[key] = true
		c.Phones = cleanPhones(c.Phones)
		out = append(out, c)
	}
	return out
}

func cleanPhones(ps []Phone) []Phone {
	var out []Phone
	for _, p := range ps {
		n, err := callcontrol.ParseNumber(p.Number)
		if err != nil {
			continue
		}
		if len(out) == MaxPhones {
			break
		}
		out = append(out, Phone{Number: string(n), Label: Clean(p.Label, MaxWord)})
	}
	return out
}
