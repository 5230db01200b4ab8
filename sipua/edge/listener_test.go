package edge

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

// serve accepts connections and echoes what passes the edge, until the listener is closed.
func serve(t *testing.T, l net.Listener) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(c, c); c.Close() }()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
}

func listenTCP(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// dial connects from a loopback address; alive tells whether the edge lets a message through.
func dial(t *testing.T, from string, to net.Addr) net.Conn {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: patience}
	c, err := d.Dial("tcp4", to.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return c
}

func alive(c net.Conn) bool {
	if _, err := c.Write([]byte(options())); err != nil {
		return false
	}
	b := make([]byte, len(options()))
	_, err := io.ReadFull(c, b)
	return err == nil && string(b) == options()
}

func TestListenerCaps(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	t.Run("caps", func(t *testing.T) {
		phones := netip.MustParsePrefix("127.0.1.0/24")
		f := New(Config{Trusted: phones.Contains, Strangers: StrangersAll, MaxConns: 4, MaxConnsPerSource: 2})
		l := f.Listener(listenTCP(t))
		serve(t, l)
		open := func(from string) net.Conn { return dial(t, from, l.Addr()) }
		a1, a2 := open("127.0.1.1"), open("127.0.1.1")
		if !alive(a1) || !alive(a2) {
			t.Fatal("first two of a trusted source")
		}
		if alive(open("127.0.1.1")) {
			t.Error("a third of the same source")
		}
		if !alive(open("127.0.2.1")) {
			t.Error("a stranger")
		}
		if !alive(open("127.0.2.2")) {
			t.Error("a second stranger: half of the cap")
		}
		if alive(open("127.0.2.3")) || alive(open("127.0.1.2")) {
			t.Error("above the cap")
		}
		s := f.Stats()
		if s.Dropped[ReasonPerConns] != 1 || s.Dropped[ReasonConns] != 2 || s.Conns != 4 || s.Connections != 4 {
			t.Errorf("%+v", s)
		}
		a1.Close()
		deadline := time.Now().Add(patience)
		for f.Stats().Conns == 4 && time.Now().Before(deadline) {
			time.Sleep(time.Millisecond)
		}
		if alive(open("127.0.2.3")) {
			t.Error("strangers above their half")
		}
		if !alive(open("127.0.1.2")) {
			t.Error("a trusted one takes the free place")
		}
	})
}

func TestListenerTurnsStrangersAway(t *testing.T) {
	f := New(Config{})
	l := f.Listener(listenTCP(t))
	serve(t, l)
	if alive(dial(t, "127.0.0.1", l.Addr())) || f.Stats().Dropped[ReasonStranger] != 1 {
		t.Errorf("%+v", f.Stats())
	}
}

func TestListenerTLS(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"edge.test"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert := tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	f := New(Config{Trusted: trustAll})
	l := f.Listener(tls.NewListener(listenTCP(t), &tls.Config{Certificates: []tls.Certificate{cert}}))
	serve(t, l)
	c := tls.Client(dial(t, "127.0.0.1", l.Addr()), &tls.Config{InsecureSkipVerify: true})
	if !alive(c) {
		t.Error("nothing passes over TLS")
	}
	if _, err := c.Write([]byte("\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	pong := make([]byte, 2)
	if _, err := io.ReadFull(c, pong); err != nil || string(pong) != "\r\n" {
		t.Errorf("pong %q %v", pong, err)
	}
	if s := f.Stats(); s.Pongs != 1 || s.Accepted != 1 {
		t.Errorf("%+v", s)
	}
}

// shortListener is out of descriptors for a while.
type shortListener struct {
	net.Listener
	fail int
}

func (l *shortListener) Accept() (net.Conn, error) {
	if l.fail > 0 {
		l.fail--
		return nil, &net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", syscall.EMFILE)}
	}
	return &fakeConn{}, nil
}
func (l *shortListener) Close() error { return nil }

func TestListenerOutlivesPassingErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := New(Config{Trusted: trustAll})
		start := time.Now()
		if c, err := f.Listener(&shortListener{fail: 10}).Accept(); err != nil || c == nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took < time.Second || took > 10*time.Second {
			t.Errorf("waited %v", took)
		}
		if f.Stats().Dropped[ReasonSocket] != 10 {
			t.Errorf("%+v", f.Stats())
		}
		l := f.Listener(&shortListener{fail: 1000})
		go func() { time.Sleep(time.Minute); l.Close() }()
		if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("closed under a pause: %v", err)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	broken := errors.New("broken")
	if _, err := New(Config{}).Listener(brokenListener{err: broken}).Accept(); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

type brokenListener struct {
	net.Listener
	err error
}

func (l brokenListener) Accept() (net.Conn, error) { return nil, l.err }
