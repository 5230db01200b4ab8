package edge

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// fakeConn is a connection whose peer sends prepared pieces and then closes.
type fakeConn struct {
	net.Conn
	in     []string
	out    bytes.Buffer
	closed bool
}

func (c *fakeConn) Read(b []byte) (int, error) {
	if len(c.in) == 0 {
		return 0, io.EOF
	}
	n := copy(b, c.in[0])
	if c.in[0] = c.in[0][n:]; c.in[0] == "" {
		c.in = c.in[1:]
	}
	return n, nil
}
func (c *fakeConn) Write(b []byte) (int, error)      { return c.out.Write(b) }
func (c *fakeConn) Close() error                     { c.closed = true; return nil }
func (c *fakeConn) RemoteAddr() net.Addr             { return net.TCPAddrFromAddrPort(someone) }
func (c *fakeConn) SetReadDeadline(time.Time) error  { return nil }
func (c *fakeConn) SetWriteDeadline(time.Time) error { return nil }

func TestStream(t *testing.T) {
	body := options("Content-Length: 4") + "body"
	for name, c := range map[string]struct {
		in     string
		want   string // what Read returns
		answer string // prefixes of what is written, one a line
		closed bool
	}{
		"one":               {options(), options(), "", false},
		"three":             {options() + body + ok200(), options() + body + ok200(), "", false},
		"CRLF between":      {"\r\n" + options() + "\r\n" + ok200(), options() + ok200(), "", false},
		"ping":              {"\r\n\r\n" + options() + "\r\n\r\n\r\n\r\n", options(), "\r\n\r\n\r\n", false},
		"pong":              {"\r\n" + options() + "\r\n", options(), "", false},
		"cut short":         {options() + body[:len(body)-1], options(), "", false},
		"faulty":            {options("CSeq: x") + body, body, "SIP/2.0 400 ", false},
		"version":           {strings.Replace(body, "SIP/2.0\r", "SIP/7.0\r", 1) + body, body, "SIP/2.0 505 ", false},
		"faulty response":   {ok200("CSeq: x") + body, body, "", false},
		"no length":         {options("-Content-Length") + options(), "", "SIP/2.0 400 Bad Request (no_length)", true},
		"response, none":    {ok200("-Content-Length") + options(), "", "", true},
		"two lengths":       {options("+l: 0") + options(), "", "SIP/2.0 400 Bad Request (bad_length)", true},
		"bad length":        {options("Content-Length: x") + options(), "", "SIP/2.0 400 Bad Request (bad_length)", true},
		"bomb":              {bomb() + options(), "", "SIP/2.0 513 ", true},
		"large body":        {options("Content-Length: 40000"), "", "SIP/2.0 513 ", true},
		"large headers":     {options("+Subject: " + strings.Repeat("x", 20000)), "", "SIP/2.0 513 ", true},
		"endless headers":   {strings.TrimSuffix(options(), "\r\n") + strings.Repeat("Y: z\r\n", 4000), "", "SIP/2.0 513 ", true},
		"bare LF in header": {options("+Subject: a\nb: c") + options(), "", "SIP/2.0 400 Bad Request (line_end)", true},
		"HTTP":              {"GET / HTTP/1.1\r\n\r\n", "", "", true},
		"TLS":               {"\x16\x03\x01\x02\x00\x01", "", "", true},
		"NUL":               {"\x00\x00", "", "", true},
		"long word":         {strings.Repeat("A", 300), "", "", true},
	} {
		t.Run(name, func(t *testing.T) {
			for _, size := range []int{1, 7, 100000} {
				conn := &fakeConn{in: pieces(c.in, size)}
				got, err := io.ReadAll(New(Config{}).Conn(conn))
				if err != nil || string(got) != c.want || conn.closed != c.closed {
					t.Errorf("pieces of %d: %v, closed %v\ngot  %q\nwant %q", size, err, conn.closed, got, c.want)
				}
				if out := conn.out.String(); !strings.HasPrefix(out, c.answer) || (out == "") != (c.answer == "") {
					t.Errorf("pieces of %d: wrote %q", size, out)
				}
			}
		})
	}
}

func pieces(s string, size int) []string {
	var out []string
	for len(s) > size {
		out, s = append(out, s[:size]), s[size:]
	}
	return append(out, s)
}

// Whatever way the bytes are cut, the same messages come out whole.
func TestStreamFraming(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		part := rapid.SampledFrom([]string{
			options(), options("Content-Length: 4") + "\r\n\r\n", ok200(), "\r\n", "\r\n\r\n", register("l: 3", "Content-Length: 3") + "SIP",
		})
		var in, want string
		for _, p := range rapid.SliceOfN(part, 1, 20).Draw(t, "parts") {
			if in += p; strings.TrimSpace(p) != "" {
				want += p
			}
		}
		conn := &fakeConn{}
		for rest := in; rest != ""; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "cut")
			conn.in, rest = append(conn.in, rest[:n]), rest[n:]
		}
		c := New(Config{}).Conn(conn)
		var got []byte
		b := make([]byte, rapid.IntRange(1, 600).Draw(t, "buffer"))
		for {
			n, err := c.Read(b)
			if got = append(got, b[:n]...); err != nil {
				break
			}
		}
		if string(got) != want {
			t.Fatalf("got  %q\nwant %q", got, want)
		}
	})
}

// pipe returns a wrapped connection as an accepted one of that source, and its peer.
func pipe(t *testing.T, f *Filter) (net.Conn, net.Conn) {
	t.Helper()
	near, far := net.Pipe()
	c := f.admit(addressed{near})
	if c == nil {
		t.Fatal("not admitted")
	}
	t.Cleanup(func() { c.Close(); far.Close() })
	return c, far
}

type addressed struct{ net.Conn }

func (addressed) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(someone) }

// outcome is what one Read came to, and after how long.
type outcome struct {
	got   string
	err   error
	after time.Duration
}

func read(c net.Conn) outcome {
	start := time.Now()
	b := make([]byte, 65535)
	n, err := c.Read(b)
	return outcome{string(b[:n]), err, time.Since(start)}
}

func TestStreamTimeouts(t *testing.T) {
	trusting := Config{Trusted: trustAll}
	strange := Config{Strangers: StrangersAll}
	send := func(peer net.Conn, every time.Duration, parts ...string) {
		for _, p := range parts {
			if _, err := peer.Write([]byte(p)); err != nil {
				return
			}
			time.Sleep(every) // the bubble's clock: this is the scenario, not synchronisation
		}
	}
	for name, c := range map[string]struct {
		cfg   Config
		every time.Duration
		parts []string
		after time.Duration
		err   error
	}{
		"trusted and silent":          {trusting, 0, nil, 10 * time.Minute, io.EOF},
		"trusted, keep-alives":        {trusting, time.Minute, []string{"\r\n", "\r\n", "\r\n"}, 12 * time.Minute, io.EOF},
		"trusted, slow message":       {trusting, time.Second, strings.Split(strings.Repeat("A|", 100), "|"), 20 * time.Second, io.EOF},
		"stranger and silent":         {strange, 0, nil, 20 * time.Second, io.EOF},
		"stranger, keep-alives":       {strange, 3 * time.Second, strings.Split(strings.Repeat("\r\n|", 100), "|"), 20 * time.Second, io.EOF},
		"stranger, slow message":      {strange, time.Second, strings.Split(strings.Repeat("A|", 100), "|"), 20 * time.Second, io.EOF},
		"stranger, message just fine": {strange, time.Second, []string{options()[:50], options()[50:]}, time.Second, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := New(c.cfg)
				conn, peer := pipe(t, f)
				sent := make(chan struct{})
				go func() { defer close(sent); send(peer, c.every, c.parts...) }()
				o := read(conn)
				<-sent
				if !errors.Is(o.err, c.err) || o.after != c.after {
					t.Errorf("%v after %v, want %v after %v", o.err, o.after, c.err, c.after)
				}
				if s := f.Stats(); c.err != nil && (s.Dropped[ReasonIdle] != 1 || s.Conns != 0) {
					t.Errorf("%+v", s)
				}
			})
		})
	}
}

func TestStreamDeadlineFromOutside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, peer := pipe(t, New(Config{Trusted: trustAll}))
		if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		if o := read(conn); !errors.Is(o.err, os.ErrDeadlineExceeded) || o.after != time.Minute {
			t.Errorf("%v after %v", o.err, o.after)
		}
		if err := conn.SetDeadline(time.Time{}); err != nil {
			t.Fatal(err)
		}
		go peer.Write([]byte(options()))
		if o := read(conn); o.got != options() || o.err != nil {
			t.Errorf("still usable: %+v", o)
		}
		// One set while Read waits ends that Read, and the connection lives on.
		go func() {
			time.Sleep(time.Minute)
			conn.SetReadDeadline(time.Now())
		}()
		if o := read(conn); !errors.Is(o.err, os.ErrDeadlineExceeded) || o.after != time.Minute {
			t.Errorf("%v after %v", o.err, o.after)
		}
	})
}

func TestStreamWriteTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := New(Config{Trusted: trustAll})
		conn, _ := pipe(t, f)
		start := time.Now()
		_, err := conn.Write([]byte("nobody reads this"))
		if !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != 10*time.Second || f.Stats().Conns != 0 {
			t.Errorf("%v after %v, %d connections", err, time.Since(start), f.Stats().Conns)
		}
		if err := conn.Close(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("second close: %v", err)
		}
	})
}

func TestStreamPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, peer := pipe(t, New(Config{Trusted: trustAll, PerTrusted: Rate{PerSecond: 2, Burst: 1}}))
		go peer.Write([]byte(options() + options() + options()))
		for i, want := range []time.Duration{0, 500 * time.Millisecond, 500 * time.Millisecond} {
			if o := read(conn); o.err != nil || (o.after-want).Abs() > time.Millisecond {
				t.Errorf("message %d: %v after %v, want %v", i, o.err, o.after, want)
			}
		}
		// Close ends the wait.
		go peer.Write([]byte(options()))
		go func() { time.Sleep(100 * time.Millisecond); conn.Close() }()
		if o := read(conn); !errors.Is(o.err, net.ErrClosed) || o.after != 100*time.Millisecond {
			t.Errorf("%+v", o)
		}
	})
	f := New(Config{Strangers: StrangersAll, PerSource: Rate{PerSecond: 1, Burst: 2}})
	conn := &fakeConn{in: []string{options() + options() + options()}}
	got, err := io.ReadAll(f.admit(conn))
	if err != nil || string(got) != options()+options() || !conn.closed || conn.out.Len() != 0 {
		t.Errorf("stranger above its rate: %v, %d bytes, closed %v", err, len(got), conn.closed)
	}
}

func TestStreamOfStrangers(t *testing.T) {
	for name, c := range map[string]struct {
		policy Strangers
		in     string
		want   string
	}{
		"registers":         {StrangersRegister, register() + options(), register()},
		"calls at once":     {StrangersRegister, options(), ""},
		"faulty":            {StrangersAll, options() + options("CSeq: x") + options(), options()},
		"breaks the frames": {StrangersAll, options("-Content-Length"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			conn := &fakeConn{in: []string{c.in}}
			got, err := io.ReadAll(New(Config{Strangers: c.policy}).admit(conn))
			if err != nil || string(got) != c.want || !conn.closed || conn.out.Len() != 0 {
				t.Errorf("%v, closed %v, wrote %q\ngot  %q\nwant %q", err, conn.closed, conn.out.String(), got, c.want)
			}
		})
	}
	// One that becomes trusted by registering may go on.
	registered := false
	f := New(Config{Strangers: StrangersRegister, Trusted: func(netip.Addr) bool { return registered }})
	conn := f.admit(&fakeConn{in: []string{register() + options()}})
	first := read(conn)
	registered = true
	if second := read(conn); first.got != register() || second.got != options() {
		t.Errorf("%+v, %+v", first, second)
	}
}
