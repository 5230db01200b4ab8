package control

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"cordboard/callcontrol"
	"cordboard/journal"
	"cordboard/plugins/adapter"
	controlv1 "cordboard/plugins/control/v1"
)

// pipe connects a client to a service without a socket.
func pipe(t *testing.T, s *Service) *Client {
	t.Helper()
	l := bufconn.Listen(1 << 16)
	g := grpc.NewServer(s.ServerOptions()...)
	controlv1.RegisterControlServer(g, s)
	done := make(chan error, 1)
	go func() { done <- g.Serve(l) }()
	conn, err := grpc.NewClient("passthrough:pipe", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	c := NewClient(conn)
	t.Cleanup(func() {
		_ = c.Close()
		_ = conn.Close()
		g.Stop()
		<-done
	})
	return c
}

func TestDirectoryAndStatusRoundTrip(t *testing.T) {
	dir, st := filled[Directory](t), filled[Status](t)
	c := pipe(t, NewService(newFake(1), quiet(), WithSources(Sources{
		Directory: func(context.Context) (Directory, error) { return dir, nil },
		Status:    func(context.Context) (Status, error) { return st, nil },
	})))
	got, err := c.Directory(patient(t))
	if d := cmp.Diff(dir, got); err != nil || d != "" {
		t.Errorf("%v; directory differs (-want +got):\n%s", err, d)
	}
	status, err := c.Status(patient(t))
	if d := cmp.Diff(st, status); err != nil || d != "" {
		t.Errorf("%v; status differs (-want +got):\n%s", err, d)
	}
}

func TestReloadRoundTrip(t *testing.T) {
	want := filled[Reload](t)
	dry := false
	c := pipe(t, NewService(newFake(1), quiet(), WithSources(Sources{
		Reload: func(_ context.Context, d bool) (Reload, error) { dry = d; return want, nil },
	})))
	got, err := c.Reload(patient(t), true)
	if d := cmp.Diff(want, got); err != nil || d != "" || !dry {
		t.Errorf("%v; dry %v; reload differs (-want +got):\n%s", err, dry, d)
	}
}

func TestHistoryRoundTrip(t *testing.T) {
	records := []callcontrol.HistoryRecord{filled[callcontrol.HistoryRecord](t), {Call: "c2", Agent: "anna"}}
	var asked HistoryQuery
	c := pipe(t, NewService(newFake(1), quiet(), WithSources(Sources{
		History: func(_ context.Context, q HistoryQuery) ([]callcontrol.HistoryRecord, error) {
			asked = q
			return records, nil
		},
	})))
	before := time.Unix(1_700_000_000, 5).UTC()
	for in, want := range map[HistoryQuery]HistoryQuery{
		{}: {Limit: 50}, {Agent: "anna", Limit: 7, Before: before}: {Agent: "anna", Limit: 7, Before: before}, {Limit: 1000}: {Limit: 500},
		{Limit: -1}: {Limit: 50},
	} {
		got, err := c.History(patient(t), in)
		if d := cmp.Diff(records, got); err != nil || d != "" || asked != want {
			t.Errorf("%+v asked %+v, %v; records differ (-want +got):\n%s", in, asked, err, d)
		}
	}
}

func TestSearchRoundTrip(t *testing.T) {
	found := filled[Found](t)
	var asked adapter.Search
	var by string
	c := pipe(t, NewService(newFake(1), quiet(), ForAdapter("crm", nil), WithSources(Sources{
		Search: func(_ context.Context, asker string, q adapter.Search) (Found, error) {
			by, asked = asker, q
			return found, nil
		},
	})))
	got, err := c.Search(patient(t), adapter.Search{Text: " Bo\x00iko\r\n", Agent: "anna", Limit: 7})
	if d := cmp.Diff(found, got); err != nil || d != "" || asked != (adapter.Search{Text: "Bo iko", Agent: "anna", Limit: 7}) || by != "crm" {
		t.Errorf("%s asked %+v, %v; differs (-want +got):\n%s", by, asked, err, d)
	}
	for _, q := range []string{"", " \x00 ", strings.Repeat("x", maxSearch+1)} {
		if _, err := c.Search(patient(t), adapter.Search{Text: q}); !errors.Is(err, &callcontrol.Refusal{Code: callcontrol.CodeBadArgument}) {
			t.Errorf("%q: %v", q, err)
		}
	}
}

func TestWhatADaemonDoesNotTell(t *testing.T) {
	c := pipe(t, NewService(newFake(1), quiet()))
	if _, err := c.Directory(patient(t)); err == nil {
		t.Error("a directory")
	}
	if _, err := c.Reload(patient(t), false); err == nil {
		t.Error("a reload")
	}
	if _, err := c.Status(patient(t)); err == nil {
		t.Error("a status")
	}
	if err := c.Acknowledge(patient(t), journal.Cursor{Epoch: "e1", Seq: 1}); err == nil {
		t.Error("somebody without a name acknowledged")
	}
}

func TestAcknowledge(t *testing.T) {
	var got []journal.Cursor
	c := pipe(t, NewService(newFake(1), quiet(), ForAdapter("crm", func(_ context.Context, at journal.Cursor) error {
		if at.Seq > 7 {
			return &callcontrol.Refusal{Code: callcontrol.CodeBadArgument, Message: "that lies ahead"}
		}
		got = append(got, at)
		return nil
	})))
	want := journal.Cursor{Epoch: "e1", Seq: 7}
	if err := c.Acknowledge(patient(t), want); err != nil || len(got) != 1 || got[0] != want {
		t.Errorf("%v, %v", got, err)
	}
	err := c.Acknowledge(patient(t), journal.Cursor{Epoch: "e1", Seq: 8})
	if !errors.Is(err, &callcontrol.Refusal{Code: callcontrol.CodeBadArgument}) {
		t.Errorf("from the future: %v", err)
	}
}

// Two adapters that count their commands from 1 do not meet.
func TestCommandIDsOfAdaptersAreTheirOwn(t *testing.T) {
	f := newFake(1)
	for _, name := range []string{"crm", "webhook"} {
		c := pipe(t, NewService(f, quiet(), ForAdapter(name, nil)))
		if _, err := c.Do(patient(t), callcontrol.Command{ID: "1", Kind: callcontrol.KindHold, Call: "c"}); err != nil {
			t.Fatal(err)
		}
		if f.last().ID != callcontrol.CommandID(name+"/1") {
			t.Errorf("id %q", f.last().ID)
		}
		if _, err := c.Do(patient(t), callcontrol.Command{Kind: callcontrol.KindHold, Call: "c"}); err != nil || f.last().ID != "" {
			t.Errorf("no id: %q, %v", f.last().ID, err)
		}
	}
}

// A socket's Status is given too, through the options of its server.
func TestServerTellsStatus(t *testing.T) {
	path := filepath.Join(filepath.Dir(socketPath(t)), "s.sock")
	s, err := NewServer(Config{Socket: path}, newFake(1), quiet(), WithSources(Sources{
		Status: func(context.Context) (Status, error) { return Status{Version: "v1"}, nil },
	}))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	if st, err := dial(t, path).Status(patient(t)); err != nil || st.Version != "v1" {
		t.Errorf("%+v, %v", st, err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
