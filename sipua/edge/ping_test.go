package edge

import (
	"bufio"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// A ping is answered by a single CRLF within ten seconds (RFC 5626 §4.4.1), and by nothing else.
func TestPing(t *testing.T) {
	for name, tc := range map[string]struct {
		answers []string // what the peer writes after our ping, a millisecond apart
		after   time.Duration
		pong    bool // the ping is answered
		learnt  bool // the next ping says so
	}{
		"pong":                     {[]string{"\r\n"}, 0, true, true},
		"pong in two":              {[]string{"\r", "\n"}, 0, true, true},
		"pong before a message":    {[]string{"\r\n" + options()}, 0, true, true},
		"pong after a message":     {[]string{options() + "\r\n"}, 0, true, true},
		"pong in time":             {[]string{"\r\n"}, 9 * time.Second, true, true},
		"pong too late":            {[]string{"\r\n"}, 11 * time.Second, false, false},
		"nothing":                  {nil, 0, false, false},
		"a message":                {[]string{options()}, 0, false, false},
		"half a CRLF":              {[]string{"\r"}, 0, false, false},
		"pong and ping":            {[]string{"\r\n", "\r\n\r\n"}, 0, true, false}, // the next pong tells
		"ping of the peer":         {[]string{"\r\n\r\n"}, 0, true, false},         // it lives, but does not answer
		"ping of the peer, in two": {[]string{"\r\n", "\r\n"}, 0, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				near, far := net.Pipe()
				c := New(Config{}).Conn(near).(Pinger)
				peer, heard := newPinged(far)
				go drain(c)
				p, err := c.Ping()
				if err != nil || p.Answers {
					t.Fatalf("first ping: %+v %v", p, err)
				}
				if got := <-heard; got != "\r\n\r\n" {
					t.Errorf("sent %q", got)
				}
				time.Sleep(tc.after)
				for _, s := range tc.answers {
					time.Sleep(time.Millisecond)
					_, _ = peer.Write([]byte(s))
				}
				synctest.Wait()
				if got := isClosed(p.Pong); got != tc.pong {
					t.Errorf("answered: %v", got)
				}
				time.Sleep(20 * time.Second)
				if p, err = c.Ping(); err != nil || p.Answers != tc.learnt || isClosed(p.Pong) || isClosed(p.Gone) {
					t.Errorf("second ping: %+v %v", p, err)
				}
				_ = c.Close()
				if !isClosed(p.Gone) || isClosed(p.Pong) {
					t.Error("not gone")
				}
				if _, err := c.Ping(); err == nil {
					t.Error("a ping after the end")
				}
				_ = far.Close()
			})
		})
	}
}

// A single CRLF that no ping of ours asked for tells nothing.
func TestCRLFUnasked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		c := New(Config{}).Conn(near).(Pinger)
		peer, _ := newPinged(far)
		go drain(c)
		for range 3 {
			_, _ = peer.Write([]byte("\r\n"))
			time.Sleep(30 * time.Second)
		}
		if p, err := c.Ping(); err != nil || p.Answers {
			t.Errorf("%+v %v", p, err)
		}
		_, _ = c.Close(), far.Close()
	})
}

// newPinged is the far end of a pipe, with what it hears.
func newPinged(far net.Conn) (net.Conn, <-chan string) {
	heard := make(chan string, 100)
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := far.Read(buf)
			if err != nil {
				return
			}
			heard <- string(buf[:n])
		}
	}()
	return far, heard
}

func drain(c net.Conn) {
	r := bufio.NewReader(c)
	for {
		if _, err := r.ReadByte(); err != nil {
			return
		}
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
