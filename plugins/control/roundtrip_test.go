package control

import (
	"fmt"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"cordboard/callcontrol"
	"cordboard/journal"
	controlv1 "cordboard/plugins/control/v1"
)

// filler sets every field of a value to something other than its zero, so that a field forgotten in the
// mapping shows, also one added later.
type filler struct{ n int }

var enumWords = map[reflect.Type]string{
	reflect.TypeFor[callcontrol.Kind]():           "hold",
	reflect.TypeFor[callcontrol.EventKind]():      "call_changed",
	reflect.TypeFor[callcontrol.Role]():           "target",
	reflect.TypeFor[callcontrol.LegState]():       "held",
	reflect.TypeFor[callcontrol.CallDirection]():  "internal",
	reflect.TypeFor[callcontrol.Phase]():          "conference",
	reflect.TypeFor[callcontrol.TransferKind]():   "consult",
	reflect.TypeFor[callcontrol.TransferStatus](): "recalling",
	reflect.TypeFor[callcontrol.Status]():         "pause",
	reflect.TypeFor[callcontrol.Connect]():        "persistent",
	reflect.TypeFor[callcontrol.WhyCode]():        "wrap_up",
	reflect.TypeFor[callcontrol.Cause]():          "busy",
	reflect.TypeFor[callcontrol.Ender]():          "trunk",
	reflect.TypeFor[AdapterState]():               "backoff",
}

func (f *filler) fill(t *testing.T, v reflect.Value) {
	t.Helper()
	f.n++
	if w, ok := enumWords[v.Type()]; ok {
		v.SetString(w)
		return
	}
	if v.Type() == reflect.TypeFor[time.Time]() {
		v.Set(reflect.ValueOf(time.Unix(int64(1_700_000_000+f.n), 123456789).UTC()))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprintf("text-%d", f.n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Uint64:
		v.SetUint(uint64(f.n))
	case reflect.Int:
		v.SetInt(int64(f.n))
	case reflect.Int64:
		v.SetInt(int64(f.n) * 1_000_000)
	case reflect.Float64:
		v.SetFloat(float64(f.n) / 16)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(t, v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		f.fill(t, v.Index(0))
		f.fill(t, v.Index(1))
	case reflect.Struct:
		for i := range v.NumField() {
			f.fill(t, v.Field(i))
		}
	default:
		t.Fatalf("no filling for %s", v.Type())
	}
}

func filled[T any](t *testing.T) T {
	t.Helper()
	var v T
	(&filler{}).fill(t, reflect.ValueOf(&v).Elem())
	return v
}

// wire sends a message through its bytes.
func wire[M proto.Message](t *testing.T, in, out M) M {
	t.Helper()
	raw, err := proto.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	if err := proto.Unmarshal(raw, out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestEventRoundTrip(t *testing.T) {
	for _, want := range []journal.Entry[callcontrol.Event]{
		{Cursor: journal.Cursor{Epoch: "e", Seq: 7}, Event: filled[callcontrol.Event](t)},
		{Cursor: journal.Cursor{Epoch: "e", Seq: 8}, Event: callcontrol.Event{Kind: callcontrol.EventDigitsSent, Agent: "anna"}},
		{Cursor: journal.Cursor{Epoch: "e", Seq: 9}, Gap: &journal.Gap{From: journal.Cursor{Epoch: "d", Seq: 1}, To: journal.Cursor{Epoch: "e", Seq: 9}}},
	} {
		got := decodeEntry(wire(t, encodeEntry(want), &controlv1.SubscribeReply{}))
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("entry differs (-want +got):\n%s", d)
		}
	}
}

func TestSnapshotRoundTrip(t *testing.T) {
	f := newFake(1)
	f.snapshot = filled[callcontrol.Snapshot](t)
	path := socketPath(t)
	serve(t, path, f)
	c := dial(t, path)
	got, err := c.Snapshot(patient(t))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(f.snapshot, got); d != "" {
		t.Errorf("snapshot differs (-want +got):\n%s", d)
	}
}

// A display name from a peer with a broken byte must not cost the subscriber its stream.
func TestBrokenTextOfAPeer(t *testing.T) {
	e := callcontrol.Event{Kind: callcontrol.EventCallStarted, Call: &callcontrol.CallView{
		Remote: callcontrol.Identity{Display: "Zo\xeb"}, Variables: []callcontrol.Variable{{Name: "x", Value: "\xc3("}},
	}}
	got := decodeEntry(wire(t, encodeEntry(journal.Entry[callcontrol.Event]{Event: e}), &controlv1.SubscribeReply{}))
	if got.Event.Call.Remote.Display != "Zo\uFFFD" || got.Event.Call.Variables[0].Value != "\uFFFD(" {
		t.Errorf("got %+v", got.Event.Call)
	}
}

// FuzzEntry: what decodes encodes to the same again, and nothing panics.
func FuzzEntry(f *testing.F) {
	for _, e := range []*controlv1.SubscribeReply{
		encodeEntry(journal.Entry[callcontrol.Event]{Gap: &journal.Gap{}}),
		encodeEntry(journal.Entry[callcontrol.Event]{Event: callcontrol.Event{Kind: callcontrol.EventLegHeld, Call: &callcontrol.CallView{Legs: []callcontrol.LegView{{}}}}}),
		{Entry: &controlv1.SubscribeReply_Event{Event: &controlv1.Event{Kind: 999, Cause: -1}}},
		{Entry: &controlv1.SubscribeReply_Event{Event: &controlv1.Event{Call: &controlv1.Call{Legs: []*controlv1.Leg{{
			Media: &controlv1.LegMedia{Mos: math.NaN(), LossRatio: math.Inf(1), Jitter: &durationpb.Duration{Seconds: math.MaxInt64}},
		}}}}}},
	} {
		raw, err := proto.Marshal(e)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var m controlv1.SubscribeReply
		if proto.Unmarshal(raw, &m) != nil {
			return
		}
		first := decodeEntry(&m)
		if again := decodeEntry(encodeEntry(first)); !cmp.Equal(first, again) {
			t.Errorf("not stable:\n%s", cmp.Diff(first, again))
		}
	})
}
