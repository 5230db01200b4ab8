package contacts

import (
	"testing"

	"cordboard/callcontrol"
)

func TestKey(t *testing.T) {
	for _, c := range []struct{ region, raw, want string }{
		// One number, as books and trunks write it.
		{"UA", "+380441234567", "+380441234567"},
		{"UA", "+38 (044) 123-45-67", "+380441234567"},
		{"UA", "0441234567", "+380441234567"},
		{"UA", "(044) 123 45 67", "+380441234567"},
		{"UA", "044/123.45.67", "+380441234567"},
		{"UA", "441234567", "+380441234567"},
		{"UA", "380441234567", "+380441234567"},
		{"UA", "00380441234567", "+380441234567"},
		{"UA", "810380441234567", "810380441234567"}, // the prefix of long ago
		{"UA", "tel:+380-44-123-45-67", "+380441234567"},
		{"UA", "044 123 45 67 ext. 12", "+380441234567"},
		{"UA", "044 123 45 67 доб. 12", "+380441234567"},
		{"UA", "\u202a+380 44 123 45 67\u202c", "+380441234567"},
		{"UA", "＋３８０441234567", "+380441234567"},
		{"UA", " 044 123\u00a045 67 ", "+380441234567"},
		// Foreign ones.
		{"UA", "+48221234567", "+48221234567"},
		{"UA", "48221234567", "+48221234567"},
		{"UA", "0048221234567", "+48221234567"},
		{"UA", "+44 (0)20 7946 0958", "+442079460958"},
		{"US", "(201) 555-0123", "+12015550123"},
		{"US", "12015550123", "+12015550123"},
		{"US", "01148221234567", "+48221234567"},
		{"DE", "030 901820", "+4930901820"},
		{"IT", "06 6982", "+39066982"}, // its zero stays
		{"ua", "044 123 45 67", "+380441234567"},
		// Without a region nothing is guessed.
		{"", "+380 44 123-45-67", "+380441234567"},
		{"", "0441234567", "0441234567"},
		{"", "044 123-45-67", "0441234567"},
		{"", "380441234567", "380441234567"},
		{"", "2015550123", "2015550123"},
		// Those that are no public numbers.
		{"UA", "101", "101"},
		{"UA", "1-01", "101"},
		{"UA", "*97#", "*97#"},
		{"UA", "Alice", "alice"},
		{"UA", "bob0441234567", "bob0441234567"},
		{"UA", "anonymous", "anonymous"},
		{"UA", "+380", "+380"},
		{"UA", "", ""},
		{"UA", "   ", ""},
		{"UA", "-", ""},
	} {
		n, err := newNumbers(c.region)
		if err != nil {
			t.Fatal(err)
		}
		if got := n.key(c.raw); got != c.want {
			t.Errorf("%s %q: %q, want %q", c.region, c.raw, got, c.want)
		}
	}
}

func TestRegions(t *testing.T) {
	for _, r := range []string{"Ukraine", "XX", "U", "380", "ZZ", "001"} {
		if _, err := newNumbers(r); err == nil {
			t.Errorf("%q is taken", r)
		}
	}
}

// FuzzKey: a key is its own key, so that what a lookup answers finds the same again.
func FuzzKey(f *testing.F) {
	for _, s := range []string{"+380441234567", "044 1", "١٢٣٤٥٦٧", "tel:+1;ext=5", "(", "+", "1-800-FLOWERS"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		for _, region := range []string{"", "UA", "US"} {
			n := numbers{region}
			key := n.key(raw)
			if _, err := callcontrol.ParseNumber(key); err != nil {
				return // no book has it
			}
			if again := n.key(key); again != key {
				t.Errorf("%s %q: %q, and then %q", region, raw, key, again)
			}
		}
	})
}
