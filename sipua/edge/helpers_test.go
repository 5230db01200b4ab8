package edge

import (
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"
)

var someone = netip.MustParseAddrPort("192.0.2.77:5070")

// options is a request in order; with replaces or adds header lines by their name.
func options(with ...string) string {
	headers := []string{
		"Via: SIP/2.0/UDP 192.0.2.77:5070;branch=z9hG4bK776;rport", "Max-Forwards: 70", "To: <sip:anna@example.com>",
		"From: \"Bo\" <sip:bo@example.net>;tag=1", "Call-ID: a84b4c76e66710", "CSeq: 7 OPTIONS", "Content-Length: 0",
	}
	return message("OPTIONS sip:anna@example.com SIP/2.0", headers, with...)
}

func ok200(with ...string) string {
	headers := []string{
		"Via: SIP/2.0/UDP 192.0.2.77:5070;branch=z9hG4bK776;rport", "To: <sip:anna@example.com>;tag=2",
		"From: \"Bo\" <sip:bo@example.net>;tag=1", "Call-ID: a84b4c76e66710", "CSeq: 7 OPTIONS", "Content-Length: 0",
	}
	return message("SIP/2.0 200 OK", headers, with...)
}

func register(with ...string) string {
	return strings.Replace(options(append([]string{"CSeq: 1 REGISTER"}, with...)...), "OPTIONS sip:anna@", "REGISTER sip:", 1)
}

// message joins a start line and headers. A change "Name: value" replaces the header of that name, "+Name: value" adds
// one, "-Name" removes it.
func message(start string, headers []string, changes ...string) string {
	for _, c := range changes {
		name, _, _ := strings.Cut(strings.TrimPrefix(c, "-"), ":")
		if add, ok := strings.CutPrefix(c, "+"); ok {
			headers = append(headers, add)
			continue
		}
		for i, h := range headers {
			if !strings.HasPrefix(h, name+":") {
				continue
			}
			if strings.HasPrefix(c, "-") {
				headers = append(headers[:i:i], headers[i+1:]...)
			} else {
				headers[i] = c
			}
			break
		}
	}
	return start + "\r\n" + strings.Join(headers, "\r\n") + "\r\n\r\n"
}

// fakeSocket is a UDP socket that delivers prepared datagrams and then an error.
type fakeSocket struct {
	net.PacketConn
	in  []packet
	end error

	mu   sync.Mutex
	sent []packet
}

type packet struct {
	data string
	addr netip.AddrPort
	err  error
}

func (s *fakeSocket) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) {
	if len(s.in) == 0 {
		return 0, netip.AddrPort{}, s.end
	}
	p := s.in[0]
	s.in = s.in[1:]
	return copy(b, p.data), p.addr, p.err
}

func (s *fakeSocket) WriteTo(b []byte, a net.Addr) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent = append(s.sent, packet{data: string(b), addr: addrPort(a)})
	return len(b), nil
}

func trustAll(netip.Addr) bool { return true }

// listenUDP opens a loopback socket.
func listenUDP(t testing.TB, addr string) net.PacketConn {
	t.Helper()
	c, err := net.ListenPacket("udp4", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// patience is for real sockets on a loaded machine.
const patience = 20 * time.Second
