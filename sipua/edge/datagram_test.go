package edge

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// bomb is the datagram that makes a careless parser allocate 4 GiB.
func bomb() string { return options("Content-Length: 4294967295") }

func stun() string {
	return "\x00\x01\x00\x00\x21\x12\xa4\x42" + strings.Repeat("x", 12)
}

func TestDatagram(t *testing.T) {
	strange := func(p Strangers) Config { return Config{Strangers: p} }
	trusting := Config{Trusted: trustAll}
	for name, c := range map[string]struct {
		cfg    Config
		data   string
		reason Reason
	}{
		"trusted":            {trusting, options(), ReasonNone},
		"trusted, bad":       {trusting, bomb(), ReasonLength},
		"empty":              {trusting, "", ReasonEmpty},
		"keep-alive":         {trusting, "\r\n\r\n", ReasonKeepAlive},
		"NUL keep-alive":     {trusting, "\x00\x00\x00\x00", ReasonKeepAlive},
		"STUN":               {trusting, stun(), ReasonSTUN},
		"rubbish":            {trusting, "hello world\r\n", ReasonNotSIP},
		"leading CRLF":       {trusting, "\r\n\r\n" + options(), ReasonNone},
		"too large":          {trusting, options() + strings.Repeat("x", 32<<10), ReasonTooLarge},
		"stranger":           {strange(StrangersSilence), options(), ReasonStranger},
		"register only":      {strange(StrangersRegister), options(), ReasonStranger},
		"registers":          {strange(StrangersRegister), register(), ReasonNone},
		"registers, case":    {strange(StrangersRegister), strings.Replace(register(), "REGISTER", "register", 1), ReasonStranger},
		"register, response": {strange(StrangersRegister), ok200(), ReasonStranger},
		"all":                {strange(StrangersAll), options(), ReasonNone},
	} {
		t.Run(name, func(t *testing.T) {
			f := New(c.cfg)
			lead, v, _ := f.datagram([]byte(c.data), someone.Addr())
			if v.Reason != c.reason {
				t.Fatalf("got %v %v, want %v", v.Action, v.Reason, c.reason)
			}
			if v.Action == Accept && !strings.HasPrefix(c.data[lead:], c.data[lead:lead+v.Size]) {
				t.Errorf("cut %d+%d of %d", lead, v.Size, len(c.data))
			}
		})
	}
}

func TestPacketConnPassesAndCounts(t *testing.T) {
	icmp := &net.OpError{Op: "read", Err: os.NewSyscallError("recvfrom", syscall.ECONNREFUSED)}
	socket := &fakeSocket{end: net.ErrClosed, in: []packet{
		{data: bomb(), addr: someone}, {err: icmp}, {data: "hello\r\n", addr: someone}, {data: "\r\n" + options(), addr: someone},
		{data: strings.Replace(bomb(), "OPTIONS sip", "ACK sip", 1), addr: someone}, {data: ok200("CSeq: x"), addr: someone},
		{data: options("Content-Length: 2") + "abcdef", addr: someone},
	}}
	f := New(Config{Trusted: trustAll})
	c := f.PacketConn(socket)
	b := make([]byte, 65535)
	for _, want := range []string{options(), options("Content-Length: 2") + "ab"} {
		n, addr, err := c.ReadFrom(b)
		if err != nil || string(b[:n]) != want || addr.String() != someone.String() {
			t.Fatalf("%v %v\n%q\n%q", addr, err, b[:n], want)
		}
	}
	if _, _, err := c.ReadFrom(b); !errors.Is(err, net.ErrClosed) {
		t.Errorf("at the end: %v", err)
	}
	if len(socket.sent) != 1 || !strings.HasPrefix(socket.sent[0].data, "SIP/2.0 400 ") || socket.sent[0].addr != someone {
		t.Errorf("answers: %v", socket.sent)
	}
	s := f.Stats()
	if s.Accepted != 2 || s.Answered != 1 || s.Dropped[ReasonLength] != 1 || s.Dropped[ReasonSocket] != 1 ||
		s.Dropped[ReasonNotSIP] != 1 || s.Dropped[ReasonMethodMismatch] != 1 || s.Dropped[ReasonCSeq] != 1 || s.Sources != 1 {
		t.Errorf("%+v", s)
	}
}

// A stranger never gets a byte back, whatever it sends.
func TestStrangersGetSilence(t *testing.T) {
	socket := &fakeSocket{end: net.ErrClosed}
	for _, raw := range corpusFiles(t) {
		socket.in = append(socket.in, packet{data: string(raw), addr: someone})
	}
	c := New(Config{Strangers: StrangersAll, PerSource: Rate{1000, 1000}}).PacketConn(socket)
	for b := make([]byte, 65535); ; {
		if _, _, err := c.ReadFrom(b); err != nil {
			break
		}
	}
	if len(socket.sent) != 0 {
		t.Errorf("sent %v", socket.sent)
	}
}

func TestBrokenSocketEnds(t *testing.T) {
	broken := errors.New("broken")
	c := New(Config{}).PacketConn(&fakeSocket{end: broken})
	if _, _, err := c.ReadFrom(make([]byte, 100)); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	c = New(Config{}).PacketConn(&fakeSocket{end: os.ErrDeadlineExceeded})
	if _, _, err := c.ReadFrom(make([]byte, 100)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestDroppedDatagramDoesNotAllocate(t *testing.T) {
	raw := [][]byte{[]byte(bomb()), []byte("rubbish"), []byte(stun()), []byte("\r\n"), []byte(ok200("CSeq: x")), []byte(options())}
	for name, cfg := range map[string]Config{
		"silence":   {},
		"all":       {Strangers: StrangersAll, MaxSources: 64, PerSource: Rate{1, 1}},
		"over rate": {Strangers: StrangersAll, MaxSources: 64, Total: Rate{1, 1}},
	} {
		f := New(cfg)
		var i uint32
		if n := testing.AllocsPerRun(2000, func() {
			i++
			src := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
			for _, b := range raw {
				f.datagram(b, src)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	// The same through the wrapper, reading included.
	socket := &fakeSocket{}
	in := make([]packet, 100)
	for i := range in {
		in[i] = packet{data: bomb(), addr: someone}
	}
	socket.end = net.ErrClosed
	c, b := New(Config{}).PacketConn(socket), make([]byte, 2000)
	if n := testing.AllocsPerRun(50, func() {
		socket.in = in
		_, _, _ = c.ReadFrom(b)
	}); n != 0 {
		t.Errorf("wrapper: %v allocations for 100 dropped datagrams", n)
	}
}

// readAll passes what a socket delivers into a channel until the socket is closed.
func readAll(c net.PacketConn) <-chan string {
	out := make(chan string, 1000)
	go func() {
		defer close(out)
		for b := make([]byte, 65535); ; {
			n, _, err := c.ReadFrom(b)
			if err != nil {
				return
			}
			out <- string(b[:n])
		}
	}()
	return out
}

func expect(t *testing.T, in <-chan string, want string) {
	t.Helper()
	select {
	case got := <-in:
		if got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	case <-time.After(patience):
		t.Fatal("nothing came")
	}
}

// The memory bomb at a real socket: dropped, and the heap stays where it was.
func TestMemoryBombAtSocket(t *testing.T) {
	f := New(Config{Trusted: trustAll})
	raw := listenUDP(t, "127.0.0.1:0")
	in := readAll(f.PacketConn(raw))
	peer := listenUDP(t, "127.0.0.1:0")
	send := func(s string) {
		t.Helper()
		if _, err := peer.WriteTo([]byte(s), raw.LocalAddr()); err != nil {
			t.Fatal(err)
		}
	}
	send(options())
	expect(t, in, options())
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	const bombs = 50
	for i := range bombs {
		compact := options("-Content-Length", fmt.Sprintf("+l: %d", 4294967295-i))
		for _, s := range []string{bomb(), compact, options("+Content-Length: 4294967295"), options("Content-Length: 18446744073709551616")} {
			send(s)
		}
		end := options(fmt.Sprintf("Call-ID: after-%d", i))
		send(end)
		expect(t, in, end)
	}
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 8<<20 {
		t.Errorf("%d bytes allocated for %d bombs", grown, 4*bombs)
	}
	s := f.Stats()
	if s.Dropped[ReasonLength] != 3*bombs || s.Dropped[ReasonBadLength] != bombs {
		t.Errorf("dropped: %v", s.Dropped)
	}
	// The peer is trusted, so each bomb was answered.
	if err := peer.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 2000)
	if n, _, err := peer.ReadFrom(b); err != nil || !strings.HasPrefix(string(b[:n]), "SIP/2.0 400 ") {
		t.Errorf("answer %q %v", b[:n], err)
	}
}

// 20,000 sources at a real socket leave the table at its cap.
func TestManySourcesAtSocket(t *testing.T) {
	const sources, limit = 20000, 256
	f := New(Config{Strangers: StrangersAll, MaxSources: limit, Total: Rate{1, 1}})
	raw := listenUDP(t, "127.0.0.1:0")
	in := readAll(f.PacketConn(raw))
	for i := range sources {
		c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, byte(1+i>>16), byte(i>>8), byte(i))})
		if err != nil {
			t.Fatal(err)
		}
		garbage := bomb()
		if i%2 == 0 {
			garbage = "garbage\r\n\r\n"
		}
		if _, err := c.WriteTo([]byte(garbage), raw.LocalAddr()); err != nil {
			t.Fatal(err)
		}
		c.Close()
	}
	// The kernel may have dropped some of them, but not all but a few.
	deadline := time.Now().Add(patience)
	for f.Stats().Sources < limit && time.Now().Before(deadline) {
		runtime.Gosched()
	}
	raw.Close()
	for got := range in {
		t.Errorf("passed: %q", got)
	}
	s := f.Stats()
	if s.Sources != limit || s.Accepted != 0 {
		t.Errorf("%d sources in the table, want %d; %d accepted", s.Sources, limit, s.Accepted)
	}
}

// A wrapped socket of another kind works too.
func TestPacketConnOfOtherKind(t *testing.T) {
	raw := listenUDP(t, "127.0.0.1:0")
	in := readAll(New(Config{Trusted: trustAll}).PacketConn(struct{ net.PacketConn }{raw}))
	peer := listenUDP(t, "127.0.0.1:0")
	if _, err := peer.WriteTo([]byte(options()), raw.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	expect(t, in, options())
}

func BenchmarkDroppedDatagram(b *testing.B) {
	f, raw := New(Config{Trusted: trustAll}), []byte(bomb())
	b.ReportAllocs()
	for b.Loop() {
		f.datagram(raw, someone.Addr())
	}
}
