package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"cordboard/callcontrol"
	"cordboard/journal"
	"cordboard/plugins/adapter"
	"cordboard/plugins/control"
	controlv1 "cordboard/plugins/control/v1"
	"cordboard/plugins/sdk"
)

const (
	allToken  = "all-0123456789abcdef0123456789abcdef"
	annaToken = "anna-0123456789abcdef0123456789abcde"
	bothToken = "both-0123456789abcdef0123456789abcde"
	readToken = "read-0123456789abcdef0123456789abcde"
	keyOne    = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
	keyTwo    = "whsec_ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA="
)

// board is a call control by hand: anna and bohdan have a call each.
type board struct {
	mu       sync.Mutex
	events   *journal.Memory[callcontrol.Event]
	commands []callcontrol.Command
	answer   func(callcontrol.Command) (callcontrol.Result, error)
	calls    []callcontrol.CallView
}

func newBoard(capacity int) *board {
	call := func(id, agent string) callcontrol.CallView {
		return callcontrol.CallView{
			ID: callcontrol.CallID(id), Interaction: "i-" + callcontrol.InteractionID(id), Agent: callcontrol.AgentID(agent), Direction: callcontrol.Inbound,
			Phase: callcontrol.PhaseTalking, Started: time.Unix(1_700_000_000, 0).UTC(), Remote: callcontrol.Identity{Number: "380440001000"},
			Legs: []callcontrol.LegView{{ID: "l-1", Role: callcontrol.RoleCustomer, State: callcontrol.LegConnected, Actions: []callcontrol.Kind{callcontrol.KindHold},
				Media: &callcontrol.LegMedia{Codec: "PCMA", PacketsIn: 10, MOS: 4.2}}},
		}
	}
	return &board{
		events: journal.NewMemory[callcontrol.Event]("e1", capacity),
		calls:  []callcontrol.CallView{call("c-anna", "anna"), call("c-bohdan", "bohdan")},
	}
}

func (b *board) Do(_ context.Context, c callcontrol.Command) (callcontrol.Result, error) {
	b.mu.Lock()
	b.commands = append(b.commands, c)
	answer := b.answer
	b.mu.Unlock()
	if answer != nil {
		return answer(c)
	}
	return callcontrol.Result{Call: c.Call, Transfer: "t-1"}, nil
}

func (b *board) Snapshot(context.Context) (callcontrol.Snapshot, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	agent := func(id, call string) callcontrol.AgentView {
		return callcontrol.AgentView{
			ID: callcontrol.AgentID(id), Line: callcontrol.LineID("pbx/" + id), Status: callcontrol.StatusReady, Busy: true,
			Device: callcontrol.DeviceView{Connect: callcontrol.OnDemand, Reachable: true}, Calls: []callcontrol.CallID{callcontrol.CallID(call)},
			Why: []callcontrol.Why{{Code: callcontrol.WhyOnCall, Text: "in a call", Call: callcontrol.CallID(call)}},
		}
	}
	return callcontrol.Snapshot{
		Cursor: b.events.Last(), Agents: []callcontrol.AgentView{agent("anna", "c-anna"), agent("bohdan", "c-bohdan")}, Calls: b.calls,
		Transfers: []callcontrol.TransferView{{ID: "t-9", Kind: callcontrol.TransferBlind, Status: callcontrol.TransferAlerting, Agent: "bohdan", Call: "c-bohdan", Target: "1002"}},
	}, nil
}

func (b *board) Subscribe(from journal.Cursor) journal.Subscription[callcontrol.Event] {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.events.Subscribe(from)
}

func (b *board) last() callcontrol.Command {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.commands) == 0 {
		return callcontrol.Command{}
	}
	return b.commands[len(b.commands)-1]
}

func (b *board) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.commands)
}

// tell adds an event of an agent's call.
func (b *board) tell(t testing.TB, agent string, kind callcontrol.EventKind) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	e := callcontrol.Event{At: time.Unix(1_700_000_000, 0).UTC(), Kind: kind, Agent: callcontrol.AgentID(agent), CallID: callcontrol.CallID("c-" + agent)}
	for _, c := range b.calls {
		if c.ID == e.CallID {
			e.Call = &c
		}
	}
	if kind == callcontrol.EventDigit {
		e.Digit = "7"
	}
	if _, err := b.events.Append(context.Background(), e); err != nil {
		t.Fatal(err)
	}
}

// client is a control client of the board.
func (b *board) client(t testing.TB) *control.Client {
	t.Helper()
	service := control.NewService(b, quiet(), control.ForAdapter("webhook", func(context.Context, journal.Cursor) error { return nil }), control.WithSources(control.Sources{
		Directory: func(context.Context) (control.Directory, error) {
			return control.Directory{
				Agents: []control.DirectoryAgent{
					{ID: "anna", Trunk: "pbx", Line: "pbx/1001", User: "1001", Connect: callcontrol.OnDemand},
					{ID: "bohdan", Trunk: "carrier", Line: "carrier/1002", User: "1002", Connect: callcontrol.Persistent},
				},
				Trunks: []control.DirectoryTrunk{{Name: "pbx", Server: "sip:pbx"}, {Name: "carrier", Server: "sip:carrier"}}, Queues: []string{"Sales"},
			}, nil
		},
		History: func(_ context.Context, q control.HistoryQuery) ([]callcontrol.HistoryRecord, error) {
			var out []callcontrol.HistoryRecord
			for i, agent := range []callcontrol.AgentID{"bohdan", "anna", "bohdan", "anna"} {
				if q.Agent == "" || q.Agent == agent {
					out = append(out, callcontrol.HistoryRecord{
						Call: callcontrol.CallID("c-old-" + string(agent)), Agent: agent, Direction: callcontrol.Inbound, Ended: time.Unix(1_700_000_000-int64(i), 0).UTC(),
						EndedBy: callcontrol.EnderCustomer, Parts: callcontrol.Parts{Talk: time.Second},
					})
				}
			}
			if out == nil {
				return nil, &callcontrol.Refusal{Code: callcontrol.CodeNoSuchAgent, Message: "there is no such agent"}
			}
			return out[:min(len(out), q.Limit)], nil
		},
		Search: func(_ context.Context, asker string, q adapter.Search) (control.Found, error) {
			if asker != "webhook" || q.Text != "Olena" {
				return control.Found{}, nil
			}
			return control.Found{
				Contacts: []control.FoundContact{{Adapter: "book", Contact: adapter.Contact{ID: "101", Name: "Olena", Phones: []adapter.Phone{{Number: "1"}}}}},
				Failures: []control.SearchFailure{{Adapter: "crm", Message: "private"}},
			}, nil
		},
		Status: func(context.Context) (control.Status, error) {
			b.mu.Lock()
			defer b.mu.Unlock()
			return control.Status{Version: "test", Started: time.Unix(1_700_000_000, 0), Cursor: b.events.Last(), Adapters: []control.AdapterStatus{{Name: "hook", State: control.AdapterRunning, LastError: "private"}}}, nil
		},
	}))
	l := bufconn.Listen(1 << 16)
	g := grpc.NewServer()
	controlv1.RegisterControlServer(g, service)
	done := make(chan error, 1)
	go func() { done <- g.Serve(l) }()
	conn, err := grpc.NewClient("passthrough:pipe", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	c := control.NewClient(conn)
	t.Cleanup(func() {
		_ = c.Close()
		_ = conn.Close()
		g.Stop()
		<-done
	})
	return c
}

// world is the adapter with a board in place of the daemon.
type world struct {
	t      testing.TB
	board  *board
	hook   *webhook
	url    string
	client *http.Client
	log    *testLog
}

// testLog is a log that can be looked at.
type testLog struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (k *testLog) Write(p []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.b.Write(p)
}

func (k *testLog) String() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.b.String()
}

// secretFiles writes every secret that tests name.
func secretFiles(t testing.TB) string {
	dir := t.TempDir()
	for name, text := range map[string]string{"all": allToken, "anna": annaToken, "both": bothToken, "read": readToken, "one": keyOne, "two": keyTwo, "auth": "Bearer crm-password"} {
		mustWrite(t, filepath.Join(dir, name), text)
	}
	return dir
}

const apiConfig = `{"api": {"listen": "127.0.0.1:0", "hosts": ["cordboard.example.com"], "origins": ["https://crm.example.com"], "tokens": [
	{"name": "all", "secret": {"file": "all"}},
	{"name": "anna", "secret": {"file": "anna"}, "agents": ["anna"]},
	{"name": "both", "secret": {"file": "both"}, "agents": ["anna", "olha"]},
	{"name": "read", "secret": {"file": "read"}, "read_only": true}]}}`

// newWorld configures the adapter. Files of the configuration are those of secretFiles.
func newWorld(t *testing.T, config string, capacity int) *world {
	t.Helper()
	t.Chdir(secretFiles(t))
	w := &world{t: t, board: newBoard(capacity), hook: &webhook{}, log: &testLog{}, client: &http.Client{Transport: &http.Transport{}}}
	s := &sdk.Session{Name: "hook", Config: json.RawMessage(config), Control: w.board.client(t), Log: slog.New(slog.NewTextHandler(w.log, nil))}
	if err := w.hook.Configure(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		w.client.CloseIdleConnections()
		if err := w.hook.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	if srv := w.hook.server; srv != nil {
		until(t, "the API is there", func() bool {
			srv.mu.Lock()
			defer srv.mu.Unlock()
			if srv.at != nil {
				w.url = "http://" + srv.at.String()
			}
			return srv.at != nil
		})
	}
	return w
}

func until(t testing.TB, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !is(); time.Sleep(time.Millisecond) { // polls another goroutine's state
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// answer is what the API said.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) code() string {
	var p problem
	_ = json.Unmarshal(a.body, &p)
	return string(p.Code)
}

// request asks the API. Headers are in pairs.
func (w *world) request(method, path, token, body string, headers ...string) answer {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var r io.Reader
	if body != "" {
		r = bytes.NewReader([]byte(body))
	}
	req, err := http.NewRequestWithContext(ctx, method, w.url+path, r)
	if err != nil {
		w.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			req.Host = headers[i+1]
		} else {
			req.Header.Set(headers[i], headers[i+1])
		}
	}
	resp, err := w.client.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		w.t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, text}
}
