package sipua

import (
	"net/netip"
	"slices"
	"testing"

	"cordboard/sipua/registrar"
)

func TestContacts(t *testing.T) {
	t.Parallel()
	from := func(contact, remote string) registrar.Binding {
		return registrar.Binding{Contact: contact, Flow: registrar.Flow{Network: "udp", Remote: netip.MustParseAddrPort(remote)}}
	}
	desk, home := from("sip:anna@10.0.0.1:5060", "10.0.0.1:5060"), from("sip:anna@192.168.1.2:5060", "203.0.113.7:31000")
	other := from("sip:anna@192.168.1.2:5060", "203.0.113.8:31000")
	fixed := func(uri string) registrar.Binding { return registrar.Binding{Contact: uri, Fixed: true} }
	for _, c := range []struct {
		name string
		in   []registrar.Binding
		want []registrar.Binding
	}{
		{"none", nil, nil},
		{"two", []registrar.Binding{desk, home}, []registrar.Binding{desk, home}},
		{"fixed elsewhere", []registrar.Binding{desk, fixed("sip:10.0.0.9")}, []registrar.Binding{desk, fixed("sip:10.0.0.9")}},
		{"fixed and registered", []registrar.Binding{home, desk, fixed("sip:anna@10.0.0.1")}, []registrar.Binding{home, desk}},
		{"too many", []registrar.Binding{desk, home, desk, home, other}, []registrar.Binding{desk, home, desk, home}},
	} {
		var got, want []string
		for _, x := range contactsOf(c.in) {
			got = append(got, x.ID())
		}
		for _, b := range c.want {
			want = append(want, Contact{b}.ID())
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", c.name, got, want)
		}
	}
	if (Contact{home}).ID() == (Contact{other}).ID() {
		t.Error("two phones with one private address are not told apart")
	}
}
