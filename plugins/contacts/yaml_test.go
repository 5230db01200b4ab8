package contacts

import (
	"strings"
	"testing"
)

func TestYAML(t *testing.T) {
	runBooks(t, "yaml", []bookCase{
		{name: "plain", text: "contacts:\n  - id: 7\n    name: Anna Koval\n    phone: 0441234567\n", want: []string{"7|Anna Koval|contact|+380441234567|"}},
		{name: "a list at the top", text: "# our people\n- name: Anna\n  phone: +380 44 123 45 67\n- name: Bo\n", want: []string{"own|Anna|contact|+380441234567|", "own|Bo|contact||"}},
		{name: "one line each", text: "- {name: Anna, phones: [101, \"102\"]}\n", want: []string{"own|Anna|contact|101,102|"}},
		{name: "labels", text: "- name: Anna\n  phones:\n    - 101\n    - {number: 0501234567, label: mobile}\n    - number: 102\n      label: work\n",
			want: []string{"own|Anna|contact|101,+380501234567 mobile,102 work|"}},
		{name: "all keys", text: "- id: \"1\"\n  kind: account\n  name: 'ACME: \"wire\" works'\n  phone: 101\n  fields: {city: Kyiv, since: 2019, empty: }\n",
			want: []string{`1|ACME: "wire" works|account|101|city=Kyiv,since=2019`}},
		{name: "no octal", text: "- name: 007\n  phone: 0101\n  id: 1_000\n", want: []string{"1_000|007|contact|0101|"}},
		{name: "nothing", text: "contacts:\n", want: nil},
		{name: "none", text: "contacts: []\n", want: nil},

		{name: "empty", text: "", wrong: []string{"1: there is no list of contacts"}},
		{name: "a word", text: "hello\n", wrong: []string{"1: a book is a list: begin each contact with a dash"}},
		{name: "not a list", text: "contacts:\n  name: Anna\n", wrong: []string{"1: contacts is a list: begin each contact with a dash"}},
		{name: "unknown keys", text: "contacts:\n  - name: Anna\n    tel: 101\n  - nmae: Bo\npeople: []\n", wrong: []string{
			`3: key "tel" is not known: there are id, name, kind, phone, phones and fields`, `4: key "nmae" is not known: there are id, name, kind, phone, phones and fields`,
			`5: key "people" is not known here: there is contacts`, "4: there is no name",
		}},
		{name: "twice", text: "- name: A\n  name: B\n", wrong: []string{`2: key "name" is there twice`}},
		{name: "wrong kinds", text: "- 7\n- name: [A]\n- name: B\n  phones: {mobile: 101}\n- name: C\n  phones: [{label: x}, [1]]\n  fields: [1]\n", wrong: []string{
			"1: a contact is a block of keys: name, phone and others", "2: name is one text, without anchors and tags",
			`4: key "mobile" is not known: a phone has number and label`, "4: a phone has no number", "6: a phone has no number", "6: a phone is one text, without anchors and tags",
			"7: fields is a block of keys", "2: there is no name",
		}},
		{name: "anchors", text: "- &a {name: A}\n- *a\n- name: !!str B\n", wrong: []string{
			"1: a contact is a block of keys: name, phone and others", "2: a contact is a block of keys: name, phone and others", "3: name is one text, without anchors and tags", "3: there is no name",
		}},
		{name: "two documents", text: "- name: A\n---\n- name: B\n", wrong: []string{"3: a second document begins here: keep one in a file"}},
		{name: "syntax", text: "- name: A\n  phone: [101\n", wrong: []string{"2: not YAML: sequence end token ']' not found"}},
		{name: "deep", text: strings.Repeat("[", 1000), wrong: []string{"1: the line is too long, or has too many brackets in brackets"}},
		{name: "deep dashes", text: "\n" + strings.Repeat("- ", 5000), wrong: []string{"2: the line is too long, or has too many brackets in brackets"}},
		{name: "no number", text: "- name: A\n  phones:\n    - 101\n    - on request\n", wrong: []string{`4: "on request" is not a phone number`}},
	})
}

func FuzzYAML(f *testing.F) {
	f.Add("contacts:\n  - {id: 7, name: Anna, phones: [101, {number: 044 1, label: x}], fields: {a: b}}\n")
	f.Add("- name: |\n    A\n  phone: &x 1\n- <<: *x\n")
	f.Add("? a\n: - b\n")
	fuzzBook(f, `{"book": "b.yaml", "region": "UA"}`)
}
