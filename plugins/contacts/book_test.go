package contacts

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cordboard/plugins/adapter"
)

const people = `id,name,phone,mobile,city
1,Anna Koval,044 123 45 67,050 123 45 67,Kyiv
2,Borys Koval,+380 44 123-45-67,,Kyiv
3,Олена Їжакевич,101,(050) 765-43-21,Lviv
4,ACME Koval Ltd,+48 22 123 45 67,,Warsaw
5,Дем'ян Ковальчук,,067 000 11 22,
6,Zoë Köhler,+49 30 901820,,Berlin
`

func peopleBook(t testing.TB) (*plan, *book) {
	t.Helper()
	p := planned(t, `{"book": "people.csv", "region": "UA"}`)
	b, err := p.parse([]byte(people), nil)
	if err != nil {
		t.Fatal(err)
	}
	return p, b
}

func ids(rs []record) string {
	var out []string
	for _, r := range rs {
		out = append(out, r.id)
	}
	return strings.Join(out, " ")
}

func TestLookup(t *testing.T) {
	p, b := peopleBook(t)
	for number, want := range map[string]string{
		"+380441234567": "1 2", "0441234567": "1 2", "380441234567": "1 2", "441234567": "1 2",
		"0501234567": "1", "380507654321": "3", "101": "3", "48221234567": "4", "0048221234567": "4", "4930901820": "6",
		"+380441234568": "", "102": "", "4567": "", "anonymous": "", "": "", "+": "",
	} {
		if got := ids(b.lookup(p.numbers.key(number))); got != want {
			t.Errorf("%q: %q, want %q", number, got, want)
		}
	}
	c := b.lookup("+380441234567")[0].contact()
	want := adapter.Contact{ID: "1", Name: "Anna Koval", Kind: "contact", Phones: []adapter.Phone{{Number: "+380441234567"}, {Number: "+380501234567", Label: "mobile"}}}
	if d := cmp.Diff(want, c); d != "" {
		t.Error(d)
	}
}

// A switchboard's number may be that of many; the agent picks among a bounded number.
func TestLookupIsBounded(t *testing.T) {
	var text strings.Builder
	text.WriteString("id,name,phone\n")
	for i := range 40 {
		fmt.Fprintf(&text, "%d,N,101\n", i)
	}
	b, err := planned(t, `{"book": "b.csv"}`).parse([]byte(text.String()), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := b.lookup("101"); len(got) != adapter.MaxContacts {
		t.Errorf("%d contacts", len(got))
	}
}

func TestSearch(t *testing.T) {
	p, b := peopleBook(t)
	for query, want := range map[string]string{
		"anna koval": "1", "Koval": "4 1 2", "koval anna": "1", "KOV": "4 1 2", "an ko": "1", "acme": "4",
		"їжак": "3", "іжак": "3", "олена": "3", "демян": "5", "Дем’ян": "5", "ковальч": "5", "альчук": "5",
		"zoe": "6", "kohler": "6", "köhler": "6", "Köhler, Zoë": "6",
		"044 123 45 67": "1 2", "1234567": "4 1 2", "44123": "1 2", "050123": "1", "101": "3", "+49 30": "6",
		"": "", " ": "", "%": "", "*": "", "12": "", "nobody": "", "anna nobody": "", "\x00": "", "\xff": "",
	} {
		if got := ids(b.search(query, p.numbers, 100)); got != want {
			t.Errorf("%q: %q, want %q", query, got, want)
		}
	}
	if got := ids(b.search("koval", p.numbers, 2)); got != "4 1" {
		t.Errorf("two of three: %q", got)
	}
	if got := b.search(strings.Repeat("ї", 10_000), p.numbers, 2); len(got) != 0 {
		t.Errorf("%d for nonsense", len(got))
	}
}

// What a name begins with comes before what is somewhere in it.
func TestSearchOrder(t *testing.T) {
	p := planned(t, `{"book": "b.csv"}`)
	b, err := p.parse([]byte("id,name,phone\n1,Marianna,\n2,Bo Anna,\n3,Annabel,\n4,Anna,\n5,Joanna Ann,\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := ids(b.search("anna", p.numbers, 10)); got != "4 3 2 5 1" {
		t.Error(got)
	}
}

// A contact without an id keeps the same one over readings, whatever else changes in the book.
func TestOwnIDs(t *testing.T) {
	p := planned(t, `{"book": "b.csv", "region": "UA"}`)
	read := func(text string) *book {
		b, err := p.parse([]byte(text), nil)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	first := read("name,phone\nAnna,044 123 45 67\n").lookup("+380441234567")[0].id
	again := read("name,city,phone\nBo,Kyiv,101\nAnna,Lviv,+380441234567;102\n").lookup("102")[0].id
	if first != again || len(first) != 16 {
		t.Errorf("%q and %q", first, again)
	}
}

// The next reading works out only the numbers that are new.
func TestNormaliseAgain(t *testing.T) {
	p, b := peopleBook(t)
	b.keys["044 123 45 67"] = "+1" // not worked out again, so this stays
	c, err := p.parse([]byte(people+"7,New,044 000 00 00,,\n"), b)
	if err != nil {
		t.Fatal(err)
	}
	if ids(c.lookup("+1")) != "1" || ids(c.lookup("+380440000000")) != "7" {
		t.Error(c.keys)
	}
}

func BenchmarkParse(b *testing.B) {
	p := planned(b, `{"book": "b.csv", "region": "UA"}`)
	var text strings.Builder
	text.WriteString("id,name,phone\n")
	for i := range 10_000 {
		fmt.Fprintf(&text, "%d,Name %d,044 %07d\n", i, i, i)
	}
	for b.Loop() {
		if _, err := p.parse([]byte(text.String()), nil); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/10_000, "µs/contact")
}
