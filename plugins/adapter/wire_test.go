package adapter

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"cordboard/callcontrol"
	adapterv1 "cordboard/plugins/adapter/v1"
)

func TestRoundTrips(t *testing.T) {
	info := Info{Name: "crm", Version: "1.2", Capabilities: []Capability{CanLookup, CanSearch, CanEvents}, Schema: []byte(`{"type":"object"}`)}
	if d := cmp.Diff(info, DecodeInfo(EncodeInfo(info))); d != "" {
		t.Error(d)
	}
	q := Query{
		Number: "+380441234567", Display: "Anna", Agent: "a", Call: "c", Line: "l", Direction: callcontrol.Outbound, Queue: "Sales",
		Variables: []callcontrol.Variable{{Name: "ivr", Value: "2"}},
	}
	if d := cmp.Diff(q, DecodeQuery(EncodeQuery(q))); d != "" {
		t.Error(d)
	}
	contacts := []Contact{{ID: "1", Name: "n", Kind: "k", Phones: []Phone{{"+1", "work"}}}}
	if d := cmp.Diff(contacts, DecodeContacts(EncodeContacts(contacts), 5)); d != "" {
		t.Error(d)
	}
	for in, want := range map[int]int{0: MaxFound, 7: 7, 1000: MaxFound, -1: MaxFound} {
		if got := DecodeSearch(EncodeSearch(Search{Text: "x", Agent: "a", Limit: in})); got != (Search{"x", "a", want}) {
			t.Errorf("%d: %+v", in, got)
		}
	}
	for _, h := range []Health{{HealthOK, ""}, {HealthDegraded, "the CRM is away"}} {
		if got := DecodeHealth(EncodeHealth(h)); got != h {
			t.Errorf("%+v", got)
		}
	}
}

// What an adapter of a later version says must not confuse.
func TestUnknownValues(t *testing.T) {
	i := DecodeInfo(&adapterv1.InfoReply{Name: "a\nb", Capabilities: []adapterv1.Capability{99, 1, 1, 0}})
	if i.Name != "a b" || !cmp.Equal(i.Capabilities, []Capability{CanLookup}) {
		t.Errorf("%+v", i)
	}
	if h := DecodeHealth(&adapterv1.HealthReply{State: 99}); h.State != HealthDegraded {
		t.Errorf("%+v", h)
	}
}

// FuzzAdapterAnswer: whatever an adapter answers, what is taken of it is bounded and stays as it is when taken
// again.
func FuzzAdapterAnswer(f *testing.F) {
	raw, err := proto.Marshal(&adapterv1.LookupReply{Contacts: EncodeContacts([]Contact{{ID: "1", Name: "Anna", Phones: []Phone{{"+1", "w"}}}})})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Fuzz(func(t *testing.T, raw []byte) {
		var m adapterv1.LookupReply
		if proto.Unmarshal(raw, &m) != nil {
			return
		}
		got := DecodeContacts(m.GetContacts(), MaxContacts)
		if len(got) > MaxContacts || !cmp.Equal(got, DecodeContacts(EncodeContacts(got), MaxContacts)) {
			t.Errorf("%+v", got)
		}
		for _, c := range got {
			b := c.Bound()
			if callcontrol.CheckText(b.ID) != nil || callcontrol.CheckText(b.Name) != nil || callcontrol.CheckText(b.Kind) != nil {
				t.Errorf("no call could be bound to %+v", b)
			}
		}
	})
}
