package journal

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// ownAuthority is a certificate for 127.0.0.1 that only its own file makes trusted.
func ownAuthority(t *testing.T) (cert tls.Certificate, file string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, file
}

// TestUserOverTLS: a server that wants TLS, a user and a password, whose certificate is from an authority of its own.
func TestUserOverTLS(t *testing.T) {
	cert, ca := ownAuthority(t)
	s := startServer(t, func(o *server.Options) {
		o.TLSConfig, o.TLS = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}, true
		o.Username, o.Password = "cordboard", "not to be seen"
	})
	url := strings.Replace(s.ClientURL(), "nats://", "tls://", 1)
	good := Config{URL: url, User: "cordboard", Password: "not to be seen", CA: ca}
	for name, change := range map[string]func(*Config){
		"no authority": func(c *Config) { c.CA = "" }, "no user": func(c *Config) { c.User = "" }, "another password": func(c *Config) { c.Password = "guessed" },
	} {
		bad := good
		change(&bad)
		s, err := Open(context.Background(), bad)
		if err == nil {
			t.Errorf("%s: let in, %v", name, s.Close())
			continue
		}
		for _, key := range []string{"journal.user", "journal.ca"} {
			if !strings.Contains(err.Error(), key) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if strings.Contains(err.Error(), "not to be seen") || strings.Contains(err.Error(), "guessed") {
			t.Errorf("%s: the password is in %v", name, err)
		}
	}
	if err := Check(context.Background(), good); err != nil {
		t.Error(err)
	}
	b := openBench(t, good, numbers(10))
	b.add(10)
	b.settled()
	b.again(numbers(10))
	if gaps := b.read(Cursor{}, 10); gaps != nil || b.said.has("not to be seen") {
		t.Errorf("gaps %v", gaps)
	}
}
