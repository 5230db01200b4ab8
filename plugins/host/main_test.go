package host

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/go-plugin"
	"go.uber.org/goleak"
	"google.golang.org/grpc"

	"cordboard/callcontrol"
	"cordboard/journal"
	"cordboard/plugins/adapter"
	adapterv1 "cordboard/plugins/adapter/v1"
	"cordboard/plugins/sdk"
)

// modeKey makes the test binary an adapter, or something that should be one.
const modeKey = "HOST_TEST_MODE"

func TestMain(m *testing.M) {
	if mode := os.Getenv(modeKey); mode != "" {
		modes[mode]()
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// modes are what a child process may be.
var modes = map[string]func(){
	"adapter": func() { sdk.Serve(&child{}) },
	"garbage": func() { fmt.Println("hello, I am no adapter"); time.Sleep(time.Hour) },
	"binary":  func() { _, _ = os.Stdout.Write(make([]byte, 1<<20)); time.Sleep(time.Hour) },
	"exit":    func() { fmt.Fprintln(os.Stderr, "no licence found"); os.Exit(3) },
	"panic":   func() { panic("at once") },
	"silent":  func() { time.Sleep(time.Hour) },
	"closed":  func() { _ = os.Stdout.Close(); time.Sleep(time.Hour) },
	"elsewhere": func() {
		fmt.Println("1|1|unix|/run/docker.sock|grpc|" + strings.Repeat("A", 64))
		time.Sleep(time.Hour)
	},
	"nocert":  func() { fmt.Printf("1|1|unix|%s/x|grpc\n", os.Getenv(plugin.EnvUnixSocketDir)); time.Sleep(time.Hour) },
	"nothing": speakNonsense,
	"version": func() {
		plugin.Serve(&plugin.ServeConfig{
			HandshakeConfig: plugin.HandshakeConfig{ProtocolVersion: 7, MagicCookieKey: adapter.CookieKey, MagicCookieValue: adapter.CookieValue},
			Plugins:         plugin.PluginSet{adapter.PluginName: other{}}, GRPCServer: plugin.DefaultGRPCServer,
		})
	},
	"other": func() { // the handshake of an adapter, and none of its services
		plugin.Serve(&plugin.ServeConfig{
			HandshakeConfig: plugin.HandshakeConfig{ProtocolVersion: 1, MagicCookieKey: adapter.CookieKey, MagicCookieValue: adapter.CookieValue},
			Plugins:         plugin.PluginSet{adapter.PluginName: other{}}, GRPCServer: plugin.DefaultGRPCServer,
		})
	},
	"oddlog": func() {
		for _, line := range []string{`{"@message": 1}`, `{"@message":"x","@timestamp":7}`, `{"@level":[]}`, `{"msg":{}}`, `{`, "\xff\xfe", `[1]`} {
			fmt.Fprintln(os.Stderr, line)
		}
		fmt.Fprintln(os.Stderr, strings.Repeat("long ", 20_000))
		sdk.Serve(&child{})
	},
	"host": hostInChild,
}

// speakNonsense shakes hands as an adapter does, and then talks anything but TLS.
func speakNonsense() {
	path := os.Getenv(plugin.EnvUnixSocketDir) + "/x"
	l, err := net.Listen("unix", path)
	if err != nil {
		panic(err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic(err)
	}
	fmt.Printf("1|1|unix|%s|grpc|%s\n", path, base64.RawStdEncoding.EncodeToString(cert))
	for {
		c, err := l.Accept()
		if err != nil {
			panic(err)
		}
		_, _ = c.Write(bytes.Repeat([]byte("nonsense "), 1000))
	}
}

type other struct{ plugin.NetRPCUnsupportedPlugin }

func (other) GRPCServer(*plugin.GRPCBroker, *grpc.Server) error { return nil }
func (other) GRPCClient(context.Context, *plugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, errors.New("no client")
}

// childConfig is what a test tells its child adapter.
type childConfig struct {
	Record  string `json:"record,omitempty"` // file for the seq of each event
	Refuse  string `json:"refuse,omitempty"` // Configure fails with that
	Hang    string `json:"hang,omitempty"`   // the method that never returns
	Flood   string `json:"flood,omitempty"`  // stderr, stdout, control
	Sick    string `json:"sick,omitempty"`
	Forkers bool   `json:"forkers,omitempty"` // leave a grandchild behind
}

// child is the adapter that tests start.
type child struct {
	cfg     childConfig
	session *sdk.Session
	file    *os.File
}

func (c *child) Info() sdk.Info {
	return sdk.Info{Name: "child", Version: "1.2.3", Schema: sdk.Schema[childConfig]()}
}

func (c *child) Configure(ctx context.Context, s *sdk.Session) error {
	if err := s.Decode(&c.cfg); err != nil {
		return err
	}
	c.session = s
	if c.cfg.Refuse != "" {
		return errors.New(c.cfg.Refuse)
	}
	c.hang("configure")
	if c.cfg.Record != "" {
		var err error
		if c.file, err = os.OpenFile(c.cfg.Record, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
			return err
		}
		fmt.Fprintf(c.file, "start %d\n", s.Acknowledged.Seq)
	}
	s.Log.Warn("configured", "answer", 42, "pid", os.Getpid())
	fmt.Println("printed to stdout")
	if c.cfg.Forkers {
		cmd := exec.Command(os.Args[0])
		cmd.Env = []string{modeKey + "=silent"}
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		if err := cmd.Start(); err != nil {
			return err
		}
		s.Log.Info("forked", "child", cmd.Process.Pid)
	}
	c.flood()
	return nil
}

func (c *child) hang(what string) {
	if c.cfg.Hang == what {
		select {}
	}
}

func (c *child) flood() {
	switch c.cfg.Flood {
	case "stderr":
		go func() {
			for {
				c.session.Log.Error("flood", "text", strings.Repeat("x", 200))
			}
		}()
	case "stdout":
		go func() {
			for {
				fmt.Println(strings.Repeat("y", 4000))
			}
		}()
	case "control":
		for range 100 {
			go func() {
				for {
					_, _ = c.session.Control.Do(context.Background(), callcontrol.Command{Kind: callcontrol.KindHold, Call: "c"})
				}
			}()
		}
	}
}

func (c *child) Event(_ context.Context, e sdk.Event) error {
	c.hang("event")
	if e.Digit == "!" {
		panic("poison")
	}
	if c.file != nil {
		if _, err := fmt.Fprintln(c.file, e.Cursor.Seq); err != nil {
			return err
		}
	}
	return nil
}

func (c *child) Lookup(ctx context.Context, q sdk.Query) ([]sdk.Contact, error) {
	if d, err := time.ParseDuration(q.Display); err == nil {
		time.Sleep(d)
	}
	switch q.Number {
	case "fail":
		return nil, errors.New("the CRM said no")
	case "huge":
		return []sdk.Contact{{ID: "1", Name: strings.Repeat("x", 2<<20)}}, nil
	case "dirty":
		return []sdk.Contact{{ID: "1", Name: "A\r\nB\x00\u202E"}, {}, {ID: "1"}}, nil
	case "pid":
		return []sdk.Contact{{ID: fmt.Sprint(os.Getpid()), Name: os.Getenv("OWN") + "/" + os.Getenv("SECRET_OF_THE_DAEMON")}}, nil
	}
	return []sdk.Contact{{ID: "7", Name: "Anna Koval", Kind: "contact"}}, nil
}

func (c *child) Search(_ context.Context, s sdk.Search) ([]sdk.Contact, error) {
	out := make([]sdk.Contact, s.Limit+5)
	for i := range out {
		out[i] = sdk.Contact{ID: fmt.Sprint(i), Name: s.Text}
	}
	return out, nil
}

func (c *child) Health(context.Context) error {
	c.hang("health")
	if c.cfg.Sick != "" {
		return errors.New(c.cfg.Sick)
	}
	return nil
}

func (c *child) Stop(context.Context) error {
	c.hang("stop")
	if c.file != nil {
		fmt.Fprintln(c.file, "stop")
	}
	return nil
}

// fakeControl is call control by hand.
type fakeControl struct {
	log      *journal.Memory[callcontrol.Event]
	commands atomic.Int64
}

func newFakeControl(capacity int) *fakeControl {
	return &fakeControl{log: journal.NewMemory[callcontrol.Event]("e1", capacity)}
}

func (f *fakeControl) Do(context.Context, callcontrol.Command) (callcontrol.Result, error) {
	f.commands.Add(1)
	return callcontrol.Result{Call: "c"}, nil
}

func (f *fakeControl) Snapshot(context.Context) (callcontrol.Snapshot, error) {
	return callcontrol.Snapshot{Cursor: f.log.Last()}, nil
}

func (f *fakeControl) Subscribe(from journal.Cursor) journal.Subscription[callcontrol.Event] {
	return f.log.Subscribe(from)
}

func (f *fakeControl) append(t *testing.T, events ...callcontrol.Event) {
	t.Helper()
	if _, err := f.log.Append(t.Context(), events...); err != nil {
		t.Fatal(err)
	}
}

// logged is a slog handler that keeps lines.
type logged struct {
	mu    sync.Mutex
	lines []string
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.lines) < 20_000 {
		l.lines = append(l.lines, string(p))
	}
	return len(p), nil
}

// count is how many lines hold all words.
func (l *logged) count(words ...string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, line := range l.lines {
		all := true
		for _, w := range words {
			all = all && strings.Contains(line, w)
		}
		if all {
			n++
		}
	}
	return n
}

func (l *logged) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// bench is what a test of a host works with.
type bench struct {
	control *fakeControl
	cursors *MemoryCursors
	log     *logged
	dir     string // of sockets
}

func newBench(t *testing.T) *bench {
	t.Helper()
	dir, err := os.MkdirTemp("", "host")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // runs last: every host has stopped
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("left in the socket folder: %v", left)
		}
		_ = os.RemoveAll(dir)
	})
	return &bench{control: newFakeControl(1 << 16), cursors: NewMemoryCursors(), log: &logged{}, dir: dir}
}

func (b *bench) deps() Deps {
	return Deps{Log: b.log.logger(), Control: b.control, Cursors: b.cursors, Last: b.control.log.Last}
}

func (b *bench) config(t *testing.T, name, mode string, c childConfig) Config {
	t.Helper()
	raw, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return Config{
		Name: name, Kind: "command", Command: []string{os.Args[0]}, Config: raw,
		Env:        map[string]string{modeKey: mode, "OWN": "mine", "GORACE": "atexit_sleep_ms=0"},
		RuntimeDir: b.dir, Version: "test",
	}
}

// run makes a host run until the test ends, or the returned function is called.
func (b *bench) run(t *testing.T, cfg Config) (*Host, func()) {
	t.Helper()
	h, err := New(cfg, b.deps())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
	var once sync.Once
	stop := func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(stop)
	return h, stop
}

// until waits for a condition with patience.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for !is() {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
		time.Sleep(2 * time.Millisecond) // polls another process's state
	}
}

var _ adapterv1.AdapterClient = (*fakeRPC)(nil)
