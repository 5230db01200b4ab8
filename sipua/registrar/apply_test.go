package registrar

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var (
	epoch      = time.Unix(1_700_000_000, 0)
	testLimits = limits{min: time.Minute, max: time.Hour, standard: 5 * time.Minute, contacts: 4}
)

func reg(cseq uint32, flow Flow, expires time.Duration, uris ...string) registration {
	r := registration{user: "anna", callID: "c1", cseq: cseq, expires: expires, flow: flow}
	for _, u := range uris {
		r.contacts = append(r.contacts, contact{uri: u, key: u, expires: -1, q: fullQ})
	}
	return r
}

func show(list []Binding) string {
	var out []string
	for _, b := range list {
		out = append(out, fmt.Sprintf("%s+%d", b.Contact, int(b.Expires.Sub(epoch)/time.Second)))
	}
	return strings.Join(out, " ")
}

func TestApply(t *testing.T) {
	f1, f2 := flowOf("192.0.2.1:5060"), flowOf("192.0.2.2:5060")
	one, _ := apply(nil, reg(5, f1, 300*time.Second, "a"), testLimits, epoch)
	two, _ := apply(one, func() registration { r := reg(1, f2, 300*time.Second, "b"); r.callID = "c2"; return r }(), testLimits, epoch)
	other := func(r registration) registration { r.callID = "c9"; return r }
	star := registration{user: "anna", callID: "c9", cseq: 1, star: true}
	for _, tt := range []struct {
		name   string
		old    []Binding
		r      registration
		want   string
		status int
	}{
		{"first", nil, reg(1, f1, 120*time.Second, "a"), "a+120", 200},
		{"standard life", nil, reg(1, f1, -1, "a"), "a+300", 200},
		{"capped life", nil, reg(1, f1, 24*time.Hour, "a"), "a+3600", 200},
		{"too brief", two, reg(6, f1, 59*time.Second, "a"), "b+300 a+300", 423},
		{"query", two, reg(6, f1, -1), "b+300 a+300", 200},
		{"newest first", two, reg(6, f1, 600*time.Second, "a"), "a+600 b+300", 200},
		{"remove one", two, reg(6, f1, 0, "a"), "b+300", 200},
		{"remove unknown", two, reg(6, f1, 0, "x"), "b+300 a+300", 200},
		{"same cseq", two, reg(5, f1, 600*time.Second, "a"), "b+300 a+300", 500},
		{"lower cseq removes nothing", two, reg(4, f1, 0, "a"), "b+300 a+300", 500},
		{"another call-id starts anew", two, other(reg(1, f1, 600*time.Second, "a")), "a+600 b+300", 200},
		{"same phone, new contact", two, other(reg(1, f1, 600*time.Second, "c")), "c+600 b+300", 200},
		{"two contacts of one request", nil, reg(1, f1, 600*time.Second, "c", "d"), "d+600 c+600", 200},
		{"star", two, star, "", 200},
		{"star with a life", two, func() registration { r := star; r.expires = time.Minute; return r }(), "b+300 a+300", 400},
		{"star with a contact", two, func() registration { r := reg(9, f1, 0, "a"); r.star = true; return r }(), "b+300 a+300", 400},
		{"star out of order", two, func() registration { r := star; r.callID = "c1"; return r }(), "b+300 a+300", 500},
		{"all or nothing", two, func() registration { r := reg(6, f1, -1, "x", "a"); r.contacts[1].expires = time.Second; return r }(), "b+300 a+300", 423},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, status := apply(tt.old, tt.r, testLimits, epoch)
			if show(got) != tt.want || status != tt.status {
				t.Fatalf("%q, %d; want %q, %d", show(got), status, tt.want, tt.status)
			}
			if show(two) != "b+300 a+300" {
				t.Fatal("the old list was changed")
			}
		})
	}
}

func TestInstanceReplaces(t *testing.T) {
	r := reg(1, flowOf("192.0.2.1:5060"), -1, "a")
	r.contacts[0].instance = "<urn:uuid:1>"
	list, _ := apply(nil, r, testLimits, epoch)
	r = reg(1, flowOf("192.0.2.1:6000"), -1, "b")
	r.callID = "c2"
	r.contacts[0].instance = "<urn:uuid:1>"
	if list, _ = apply(list, r, testLimits, epoch); show(list) != "b+300" {
		t.Fatal(show(list))
	}
}

// Random registrations: the list is bounded, its keys differ, and nothing but
// an accepted one changes it.
func TestApplyInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var list []Binding
		now := epoch
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 100).Draw(t, "wait")) * time.Second)
			flow := flowOf(fmt.Sprintf("192.0.2.%d:5060", rapid.IntRange(1, 6).Draw(t, "flow")))
			r := reg(uint32(rapid.IntRange(1, 20).Draw(t, "cseq")), flow, time.Duration(rapid.IntRange(-1, 5000).Draw(t, "expires"))*time.Second)
			r.callID = fmt.Sprint(rapid.IntRange(1, 3).Draw(t, "call"))
			r.star = rapid.IntRange(0, 9).Draw(t, "star") == 0
			for _, c := range rapid.SliceOfNDistinct(rapid.IntRange(1, 8), 0, 4, rapid.ID[int]).Draw(t, "contacts") {
				r.contacts = append(r.contacts, contact{uri: fmt.Sprint(c), key: fmt.Sprint(c), expires: -1})
			}
			before := lapse(list, now)
			after, status := apply(before, r, testLimits, now)
			if status != 200 && show(after) != show(before) {
				t.Fatal("a refused registration changed the contacts")
			}
			seen := map[string]bool{}
			for _, b := range after {
				if seen[b.key] || !b.Expires.After(now) || b.Expires.Sub(now) > testLimits.max {
					t.Fatalf("bad list %s", show(after))
				}
				seen[b.key] = true
			}
			if len(after) > testLimits.contacts {
				t.Fatalf("%d contacts", len(after))
			}
			list = after
		}
	})
}
