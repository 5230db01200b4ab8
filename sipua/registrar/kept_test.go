package registrar

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// over sends contacts through their JSON, as from one run to the next.
func over(t *testing.T, list []Binding) []Kept {
	t.Helper()
	text, err := json.Marshal(Keep(list))
	if err != nil {
		t.Fatal(err)
	}
	var kept []Kept
	if err := json.Unmarshal(text, &kept); err != nil {
		t.Fatal(err)
	}
	return kept
}

// What a phone registered before a restart holds after it, until it would have run out, by the same rules.
func TestRestore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		before := newTest(t, nil, nil)
		anna := newPhone(t, before, "anna", "pw", "192.0.2.1:5060")
		anna.register("Contact: <sip:anna@192.0.2.1:5060;ob>;expires=600;q=0.5;+sip.instance=\"<urn:uuid:1>\"\r\nPath: <sip:edge@192.0.2.9;lr>\r\nUser-Agent: Desk 1\r\n")
		second := newPhone(t, before, "anna", "pw", "192.0.2.2:5060")
		second.register("Contact: <sip:anna@192.0.2.2>;expires=300\r\n")
		was := before.Lookup("anna")
		kept := over(t, was)
		time.Sleep(100 * time.Second)

		var told State // the last
		after := newTest(t, nil, func(s State) { told = s })
		if n := after.Restore("anna", kept); n != 2 {
			t.Fatalf("%d contacts", n)
		}
		if d := cmp.Diff(was, after.Lookup("anna"), cmp.AllowUnexported(Binding{}), cmp.Comparer(func(a, b Flow) bool { return a == b })); d != "" {
			t.Errorf("contacts differ (-before +after):\n%s", d)
		}
		if user, ok := after.UserOf(anna.flow); !ok || user != "anna" {
			t.Errorf("who is at the flow: %q", user)
		}
		wait := after.turn()
		if told.User != "anna" || !told.Reachable || told.Reason != "restored" || wait != 200*time.Second {
			t.Errorf("told %+v, next in %v", told, wait)
		}
		// A REGISTER of before, sent again by somebody who saw it, is out of order still; the phone's next one is not.
		replay := *anna
		replay.r, replay.cseq = after, 0
		if res := replay.register("Contact: <sip:anna@192.0.2.1:5060;ob>;expires=600;+sip.instance=\"<urn:uuid:1>\"\r\n"); res.StatusCode != 500 {
			t.Errorf("replayed: %d", res.StatusCode)
		}
		anna.r = after
		if res := anna.register("Contact: <sip:anna@192.0.2.1:5060;ob>;expires=0;+sip.instance=\"<urn:uuid:1>\"\r\n"); res.StatusCode != 200 || len(after.Lookup("anna")) != 1 {
			t.Errorf("unregistered: %d, %+v", res.StatusCode, after.Lookup("anna"))
		}
		time.Sleep(200 * time.Second)
		if left := after.Lookup("anna"); len(left) != 0 {
			t.Errorf("held too long: %+v", left)
		}
	})
}

// Restored is nothing that no phone could have registered, and not for longer.
func TestRestoreRefuses(t *testing.T) {
	good := Kept{Contact: "sip:anna@192.0.2.1", Remote: flowOf("192.0.2.1:5060").Remote, Q: 1000, Expires: time.Now().Add(24 * time.Hour), CallID: "c", CSeq: 1}
	with := func(f func(*Kept)) Kept {
		k := good
		f(&k)
		return k
	}
	r := newTest(t, nil, nil)
	for name, k := range map[string]Kept{
		"run out":     with(func(k *Kept) { k.Expires = time.Now() }),
		"no address":  with(func(k *Kept) { k.Remote = flowOf("192.0.2.1:5060").Remote; k.Remote = Kept{}.Remote }),
		"no uri":      with(func(k *Kept) { k.Contact = "anna" }),
		"a line more": with(func(k *Kept) { k.Contact = "sip:anna@192.0.2.1\r\nX: y" }),
		"another uri": with(func(k *Kept) { k.Contact = "tel:1" }),
		"long":        with(func(k *Kept) { k.Contact = "sip:" + strings.Repeat("a", 600) + "@192.0.2.1" }),
		"bad q":       with(func(k *Kept) { k.Q = 1001 }),
		"bad path":    with(func(k *Kept) { k.Path = []string{"<sip:a>\r\nX: y"} }),
	} {
		if n := r.Restore("anna", []Kept{k}); n != 0 {
			t.Errorf("%s: restored", name)
		}
	}
	for _, user := range []string{"nobody", "open"} {
		if n := r.Restore(user, []Kept{good}); n != 0 {
			t.Errorf("%s: restored", user)
		}
	}
	if n := r.Restore("anna", []Kept{good, good, good, good, good, good}); n != 4 {
		t.Errorf("%d contacts", n)
	}
	if n := r.Restore("anna", []Kept{good}); n != 0 {
		t.Error("restored twice")
	}
	for _, b := range r.Lookup("anna") {
		if time.Until(b.Expires) > time.Hour {
			t.Errorf("until %v", b.Expires)
		}
	}
	if kept := Keep([]Binding{{Flow: Flow{Network: "tcp"}}, {Flow: Flow{Network: "udp"}, Fixed: true}}); len(kept) != 0 {
		t.Errorf("kept: %+v", kept)
	}
}
