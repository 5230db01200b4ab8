package daemon

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cordboard/callcontrol"
	"cordboard/journal"
)

// fill sets every field of a value to something that is not zero.
func fill(v reflect.Value, n *int) {
	*n++
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(time.Date(2026, 11, 24, 12, 0, *n%60, 123456789+*n, time.UTC)))
	case v.Kind() == reflect.String:
		v.SetString("текст <&> \" \u2028 " + string(rune('a'+*n%26)))
	case v.Kind() == reflect.Bool:
		v.SetBool(true)
	case v.CanInt():
		v.SetInt(int64(*n))
	case v.CanUint():
		v.SetUint(1<<63 + uint64(*n))
	case v.CanFloat():
		v.SetFloat(float64(*n) + 0.1)
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), n)
	case v.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(v.Index(i), n)
		}
	case v.Kind() == reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key, n)
		fill(value, n)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), n)
		}
	}
}

// TestEventOnDisk: an event read back is the one that was written: every field, and every field that is zero.
func TestEventOnDisk(t *testing.T) {
	full, n := callcontrol.Event{}, 0
	fill(reflect.ValueOf(&full).Elem(), &n)
	now := time.Now()
	for name, e := range map[string]callcontrol.Event{
		"empty":          {},
		"every field":    full,
		"no answer yet":  {At: now, Kind: callcontrol.EventCallStarted, CallID: "c1", Call: &callcontrol.CallView{ID: "c1", Phase: callcontrol.PhaseOffered, Started: now}},
		"no legs":        {Kind: callcontrol.EventCallEnded, Cause: callcontrol.CauseNormal, Call: &callcontrol.CallView{Legs: []callcontrol.LegView{}}},
		"an empty agent": {Kind: callcontrol.EventAgentChanged, State: &callcontrol.AgentView{}},
		"a transfer":     {Kind: callcontrol.EventTransferChanged, Transfer: &callcontrol.TransferView{Kind: callcontrol.TransferBlind, Status: callcontrol.TransferFailed}},
	} {
		text, err := encodeEvent(e)
		if err != nil {
			t.Fatal(err)
		}
		got, err := decodeEvent(text)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(e, got, cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) })); diff != "" {
			t.Errorf("%s (-written +read):\n%s", name, diff)
		}
	}
}

// FuzzJournalEvent: whatever is on the disk is an error or an event that is written again as the same one.
func FuzzJournalEvent(f *testing.F) {
	full, n := callcontrol.Event{}, 0
	fill(reflect.ValueOf(&full).Elem(), &n)
	text, err := encodeEvent(full)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"at":"2026-11-24T12:00:00+02:00","kind":"call_ended","call":{"legs":null,"started":"0001-01-01T00:00:00Z"}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		e, err := decodeEvent(text)
		if err != nil {
			return
		}
		again, err := encodeEvent(e)
		if err != nil {
			return // a year beyond 9999
		}
		same, err := decodeEvent(again)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(e, same, cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) })); diff != "" && json.Valid(text) {
			t.Errorf("(-read +read again):\n%s", diff)
		}
	})
}

// TestJournalOverRestart: the events of an earlier run are there, numbers go on in the same epoch, and a second daemon on the same
// state does not start.
func TestJournalOverRestart(t *testing.T) {
	w := newWorld(t, setup{durable: true})
	c, a := w.talk()
	c.Hangup()
	w.ended(c, a)
	w.free()
	w.until("every event is stored", func() bool { s := w.daemon.events.Status(); return s.Stored == s.Last && s.Last.Seq > 5 })
	w.quiet()
	before := w.daemon.events.Last()
	if _, err := New(w.daemon.cfg, w.daemon.log); err == nil || !strings.Contains(err.Error(), "another process has the journal open") {
		t.Errorf("a second daemon: %v", err)
	}
	w.bytes()
	w.restart()
	last := w.daemon.events.Last()
	if last.Epoch != before.Epoch || last.Seq < before.Seq {
		t.Fatalf("at %v after a restart, %v before", last, before)
	}
	ended := 0
	sub := w.daemon.board.Subscribe(journal.Cursor{})
	for at := uint64(0); at < before.Seq; at++ {
		e, err := sub.Next(w.ctx)
		w.must(err)
		if e.Gap != nil || e.Cursor.Seq != at+1 || e.Event.At.IsZero() || e.Event.Agent != anna {
			t.Fatalf("after %d: %+v", at, e)
		}
		if e.Event.Kind == callcontrol.EventCallEnded && e.Event.Call.Cause == callcontrol.CauseNormal {
			ended++
		}
	}
	if ended != 1 {
		t.Errorf("%d calls ended", ended)
	}
	w.until("what happens now goes on behind it", func() bool { s := w.daemon.events.Status(); return s.Stored.Seq > before.Seq && s.Lost == 0 })
}

// bytes tells what a call takes on disk.
func (w *world) bytes() {
	w.t.Helper()
	size := int64(0)
	w.must(filepath.WalkDir(filepath.Join(w.dir, "state", "journal", "jetstream"), func(name string, d os.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(name, ".blk") {
			info, infoErr := d.Info()
			size, err = size+info.Size(), infoErr
		}
		return err
	}))
	w.t.Logf("%d events take %d bytes", w.daemon.events.Last().Seq, size)
}

// restart ends the daemon of the world and starts it again with the same configuration.
func (w *world) restart() {
	w.t.Helper()
	w.stops[1]()
	cfg := w.daemon.cfg
	var err error
	w.daemon, err = New(cfg, w.daemon.log)
	w.must(err)
	w.force = make(chan struct{})
	w.stops[1] = func() {}
	w.background("daemon again", func(ctx context.Context) error { return w.daemon.Run(ctx, nil, w.force) })
	w.until("the line is registered again", func() bool { s := w.snapshot(); return s.Agents[0].Registered })
}
