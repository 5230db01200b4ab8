package adapter

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"cordboard/callcontrol"
)

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"Олена Бойко":           "Олена",
		"Оля Їжак":              "Оля Їж",
		"  a\t\r\n b  ":         "a b",
		"a\x00b\x1b[31m":        "a b [31m",
		"a\u202Eb\u200Bc\uFEFF": "abc",
		"\xffx\xc3":             "x",
		"\r\n":                  "",
		"0123456789abcdef":      "0123456789ab",
		"01234567890ї":          "01234567890",
		"0123456789 ї":          "0123456789",
	} {
		if got := Clean(in, 12); got != want {
			t.Errorf("Clean(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzClean(f *testing.F) {
	f.Add("a\u202Eb", 3)
	f.Add(strings.Repeat(" x", 5000), 128)
	f.Fuzz(func(t *testing.T, s string, limit int) {
		limit = min(max(limit, 0), 1000)
		got := Clean(s, limit)
		if len(got) > limit || !utf8.ValidString(got) || callcontrol.CheckText(got) != nil && len(got) <= callcontrol.MaxText {
			t.Errorf("%q: %q", s, got)
		}
		if got != strings.TrimFunc(got, unicode.IsSpace) || Clean(got, limit) != got {
			t.Errorf("%q: not clean: %q", s, got)
		}
	})
}

func TestCleanContacts(t *testing.T) {
	many := make([]Contact, 40)
	for i := range many {
		many[i] = Contact{ID: strings.Repeat("i", i+1)}
	}
	if got := CleanContacts(many, MaxContacts); len(got) != MaxContacts {
		t.Errorf("%d contacts", len(got))
	}
	got := CleanContacts([]Contact{
		{}, {ID: "1", Name: "Anna\r\nKoval", Phones: []Phone{{"+380441234567", "work\x00"}, {"a b", ""}, {"", "x"}}},
		{ID: "1", Name: "again"}, {ID: "1", Kind: "account", Name: "of another kind"}, {Name: "no id"}, {Name: "no id"},
	}, MaxContacts)
	want := []Contact{
		{ID: "1", Name: "Anna Koval", Phones: []Phone{{"+380441234567", "work"}}}, {ID: "1", Kind: "account", Name: "of another kind"},
		{Name: "no id"}, {Name: "no id"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
