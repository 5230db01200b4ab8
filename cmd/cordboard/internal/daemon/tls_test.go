package daemon

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"cordboard/callcontrol"
	"cordboard/sim"
	"cordboard/sipua"
)

// authority is a certificate authority made for a test.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	var err error
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, a.key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.pem = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return a
}

// issue makes a certificate for 127.0.0.1 and its key, in PEM.
func (a *authority) issue(t *testing.T) (cert, key []byte) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(2), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, a.cert, k.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})
}

// tlsWorld is one agent whose line registers over TLS at a PBX with a certificate of by, if need be via a relay; the daemon trusts trusted.
func tlsWorld(t *testing.T, by, trusted *authority, via ...func(netip.AddrPort) string) *world {
	t.Helper()
	cert, key := by.issue(t)
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	pbx, err := sim.NewPBX(sim.PBXConfig{
		Addr: netip.AddrPortFrom(loopback, 0), Network: "tls", TLS: &tls.Config{Certificates: []tls.Certificate{pair}},
		Accounts: []sim.Account{{User: user(0), Password: "line"}},
		Plan:     map[string]sim.Behaviour{"2001": {Ring: 100 * time.Millisecond, Source: voice("target")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	cert, key = trusted.issue(t)
	at := pbx.Addr().String()
	for _, f := range via {
		at = f(pbx.Addr())
	}
	port := freePort(t)
	config := fmt.Sprintf(`sip: {listen: ["udp://127.0.0.1:%[1]d", "tls://127.0.0.1:%[2]d"], tls: {cert: cert.pem, key: key.pem, ca: ca.pem}}
rtp: {bind: 127.0.0.1, ports: 24000-24999, quarantine: 0s}
control: {socket: c.sock}
state_dir: state
journal: {memory: true}
limits: {dial: {allow: ["*"]}}
trunks: [{name: pbx, server: "sip:%[3]s;transport=tls", realm: pbx.test, register: {retry: 1s}}]
agents: [{name: anna, line: {trunk: pbx, user: "%[4]s", password: {file: line}}, device: {user: phone%[4]s, password: {file: phone}}}]
`, port, freePort(t), at, user(0))
	w := bare(t, config, map[string]string{
		"line": "line", "phone": "phone" + user(0), "cert.pem": string(cert), "key.pem": string(key), "ca.pem": string(trusted.pem),
	})
	w.pbx = pbx
	w.background("pbx", pbx.Run)
	return w
}

// TestTLSTrunk: a line registers over TLS at a PBX whose certificate is checked, is called and calls; sound goes both ways.
func TestTLSTrunk(t *testing.T) {
	ca := newAuthority(t)
	w := tlsWorld(t, ca, ca)
	w.addPhone(0, true)
	w.until("the desk can work", func() bool {
		a := w.snapshot().Agents[0]
		return a.Registered && a.Device.Reachable
	})
	c, err := w.pbx.Call(sipua.Identity{Number: "380441234567"}, user(0), voice("customer")())
	w.must(err)
	w.must(c.Wait(w.ctx, sim.StateRinging))
	w.phase(callcontrol.PhaseOffered, 1)
	w.do(callcontrol.Command{Kind: callcontrol.KindAnswer, Agent: "anna"})
	w.must(c.Wait(w.ctx, sim.StateTalking))
	a := w.device()
	w.hears(c, "agent", a, "customer")
	c.Hangup()
	w.ended(c, a)
	w.free()
	w.do(callcontrol.Command{Kind: callcontrol.KindDial, Agent: "anna", Number: "2001"})
	target := w.called("2001", sim.StateTalking)
	w.phase(callcontrol.PhaseTalking, 1)
	w.hears(target, "agent", w.device(), "target")
	w.whole(target)
	target.Hangup()
	w.ended(target)
}

// TestTLSStranger: a PBX whose certificate is of an unknown authority gets no REGISTER, and the line says why.
func TestTLSStranger(t *testing.T) {
	w := tlsWorld(t, newAuthority(t), newAuthority(t))
	w.until("the line says why it is not registered", func() bool {
		l := w.daemon.stack.Lines()[0]
		return !l.Registered && strings.Contains(l.Reason, "certificate")
	})
	if n := w.pbx.Registered(); n != 0 {
		t.Errorf("%d lines are registered", n)
	}
}

// relay passes connections on to an address until it is cut; then it takes none.
func relay(t *testing.T, to netip.AddrPort) (at string, cut func()) {
	t.Helper()
	ln, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", freePort(t)))
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var running sync.WaitGroup
	ends := []io.Closer{ln}
	cut = func() {
		mu.Lock()
		defer mu.Unlock()
		for _, e := range ends {
			_ = e.Close()
		}
	}
	t.Cleanup(func() {
		cut()
		running.Wait()
	})
	running.Go(func() {
		for {
			in, err := ln.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", to.String())
			if err != nil {
				_ = in.Close()
				return
			}
			mu.Lock()
			ends = append(ends, in, out)
			mu.Unlock()
			running.Go(func() { _, _ = io.Copy(struct{ io.Writer }{in}, out) }) // no splice, which keeps pipes
			running.Go(func() { _, _ = io.Copy(struct{ io.Writer }{out}, in) })
		}
	})
	return ln.Addr().String(), cut
}

// TestTLSTrunkLeaves: a trunk with an authority of its own that is gone from the configuration is told the end of its call over a new
// connection.
func TestTLSTrunkLeaves(t *testing.T) {
	ca := newAuthority(t)
	var cut func()
	w := tlsWorld(t, ca, ca, func(pbx netip.AddrPort) (at string) {
		at, cut = relay(t, pbx)
		return at
	})
	w.addPhone(0, true)
	w.until("the desk can work", func() bool {
		a := w.snapshot().Agents[0]
		return a.Registered && a.Device.Reachable
	})
	c, err := w.pbx.Call(sipua.Identity{Number: "380441234567"}, user(0), voice("customer")())
	w.must(err)
	w.phase(callcontrol.PhaseOffered, 1)
	w.do(callcontrol.Command{Kind: callcontrol.KindAnswer, Agent: "anna"})
	w.must(c.Wait(w.ctx, sim.StateTalking))
	w.phase(callcontrol.PhaseTalking, 1)
	text := replaced(t, w.text(), ", ca: ca.pem", "")
	text = text[:strings.Index(text, "trunks:")] + fmt.Sprintf(`trunks: [{name: other, server: "sip:127.0.0.1:%d;transport=udp", register: {enabled: false}}]
agents: [{name: vira, line: {trunk: other, user: "7"}, device: {user: vira, password: {file: phone}}}]
`, freePort(t))
	w.reload(text)
	w.daemon.sweepOnce(w.ctx) // the end of another call
	cut()
	w.do(callcontrol.Command{Kind: callcontrol.KindHangup, Agent: "anna"})
	w.ended(c)
}
