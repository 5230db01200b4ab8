package daemon

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"cordboard/mediamix"
)

// nasty is a sender of datagrams, byte by byte as a test has them. From an address of a trunk it is a peer, else a stranger.
type nasty struct {
	t    *testing.T
	conn *net.UDPConn
	to   netip.AddrPort
	buf  []byte
}

func (w *world) nasty(addr string, to netip.AddrPort) *nasty {
	w.t.Helper()
	conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(addr), 0)))
	w.must(err)
	w.t.Cleanup(func() { _ = conn.Close() })
	return &nasty{t: w.t, conn: conn, to: to, buf: make([]byte, 1<<16)}
}

func (w *world) sip() netip.AddrPort { return w.daemon.stack.Addr("udp") }

func (n *nasty) local() netip.AddrPort {
	a := n.conn.LocalAddr().(*net.UDPAddr).AddrPort()
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

func (n *nasty) send(b []byte) {
	n.t.Helper()
	if _, err := n.conn.WriteToUDPAddrPort(b, n.to); err != nil {
		n.t.Fatal(err)
	}
}

// receive is the next datagram, empty when none comes within d.
func (n *nasty) receive(d time.Duration) string {
	n.t.Helper()
	_ = n.conn.SetReadDeadline(time.Now().Add(d))
	k, _, err := n.conn.ReadFromUDPAddrPort(n.buf)
	if err != nil {
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			n.t.Fatal(err)
		}
		return ""
	}
	return string(n.buf[:k])
}

// silent fails when anything comes within d.
func (n *nasty) silent(what string, d time.Duration) {
	n.t.Helper()
	if got := n.receive(d); got != "" {
		n.t.Errorf("%s was answered:\n%s", what, got)
	}
}

// answer is the next response to a method, as far as it is not provisional; requests in between are answered 200.
func (n *nasty) answer(method string) (status int, text string) {
	n.t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		text = n.receive(time.Until(end))
		if !strings.HasPrefix(text, "SIP/2.0 ") {
			if !strings.HasPrefix(text, "ACK ") && text != "" {
				n.send([]byte(reply(text, 200)))
			}
			continue
		}
		status, _ = strconv.Atoi(text[8:11])
		if status >= 200 && strings.HasSuffix(field(text, "CSeq"), " "+method) {
			return status, text
		}
	}
	n.t.Fatalf("no answer to %s from %v", method, n.local())
	return 0, ""
}

// field is the value of a header as it is on the wire.
func field(text, name string) string {
	m := regexp.MustCompile(`(?mi)^` + name + `: *(.*?)\r?$`).FindStringSubmatch(text)
	if m == nil {
		return ""
	}
	return m[1]
}

func reply(request string, status int, more ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "SIP/2.0 %d Whatever\r\n", status)
	for _, h := range []string{"Via", "From", "To", "Call-ID", "CSeq"} {
		v := field(request, h)
		if h == "To" && !strings.Contains(v, "tag=") {
			v += ";tag=nasty"
		}
		fmt.Fprintf(&b, "%s: %s\r\n", h, v)
	}
	for _, m := range more {
		b.WriteString(m + "\r\n")
	}
	b.WriteString("Content-Length: 0\r\n\r\n")
	return b.String()
}

// script is a call that a nasty peer makes.
type script struct {
	n            *nasty
	line         string
	callID, tag  string
	to, target   string
	branch, from string
	seq          int
}

func (n *nasty) script(line string) *script {
	s := &script{n: n, line: line, callID: rand.Text(), tag: rand.Text(), target: "sip:" + line + "@" + n.to.String()}
	s.to, s.from = "<"+s.target+">", "<sip:666@pbx.test>"
	return s
}

// request is one of the call, with more header lines, each with its CRLF.
func (s *script) request(method, more, body string) string {
	if method != "ACK" && method != "CANCEL" {
		s.seq++
		s.branch = "z9hG4bK" + rand.Text()
	}
	if body != "" && !strings.Contains(more, "Content-Type") {
		more += "Content-Type: application/sdp\r\n"
	}
	return fmt.Sprintf("%s %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=%s\r\nMax-Forwards: 70\r\nFrom: %s;tag=%s\r\nTo: %s\r\n"+
		"Call-ID: %s\r\nCSeq: %d %s\r\nContact: <sip:nasty@%[3]s>\r\n%[11]sContent-Length: %[12]d\r\n\r\n%[13]s",
		method, s.target, s.n.local(), s.branch, s.from, s.tag, s.to, s.callID, s.seq, method, more, len(body), body)
}

func (s *script) send(method, more, body string) { s.n.send([]byte(s.request(method, more, body))) }

// invite sends an INVITE, or re-INVITE, and acknowledges the final answer.
func (s *script) invite(more, body string) (status int, text string) {
	s.n.t.Helper()
	s.send("INVITE", more, body)
	return s.final()
}

func (s *script) final() (status int, text string) {
	s.n.t.Helper()
	status, text = s.n.answer("INVITE")
	old := s.to
	s.to = field(text, "To")
	if status < 300 {
		s.branch = "z9hG4bK" + rand.Text()
		if _, rest, ok := strings.Cut(field(text, "Contact"), "<"); ok {
			s.target, _, _ = strings.Cut(rest, ">")
		}
	}
	s.send("ACK", "", "")
	if status >= 300 {
		s.to = old
	}
	return status, text
}

func sdpAt(a netip.AddrPort, more ...string) string {
	return fmt.Sprintf("v=0\r\no=- 1 %d IN IP4 %s\r\ns=-\r\nc=IN IP4 %[2]s\r\nt=0 0\r\nm=audio %d RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\n"+
		"a=rtpmap:101 telephone-event/8000\r\n%[4]s", time.Now().UnixNano(), a.Addr(), a.Port(), strings.Join(more, ""))
}

// media is RTP that a nasty sender makes.
type mediaStream struct {
	n    *nasty
	fill func([]int16)
	ssrc uint32
	seq  uint16
	ts   uint32
	stop chan struct{}
	done chan struct{}
}

func newMediaStream(n *nasty, tone string) *mediaStream {
	return &mediaStream{n: n, fill: voice(tone)(), ssrc: 0x6e617374, stop: make(chan struct{}), done: make(chan struct{})}
}

// packet is the next of the stream, 20 ms of its tone.
func (m *mediaStream) packet() []byte {
	var pcm [160]int16
	m.fill(pcm[:])
	b := make([]byte, 12+160)
	mediamix.CodecPCMA.Encode(b[12:], pcm[:])
	m.seq++
	m.ts += 160
	b[0], b[1] = 0x80, 8
	binary.BigEndian.PutUint16(b[2:], m.seq)
	binary.BigEndian.PutUint32(b[4:], m.ts)
	binary.BigEndian.PutUint32(b[8:], m.ssrc)
	return b
}

// run sends the tone in time, and after each packet what extra makes, until end.
func (m *mediaStream) run(to netip.AddrPort, extra func(i int) [][]byte) {
	go func() {
		defer close(m.done)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for i := 0; ; i++ {
			_, _ = m.n.conn.WriteToUDPAddrPort(m.packet(), to)
			if extra != nil {
				for _, b := range extra(i) {
					_, _ = m.n.conn.WriteToUDPAddrPort(b, to)
				}
			}
			select {
			case <-tick.C:
			case <-m.stop:
				return
			}
		}
	}()
	m.n.t.Cleanup(m.end)
}

func (m *mediaStream) end() {
	select {
	case <-m.stop:
	default:
		close(m.stop)
	}
	<-m.done
}

// wrongDigest answers a challenge with a response that is made up.
func wrongDigest(challenge, user, uri string) string {
	part := func(name string) string {
		m := regexp.MustCompile(name + `="?([^",]*)"?`).FindStringSubmatch(challenge)
		if m == nil {
			return ""
		}
		return m[1]
	}
	b := make([]byte, 32)
	_, _ = rand.Read(b)
	size := 16
	if strings.Contains(challenge, "SHA-256") {
		size = 32
	}
	return fmt.Sprintf("Authorization: Digest username=%q, realm=%q, nonce=%q, uri=%q, algorithm=%s, qop=auth, nc=00000001, cnonce=%q, response=%q\r\n",
		user, part("realm"), part("nonce"), uri, part("algorithm"), "abc", hex.EncodeToString(b[:size]))
}
