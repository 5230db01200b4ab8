package journal

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nkeys"
)

// startServer is a NATS server of its own on loopback, as an operator would run one.
func startServer(t *testing.T, change func(*server.Options)) *server.Server {
	t.Helper()
	opts := &server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true, JetStream: true, StoreDir: t.TempDir(), JetStreamMaxStore: 1 << 40,
	}
	if change != nil {
		change(opts)
	}
	s, err := server.NewServer(opts)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	if !s.ReadyForConnections(20 * time.Second) {
		t.Fatal("the server does not start")
	}
	return s
}

func withoutJetStream(o *server.Options) { o.JetStream = false }

// TestServerComesBack: the operator restarts the server, which takes longer than an entry may wait.
func TestServerComesBack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := startServer(t, func(o *server.Options) { o.StoreDir = dir })
	b := openBench(t, Config{URL: s.ClientURL(), Dir: t.TempDir()}, numbers(1000))
	b.add(10)
	b.settled()
	port := s.Addr().(*net.TCPAddr).Port
	s.Shutdown()
	s.WaitForShutdown()
	b.add(30)
	b.until("it is degraded", func() bool { return b.log.Status().Degraded != nil })
	if gaps := b.read(Cursor{}, 40); gaps != nil {
		t.Errorf("gaps %v", gaps)
	}
	startServer(t, func(o *server.Options) { o.StoreDir, o.Port = dir, port })
	b.settled()
	for _, want := range []string{"server lost", "server is back", "journal degraded", "stores events again"} {
		b.until("told: "+want, func() bool { return b.said.has(want) })
	}
	b.again(numbers(10))
	if gaps := b.read(Cursor{}, 40); gaps != nil {
		t.Errorf("gaps %v", gaps)
	}
}

// TestServerForgot: the server comes back with an older state, as after a power cut or from a backup. What is in memory is stored
// again under the same numbers.
func TestServerForgot(t *testing.T) {
	dir := t.TempDir()
	s := startServer(t, func(o *server.Options) { o.StoreDir = dir })
	b := openBench(t, Config{URL: s.ClientURL()}, numbers(1000))
	b.add(10)
	b.settled()
	old := copyLive(t, dir)
	b.add(30)
	b.settled()
	port := s.Addr().(*net.TCPAddr).Port
	s.Shutdown()
	s.WaitForShutdown()
	startServer(t, func(o *server.Options) { o.StoreDir, o.Port = old, port })
	b.add(1)
	b.settled()
	if !b.said.has("lost stored events") {
		t.Error("the log does not tell it")
	}
	b.again(numbers(10))
	if gaps := b.read(Cursor{}, 41); gaps != nil {
		t.Errorf("gaps %v", gaps)
	}
}

// TestStreamDeleted: somebody deletes the streams under the daemon. Numbers and the epoch go on in new ones.
func TestStreamDeleted(t *testing.T) {
	url := startServer(t, nil).ClientURL()
	b := openBench(t, Config{URL: url}, numbers(20))
	table, err := OpenTable[int](context.Background(), b.store, "calls", 0)
	if err != nil {
		t.Fatal(err)
	}
	first := b.add(10)
	for i := range 5 {
		table.Put(fmt.Sprint("call", i), i)
	}
	b.settled()
	b.add(20)
	b.settled()
	conn, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"cordboard_events", "cordboard_calls"} {
		if err := js.DeleteStream(context.Background(), name); err != nil {
			t.Fatal(err)
		}
	}
	b.add(1)
	table.Put("call7", 7)
	b.settled()
	b.add(9)
	b.settled()
	b.again(numbers(10))
	if last := b.log.Last(); last != (Cursor{first.Epoch, 40}) {
		t.Errorf("at %v", last)
	}
	if gaps := b.read(Cursor{}, 40); len(gaps) != 1 || gaps[0] != "0-30" {
		t.Errorf("gaps %v", gaps)
	}
	if table, err = OpenTable[int](context.Background(), b.store, "calls", 0); err != nil {
		t.Fatal(err)
	}
	for _, i := range []int{0, 1, 2, 3, 4, 7} {
		if v, ok := table.Get(fmt.Sprint("call", i)); !ok || v != i {
			t.Errorf("call%d: %d, %v", i, v, ok)
		}
	}
}

// TestBoundsChange: other bounds in the configuration are taken over by the streams that there are.
func TestBoundsChange(t *testing.T) {
	url := startServer(t, nil).ClientURL()
	b := openBench(t, Config{URL: url, MaxBytes: 1 << 20, MaxAge: time.Hour}, numbers(100))
	first := b.add(10)
	b.settled()
	b.cfg.MaxBytes, b.cfg.MaxAge = 2<<20, 2*time.Hour
	b.again(numbers(100))
	if last := b.log.Last(); last != first {
		t.Errorf("at %v, was at %v", last, first)
	}
	info, err := b.store.backend.js.Stream(context.Background(), "cordboard_events")
	if err != nil {
		t.Fatal(err)
	}
	if c := info.CachedInfo().Config; c.MaxBytes != 2<<20 || c.MaxAge != 2*time.Hour {
		t.Errorf("bounds %d, %v", c.MaxBytes, c.MaxAge)
	}
}

// TestCredentials: an account of its own, by credentials; without them the server does not let us in.
func TestCredentials(t *testing.T) {
	trusted, resolver, system, creds := account(t)
	s := startServer(t, func(o *server.Options) {
		o.TrustedKeys, o.AccountResolver, o.SystemAccount = []string{trusted}, resolver, system
	})
	if s, err := Open(context.Background(), Config{URL: s.ClientURL()}); err == nil {
		t.Error("let in without credentials", s.Close())
	} else if !strings.Contains(err.Error(), "journal.credentials") {
		t.Error(err)
	}
	for _, c := range []struct {
		cfg Config
		ok  bool
	}{{Config{URL: s.ClientURL(), Credentials: creds}, true}, {Config{URL: s.ClientURL()}, false}, {Config{Memory: true}, true}, {Config{Dir: "/nowhere"}, true}} {
		if err := Check(context.Background(), c.cfg); (err == nil) != c.ok {
			t.Errorf("%+v: %v", c.cfg, err)
		}
	}
	b := openBench(t, Config{URL: s.ClientURL(), Credentials: creds}, numbers(10))
	b.add(10)
	b.settled()
	b.again(numbers(10))
	if gaps := b.read(Cursor{}, 10); gaps != nil {
		t.Errorf("gaps %v", gaps)
	}
}

// account makes an operator with a system account and one for the journal, and a credentials file for it.
func account(t *testing.T) (trusted string, resolver *server.MemAccResolver, system, creds string) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	key := func(make func() (nkeys.KeyPair, error)) (nkeys.KeyPair, string) {
		pair, err := make()
		must(err)
		public, err := pair.PublicKey()
		must(err)
		return pair, public
	}
	operator, trusted := key(nkeys.CreateOperator)
	resolver = &server.MemAccResolver{}
	var last nkeys.KeyPair
	for i := range 2 {
		pair, public := key(nkeys.CreateAccount)
		claims := jwt.NewAccountClaims(public)
		if i == 0 {
			system = public
		} else {
			last = pair
			claims.Limits.JetStreamLimits = jwt.JetStreamLimits{DiskStorage: -1, MemoryStorage: -1, Streams: -1, Consumer: -1}
		}
		token, err := claims.Encode(operator)
		must(err)
		must(resolver.Store(public, token))
	}
	user, public := key(nkeys.CreateUser)
	token, err := jwt.NewUserClaims(public).Encode(last)
	must(err)
	seed, err := user.Seed()
	must(err)
	text, err := jwt.FormatUserConfig(token, seed)
	must(err)
	creds = filepath.Join(t.TempDir(), "journal.creds")
	must(os.WriteFile(creds, text, 0o600))
	return trusted, resolver, system, creds
}
