package contacts

import (
	"strings"
	"testing"
)

func vcard(lines ...string) string {
	return "BEGIN:VCARD\r\n" + strings.Join(lines, "\r\n") + "\r\nEND:VCARD\r\n"
}

func TestVCard(t *testing.T) {
	runBooks(t, "vcard", []bookCase{
		{name: "4.0", text: vcard("VERSION:4.0", "FN:Anna Koval", "N:Koval;Anna;;;", "UID:urn:uuid:4fbe8971", `TEL;VALUE=uri;TYPE="work,voice";PREF=1:tel:+380-44-123-45-67;ext=12`, "NOTE:a\\, b\\nc"),
			want: []string{"4fbe8971|Anna Koval|contact|+380441234567 work|note=a, b\nc"}},
		{name: "3.0", text: vcard("VERSION:3.0", "FN:Koval\\; Anna", "TEL;TYPE=WORK,VOICE:044 123 45 67", "TEL;TYPE=CELL:+380501234567", "TEL:101", "EMAIL:a@example.com"),
			want: []string{"own|Koval; Anna|contact|+380441234567 work,+380501234567 mobile,101|email=a@example.com"}},
		{name: "2.1 quoted-printable", text: vcard("VERSION:2.1", "N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=D0=9A=D0=BE=D0=B2=D0=B0=D0=BB=D1=8C;=D0=90=D0=BD=D0=BD=D0=B0;;;",
			"FN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=D0=90=D0=BD=D0=BD=D0=B0=20=", "=D0=9A=D0=BE=D0=B2=D0=B0=D0=BB=D1=8C", "TEL;CELL;PREF:0501234567", "TEL;HOME:101"),
			want: []string{"own|Анна Коваль|contact|+380501234567 mobile,101 home|"}},
		{name: "2.1 picture", text: vcard("VERSION:2.1", "FN:Anna", "PHOTO;ENCODING=BASE64;JPEG:/9j/4AAQSkZJRgABAQAAAQABAAD", "/9j/4AAQSkZJRgABAQAAAQABAAD==", "", "TEL:101"),
			want: []string{"own|Anna|contact|101|"}},
		{name: "folded", text: vcard("VERSION:3.0", "FN:An", " na Ko", "\tval", "TEL:1", " 0", "  1"), want: []string{"own|Anna Koval|contact|101|"}},
		{name: "folded picture", text: vcard("VERSION:3.0", "FN:Anna", "PHOTO;ENCODING=b;TYPE=JPEG:MIICajCC", " "+strings.Repeat("A", 100_000), "TEL:101"), want: []string{"own|Anna|contact|101|"}},
		{name: "apple", text: vcard("VERSION:3.0", "FN:Anna", "item1.TEL;type=pref:101", "item1.X-ABLabel:_$!<Work>!$_", "item2.TEL:102", "item2.X-ABLabel:дача"),
			want: []string{"own|Anna|contact|101 work,102 дача|"}},
		{name: "name from its parts", text: vcard("N:Koval;Anna;Ivanivna;Dr.;"), want: []string{"own|Dr. Anna Ivanivna Koval|contact||"}},
		{name: "firm", text: vcard("ORG:ACME;Sales", "TEL:101") + vcard("FN:ACME", "KIND:org", "ORG:ACME", "TEL:102"), want: []string{"own|ACME, Sales|account|101|", "own|ACME|account|102|"}},
		{name: "person of a firm", text: vcard("FN:Anna", "KIND:individual", "ORG:ACME", "TEL:101"), want: []string{"own|Anna|contact|101|org=ACME"}},
		{name: "groups are left out", text: vcard("FN:Friends", "KIND:group", "MEMBER:urn:uuid:1") + vcard("FN:Anna", "TEL:101"), want: []string{"own|Anna|contact|101|"}},
		{name: "number only", text: vcard("TEL:101"), want: []string{"own|101|contact|101|"}},
		{name: "export with copies", text: vcard("FN:Anna", "TEL:101") + vcard("FN:Anna", "TEL:101", "TEL:102"), want: []string{"own|Anna|contact|101,102|"}},
		{name: "agent", text: vcard("FN:Anna", "AGENT:", "BEGIN:VCARD", "FN:Secretary", "TEL:999", "END:VCARD", "TEL:101"), want: []string{"own|Anna|contact|101|"}},
		{name: "lower case, line feeds", text: "begin:vcard\nfn:Anna\ntel:101\nend:vcard\n\n\n", want: []string{"own|Anna|contact|101|"}},
		{name: "empty", text: "", want: nil},

		{name: "no card", text: "name,phone\nAnna,101\n", wrong: []string{`1: "name,phone" stands outside of a card: BEGIN:VCARD is missing`}},
		{name: "no end", text: "BEGIN:VCARD\nFN:Anna\n", wrong: []string{"1: the card that begins here has no END:VCARD"}},
		{name: "begin in a card", text: vcard("FN:A", "TEL:101", "BEGIN:VCARD", "FN:B"), wrong: []string{"1: the card that begins here has no END:VCARD"}},
		{name: "not a property", text: vcard("FN:A", "hello", "TEL:101"), wrong: []string{`3: "hello" has no colon`}},
		{name: "no name", text: vcard("UID:1", "NOTE:x"), wrong: []string{"1: there is no name"}},
		{name: "uid twice", text: vcard("FN:A", "UID:1") + vcard("FN:B", "UID:1"), wrong: []string{`5: id "1" stands on line 1 already`}},
		{name: "no number", text: vcard("FN:A", "TEL:ask Anna"), wrong: []string{`3: "ask Anna" is not a phone number`}},
		{name: "other charset", text: vcard("FN;CHARSET=windows-1251;ENCODING=QUOTED-PRINTABLE:=C0=ED", "TEL:1"), wrong: []string{"2: FN is not UTF-8"}},
		{name: "broken quoted-printable", text: vcard("FN;ENCODING=QUOTED-PRINTABLE:=C0=ED"), wrong: []string{"2: FN is not UTF-8", "1: there is no name"}},
	})
}

func FuzzVCard(f *testing.F) {
	f.Add(vcard("VERSION:3.0", "FN:An", " na", "item1.TEL;TYPE=work:+380441234567", "item1.X-ABLABEL:_$!<W>!$_", "UID:1"))
	f.Add(vcard("N;ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-8:=D0=", "=9A;B", "TEL;CELL:1", "PHOTO;BASE64:AA", "AA", ""))
	f.Add(vcard("AGENT:", "BEGIN:VCARD", "END:VCARD", `TEL;X="a;b:c":tel:1`, `ORG:a\;b;c`))
	fuzzBook(f, `{"book": "b.vcf", "region": "UA"}`)
}
