package mapping

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"

	"cordboard/configs"
)

// tlsConfigs are the certificate to serve with and the authorities to check servers with; nil where none is set.
func tlsConfigs(c *configs.Config) (server, client *tls.Config, err error) {
	if c.SIP.TLS.Cert != "" {
		pair, err := tls.LoadX509KeyPair(string(c.SIP.TLS.Cert), string(c.SIP.TLS.Key))
		if err != nil {
			return nil, nil, fmt.Errorf("sip.tls: %w", err)
		}
		server = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	}
	if c.SIP.TLS.CA != "" {
		pem, err := os.ReadFile(string(c.SIP.TLS.CA))
		if err != nil {
			return nil, nil, fmt.Errorf("sip.tls.ca: %w", err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return nil, nil, fmt.Errorf("sip.tls.ca: %s holds no certificate", c.SIP.TLS.CA)
		}
		client = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	return server, client, nil
}
