package sipua

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"
)

// namedResolver finds every name at 127.0.0.1, without SRV.
type namedResolver struct{}

func (namedResolver) LookupSRV(context.Context, string, string, string) (string, []*net.SRV, error) {
	return "", nil, &net.DNSError{Err: "no such host", IsNotFound: true}
}

func (namedResolver) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
}

func certificate(t *testing.T, name string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, _ := x509.ParseCertificate(der)
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// TestTLSCall calls over TLS by name: the certificate is checked for the name, and a wrong one ends the call.
func TestTLSCall(t *testing.T) {
	t.Parallel()
	cert, roots := certificate(t, "pbx.test")
	calls := make(chan call, 1)
	listen := func(network string, c *tls.Config) Listen {
		return Listen{Network: network, Addr: netip.MustParseAddrPort("127.0.0.1:0"), TLS: c}
	}
	server, err := New(Config{Listen: []Listen{listen("tls", &tls.Config{Certificates: []tls.Certificate{cert}})},
		Trunks: []Trunk{{Name: "agents", Server: URI{Host: "127.0.0.1"}, AnyUser: true}}},
		Deps{Log: logger(), OnInvite: func(d *Dialog, in Incoming) {
			ev := newEvents(t)
			d.Handle(ev.handle)
			calls <- call{d, in, ev}
		}})
	if err != nil {
		t.Fatal(err)
	}
	port := server.Addr("tls").Port()
	trunkTo := func(name, host string) Trunk {
		return Trunk{Name: name, Server: URI{Host: host, Port: port, Transport: "tls"}, TLS: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	}
	client, err := New(Config{Listen: []Listen{listen("tls", &tls.Config{Certificates: []tls.Certificate{cert}})},
		Trunks: []Trunk{trunkTo("good", "pbx.test"), trunkTo("bad", "evil.test")}}, Deps{Log: logger(), Resolver: namedResolver{}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for _, s := range []*Stack{server, client} {
		wg.Go(func() {
			if err := s.Run(ctx); err != nil {
				t.Errorf("Run: %v", err)
			}
		})
	}
	defer wg.Wait()
	defer cancel()
	l := local(30000)
	ev := newEvents(t)
	client.Invite(InviteParams{To: URI{User: "1"}, Trunk: "bad", Offer: &l}, ev.handle)
	if r := want[Rejected](ev); !strings.Contains(r.Reason, "certificate") {
		t.Errorf("wrong name: %+v", r)
	}
	ev = newEvents(t)
	d := client.Invite(InviteParams{To: URI{User: "1"}, Trunk: "good", Offer: &l}, ev.handle)
	c := <-calls
	c.d.Answer(local(30002))
	want[Answered](ev)
	want[Answered](c.ev)
	c.d.Hangup("")
	want[Ended](ev)
	want[Ended](c.ev)
	_ = d
}
