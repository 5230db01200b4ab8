package contacts

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// shown is a contact as the tables of readers tell it: id|name|kind|number label,…|field=value,…
func shown(r record) string {
	var phones, fields []string
	for _, p := range r.phones {
		phones = append(phones, strings.TrimSpace(p.Number+" "+p.Label))
	}
	for _, f := range r.fields {
		fields = append(fields, f.name+"="+f.value)
	}
	return strings.Join([]string{r.id, r.name, r.kind, strings.Join(phones, ","), strings.Join(fields, ",")}, "|")
}

// bookCase is a text with what it is read as, or what is wrong with it.
type bookCase struct {
	name    string
	text    string
	columns Columns
	want    []string
	wrong   []string // each mistake, whole
}

func runBooks(t *testing.T, format string, cases []bookCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := planned(t, `{"book": "b.`+map[string]string{"csv": "csv", "yaml": "yaml", "vcard": "vcf"}[format]+`", "region": "UA"}`)
			p.Columns = c.columns
			b, err := p.parse([]byte(c.text), nil)
			if err != nil {
				want := strings.Join(c.wrong, "; ")
				if got := strings.ReplaceAll(err.Error(), p.Book+":", ""); got != want {
					t.Errorf("mistakes\n got %s\nwant %s", got, want)
				}
				return
			}
			if c.wrong != nil {
				t.Fatalf("taken, and it should not: %v", c.wrong)
			}
			got := []string{}
			for _, r := range b.records {
				if r.id == r.ownID() {
					r.id = "own"
				}
				got = append(got, shown(r))
			}
			if d := cmp.Diff(append([]string{}, c.want...), got); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

func TestCSV(t *testing.T) {
	runBooks(t, "csv", []bookCase{
		{name: "plain", text: "id,name,phone\n7,Anna Koval,044 123 45 67\n", want: []string{"7|Anna Koval|contact|+380441234567|"}},
		{name: "excel", text: "\xEF\xBB\xBFID;Name;Phone\r\n7;\"Koval; Anna\";0441234567\r\n", want: []string{"7|Koval; Anna|contact|+380441234567|"}},
		{name: "tabs", text: "name\tphone\nAnna\t101\n", want: []string{"own|Anna|contact|101|"}},
		{name: "no line end", text: "name,phone\nAnna,101", want: []string{"own|Anna|contact|101|"}},
		{name: "empty rows", text: "name,phone\n\n,\nAnna,101\n ,\n", want: []string{"own|Anna|contact|101|"}},
		{name: "only headings", text: "name,phone\n", want: nil},
		{name: "labels", text: "name,work phone,Mobile,Phone-Home,tel2,fax number\nAnna,1001,1002,1003,1004,1005\n",
			want: []string{"own|Anna|contact|1001 work,1002 mobile,1003 home,1004,1005 fax|"}},
		{name: "several in a cell", text: "name,phone\nAnna,1001; 1002 | 1003\n", want: []string{"own|Anna|contact|1001,1002,1003|"}},
		{name: "a cell of lines", text: "name,phone\nAnna,\"1001\n1002\"\nBo,1003\n", want: []string{"own|Anna|contact|1001,1002|", "own|Bo|contact|1003|"}},
		{name: "names", text: "first name,last name,phone\nAnna,Koval,101\n,Bondar,102\n", want: []string{"own|Anna Koval|contact|101|", "own|Bondar|contact|102|"}},
		{name: "kind and fields", text: "name,kind,phone,city,\nACME,account,101,Kyiv,x\n", want: []string{"own|ACME|account|101|city=Kyiv"}},
		{name: "columns", text: "Nr,Given,Family,Number\n7,Anna,Koval,101\n", columns: Columns{ID: "Nr", Name: []string{"Given", "Family"}, Phones: []string{"Number"}},
			want: []string{"7|Anna Koval|contact|101 Number|"}},
		{name: "columns take the place of usual ones", text: "name,phone,Cell 1\nAnna,not one,101\n", columns: Columns{Phones: []string{"Cell 1"}},
			want: []string{"own|Anna|contact|101 Cell 1|phone=not one"}},
		{name: "the same twice", text: "name,phone,mobile\nAnna,101,\nAnna,101,102\n", want: []string{"own|Anna|contact|101,102 mobile|"}},
		{name: "odd names", text: "name,phone\n\"  A\u202E \nB\x1b \",101\n", want: []string{"own|A B|contact|101|"}},
		{name: "long name", text: "name,phone\n" + strings.Repeat("ї", 100) + ",101\n", want: []string{"own|" + strings.Repeat("ї", 64) + "|contact|101|"}},
		{name: "without phone", text: "name,phone\nAnna,\n", want: []string{"own|Anna|contact||"}},

		{name: "empty", text: "", wrong: []string{"1: there is no line of headings"}},
		{name: "no headings", text: "Anna,101\nBo,102\n", wrong: []string{
			"1: no heading is a name's: write name, or tell under columns which it is", "1: no heading is a phone's: write phone, or tell under columns which it is",
		}},
		{name: "columns not there", text: "name,phone\nAnna,101\n", columns: Columns{ID: "Nr"}, wrong: []string{`1: there is no heading "Nr", which columns names`}},
		{name: "heading twice", text: "name,phone,phone\n", wrong: []string{`1: heading "phone" is there twice`}},
		{name: "fields", text: "name,phone\nAnna\nBo,1,2\n\"C\nd\",101\nE\n", wrong: []string{"2: 1 fields, and 2 headings", "3: 3 fields, and 2 headings", "6: 1 fields, and 2 headings"}},
		{name: "quotes", text: "name,phone\nAnna \"A\" Koval,101\n", wrong: []string{`2: a " stands inside a field: put the whole field in quotes and write "" for one`}},
		{name: "open quote", text: "name,phone\nBo,1\n\"Anna,101\n", wrong: []string{`3: a field in quotes has no end, or goes on behind it: write "" for a " inside`}},
		{name: "no number", text: "name,phone\nAnna,по телефону\nBo,044-12x?\n", wrong: []string{
			`2: "по телефону" is not a phone number`, `3: "044-12x?" is not a phone number`,
		}},
		{name: "no name", text: "id,name,phone\n1,,101\n", wrong: []string{"2: there is no name"}},
		{name: "id twice", text: "id,name,phone\n1,A,101\n2,B,102\n1,C,103\n", wrong: []string{`4: id "1" stands on line 2 already`}},
		{name: "odd id", text: "id,name,phone\n\"a\u202eb\",A,101\n" + strings.Repeat("9", 129) + ",B,1\n", wrong: []string{
			`2: the id "a\u202eb" has characters that cannot be shown, or spaces beside each other`, "3: the id is longer than 128 bytes",
		}},
		{name: "not UTF-8", text: "name,phone\nAnna,101\n\xc0\xed\xed\xe0,102\n", wrong: []string{"3: the text is not UTF-8: save the file as UTF-8"}},
		{name: "UTF-16", text: "\xff\xfen\x00a\x00", wrong: []string{"1: the file is UTF-16: save it as UTF-8"}},
		{name: "binary", text: "name,phone\nA,1\x00\n", wrong: []string{"2: a NUL byte stands here: this is no text"}},
		{name: "too many numbers", text: "name,phone\nAnna," + strings.Repeat("101;", 17) + "\n", wrong: []string{"2: 17 phone numbers; 16 are the most"}},
	})
}

// The mistakes told are bounded, the rest are counted.
func TestManyMistakes(t *testing.T) {
	p := planned(t, `{"book": "b.csv"}`)
	_, err := p.parse([]byte("name,phone\n"+strings.Repeat(",101\n", 500)), nil)
	if err == nil || strings.Count(err.Error(), "b.csv:") != mostProblems || !strings.HasSuffix(err.Error(), "; and 480 more") {
		t.Errorf("%v", err)
	}
}

// checkBook holds for every book that was taken.
func checkBook(t *testing.T, b *book) {
	t.Helper()
	type identity struct{ kind, id string }
	seen := map[identity]bool{}
	for i, r := range b.records {
		who := identity{r.kind, r.id}
		if r.id == "" || r.name == "" || r.kind == "" || seen[who] {
			t.Fatalf("contact %d: %+v", i, r)
		}
		seen[who] = true
		for _, p := range r.phones {
			if len(b.lookup(p.Number)) == 0 {
				t.Fatalf("%s of %s is not found", p.Number, r.name)
			}
		}
	}
	for n, at := range b.byNumber {
		for _, i := range at {
			if int(i) >= len(b.records) {
				t.Fatalf("%s: contact %d of %d", n, i, len(b.records))
			}
		}
	}
}

// fuzzBook: whatever a file holds, it is taken whole or refused with a place, and never panics.
func fuzzBook(f *testing.F, config string) {
	p := planned(f, config)
	f.Fuzz(func(t *testing.T, text string) {
		b, err := p.parse([]byte(text), nil)
		if err == nil {
			checkBook(t, b)
			return
		}
		wrong := err.(*bookError)
		lines := 1 + strings.Count(text, "\n")
		for _, m := range wrong.problems {
			if m.line < 1 || m.line > lines || m.text == "" {
				t.Errorf("line %d of %d: %s", m.line, lines, m.text)
			}
		}
		if _, err := json.Marshal(err.Error()); err != nil {
			t.Error(err)
		}
	})
}

func FuzzCSV(f *testing.F) {
	f.Add("id,name,phone,city\n7,Anna,044 123;1,Kyiv\n\n\"8\",\"B \"\"x\"\"\",+1\n")
	f.Add("name;phone\r\n\"a\nb\";1|2\r\n")
	f.Add("name\tphone\n\"a\t1\n")
	f.Add("name,phone\na\"b,1\n")
	fuzzBook(f, `{"book": "b.csv", "region": "UA"}`)
}
