package webhook

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"cordboard/callcontrol"
	"cordboard/journal"
)

// follower is a client of the stream.
type follower struct {
	t      testing.TB
	resp   *http.Response
	lines  *bufio.Scanner
	cancel context.CancelFunc
}

func (w *world) follow(token, from string) *follower {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.url+"/v1/events", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	if from != "" {
		req.Header.Set("Last-Event-ID", from)
	}
	resp, err := w.client.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	f := &follower{t: w.t, resp: resp, lines: bufio.NewScanner(resp.Body), cancel: cancel}
	f.lines.Buffer(nil, 1<<20)
	w.t.Cleanup(f.close)
	return f
}

func (f *follower) close() {
	f.cancel()
	_ = f.resp.Body.Close()
}

// next is the next message; its id and event are those of the fields around it.
func (f *follower) next() (message, []byte) {
	f.t.Helper()
	var id, event string
	for f.lines.Scan() {
		key, value, _ := strings.Cut(f.lines.Text(), ": ")
		switch key {
		case "id":
			id = value
		case "event":
			event = value
		case "data":
			var m message
			if err := json.Unmarshal([]byte(value), &m); err != nil || m.ID != id || m.Type != event {
				f.t.Fatalf("%v: id %s, event %s, %s", err, id, event, value)
			}
			return m, []byte(value)
		}
	}
	f.t.Fatalf("the stream ended: %v", f.lines.Err())
	return message{}, nil
}

// The stream begins with what is true, and goes on with every event; one that comes back misses none.
func TestStream(t *testing.T) {
	w := newWorld(t, apiConfig, 100)
	c := newContract(t)
	w.board.tell(t, "anna", callcontrol.EventCallStarted)
	all, anna := w.follow(allToken, ""), w.follow(annaToken, "")
	first, text := all.next()
	c.schema("Message", text)
	if first.Type != typeSnapshot || len(first.Snapshot.Calls) != 2 || first.ID != "e1-1" {
		t.Fatalf("%s", text)
	}
	if m, _ := anna.next(); len(m.Snapshot.Calls) != 1 || len(m.Snapshot.Agents) != 1 || len(m.Snapshot.Transfers) != 0 {
		t.Errorf("%+v", m)
	}
	for range 3 {
		w.board.tell(t, "bohdan", callcontrol.EventDigit)
		w.board.tell(t, "anna", callcontrol.EventCallChanged)
	}
	for seq := uint64(2); seq <= 7; seq++ {
		m, text := all.next()
		c.schema("Message", text)
		if m.Cursor.Seq != seq || m.Event.Digit != "" {
			t.Errorf("%s", text)
		}
		if seq%2 == 1 {
			if m, _ := anna.next(); m.Cursor.Seq != seq || m.Event.Agent != "anna" {
				t.Errorf("%+v", m)
			}
		}
	}
	again := w.follow(allToken, "e1-3")
	if m, _ := again.next(); m.ID != "e1-4" {
		t.Errorf("%+v", m)
	}
	old := w.follow(allToken, "another-epoch-5")
	m, text := old.next()
	c.schema("Message", text)
	if m.Type != typeGap || m.Gap.From.Epoch != "another-epoch" || m.Snapshot == nil || m.Cursor.Seq != 7 {
		t.Errorf("%s", text)
	}
	w.board.tell(t, "anna", callcontrol.EventCallChanged)
	if m, _ := old.next(); m.ID != "e1-8" {
		t.Errorf("%+v", m)
	}
	future := w.follow(allToken, "e1-99")
	if m, _ := future.next(); m.Type != typeGap || m.Cursor.Seq != 8 {
		t.Errorf("%+v", m)
	}
}

// What is older than the memory of the adapter is read from the journal.
func TestStreamCatchesUp(t *testing.T) {
	w := newWorld(t, apiConfig, 3*mostKept)
	for range mostKept + 500 {
		w.board.tell(t, "anna", callcontrol.EventCallChanged)
	}
	until(t, "the hub has gone round", func() bool { return w.hook.hub().newest().Seq == mostKept+500 })
	f := w.follow(allToken, "e1-10")
	for seq := uint64(11); seq <= mostKept+500; seq++ {
		if m, _ := f.next(); m.Cursor.Seq != seq || m.Type != string(callcontrol.EventCallChanged) {
			t.Fatalf("%s %s, want %d", m.Type, m.ID, seq)
		}
	}
	if n := len(w.hook.api.catchUp); n != 0 {
		t.Errorf("%d still catch up", n)
	}
}

// Slow followers of one token do not keep others from catching up.
func TestCatchUpOfTokens(t *testing.T) {
	w := newWorld(t, apiConfig, 100)
	const old = "another-epoch-5"
	w.board.mu.Lock() // the daemon answers nothing: who catches up does so for long
	slow, again, other := w.follow(allToken, old), w.follow(allToken, old), w.follow(annaToken, old)
	w.board.mu.Unlock()
	if again.resp.StatusCode != 429 || again.resp.Header.Get("Retry-After") == "" {
		t.Errorf("the same token: %s", again.resp.Status)
	}
	for _, f := range []*follower{slow, other} {
		if m, text := f.next(); m.Type != typeGap {
			t.Errorf("%d %s", f.resp.StatusCode, text)
		}
	}
	until(t, "nobody catches up", func() bool { return len(w.hook.api.catchUp) == 0 })
	if m, _ := w.follow(allToken, old).next(); m.Type != typeGap {
		t.Errorf("afterwards: %+v", m)
	}
}

// The journal begins anew under a follower: it is told, and goes on.
func TestStreamOverEpochs(t *testing.T) {
	h := newHub(nil, false, quiet())
	h.reset(journal.Cursor{Epoch: "e1", Seq: 5})
	add := func(epoch string, seq uint64) { h.add(kept{cursor: journal.Cursor{Epoch: epoch, Seq: seq}}, "") }
	add("e1", 6)
	if list, _, ok := h.next(journal.Cursor{Epoch: "e1", Seq: 5}, 10); !ok || len(list) != 1 {
		t.Errorf("%v %v", list, ok)
	}
	if _, _, ok := h.next(journal.Cursor{Epoch: "e1", Seq: 4}, 10); ok {
		t.Error("an event that is not there was passed over")
	}
	add("e1", 9)
	if _, _, ok := h.next(journal.Cursor{Epoch: "e1", Seq: 7}, 10); ok {
		t.Error("events that are missing were passed over")
	}
	h.reset(journal.Cursor{Epoch: "e2", Seq: 6})
	if _, _, ok := h.next(journal.Cursor{Epoch: "e1", Seq: 6}, 10); ok {
		t.Error("another epoch was taken for this one")
	}
	for seq := uint64(7); seq < 7+mostKept+10; seq++ {
		add("e2", seq)
	}
	if h.covers(journal.Cursor{Epoch: "e2", Seq: 15}) || !h.covers(journal.Cursor{Epoch: "e2", Seq: 16}) || h.covers(journal.Cursor{Epoch: "e2", Seq: 99999}) {
		t.Error("the ring does not know what it has")
	}
}

// What is known of calls is bounded, and the newest are known.
func TestOwnersAreBounded(t *testing.T) {
	h := newHub(nil, false, quiet())
	for i := range uint64(3 * mostOwners) {
		h.add(kept{cursor: journal.Cursor{Epoch: "e1", Seq: i + 1}, agent: "anna"}, callcontrol.CallID(fmt.Sprint(i)))
	}
	if len(h.owners) > mostOwners || len(h.order) != len(h.owners) {
		t.Errorf("%d owners, %d in order", len(h.owners), len(h.order))
	}
	if _, known := h.owner(callcontrol.CallID(fmt.Sprint(3*mostOwners - 1))); !known {
		t.Error("the newest is not known")
	}
}

// A client that takes nothing is cut, and holds nobody up.
func TestSlowClient(t *testing.T) {
	w := newWorld(t, apiConfig, 100)
	w.hook.api.patience = time.Second
	for i := range 60 { // events so large that few of them fill what the system keeps for the client
		w.board.calls[0].Variables = append(w.board.calls[0].Variables, callcontrol.Variable{Name: fmt.Sprint(i), Value: strings.Repeat("x", 500)})
	}
	conn, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.(*net.TCPConn).SetReadBuffer(1024)
	fmt.Fprintf(conn, "GET /v1/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n", annaToken)
	tokens := w.hook.plan.tokens
	until(t, "the stream runs", func() bool { return len(tokens[1].streams) == 1 })
	quick := w.follow(allToken, "")
	quick.next()
	stop := make(chan struct{})
	fed := make(chan struct{})
	go func() {
		defer close(fed)
		for {
			select {
			case <-stop:
				return
			default:
				w.board.tell(t, "anna", callcontrol.EventCallChanged)
				time.Sleep(2 * time.Millisecond) // a flood, yet one that others can follow
			}
		}
	}()
	read := make(chan struct{})
	go func() {
		defer close(read)
		for quick.lines.Scan() {
		}
	}()
	until(t, "the slow one is cut", func() bool { return len(tokens[1].streams) == 0 })
	close(stop)
	<-fed
	quick.close()
	<-read
}
