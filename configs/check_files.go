package configs

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"os"
	"slices"
)

// checkTLS sees that certificate, key and authorities can be used.
func (l *loader) checkTLS() {
	c := l.cfg.SIP.TLS
	if !l.sound("sip.tls", "sip.tls.cert", "sip.tls.key", "sip.tls.ca") {
		return
	}
	for i, a := range l.cfg.SIP.Listen {
		if a.Network == "tls" && c.Cert == "" {
			l.wrong(fmt.Sprintf("sip.listen[%d]", i), "a tls:// listener needs a certificate", "add sip.tls: {cert: tls/fullchain.pem, key: tls/privkey.pem}")
			break
		}
	}
	switch {
	case c.Cert != "" && c.Key == "":
		l.wrong("sip.tls.cert", "there is a certificate without its key", "add key: tls/privkey.pem")
	case c.Cert == "" && c.Key != "":
		l.wrong("sip.tls.key", "there is a key without its certificate", "add cert: tls/fullchain.pem")
	case c.Cert != "":
		l.checkKeyPair(c)
	}
	if c.CA == "" {
		return
	}
	text, err := readPlain(string(c.CA))
	if err != nil {
		l.wrong("sip.tls.ca", fmt.Sprintf("%s cannot be read: %s", printable(string(c.CA)), reason(err)), "name a PEM file with the authorities' certificates")
		return
	}
	if !x509.NewCertPool().AppendCertsFromPEM(text) {
		l.wrong("sip.tls.ca", "there is no certificate in the file", "name a PEM file with the authorities' certificates (-----BEGIN CERTIFICATE-----)")
	}
}

func (l *loader) checkKeyPair(c TLS) {
	cert, err := readPlain(string(c.Cert))
	if err != nil {
		l.wrong("sip.tls.cert", fmt.Sprintf("%s cannot be read: %s", printable(string(c.Cert)), reason(err)), "name a PEM file with the certificate chain")
	}
	info, keyErr := os.Stat(string(c.Key))
	if keyErr == nil && info.Mode().Perm()&0o077 != 0 {
		l.wrong("sip.tls.key", fmt.Sprintf("the key can be read by others than its owner (mode %04o)", info.Mode().Perm()), "run chmod 600 "+printable(string(c.Key)))
		return
	}
	key, keyErr := readPlain(string(c.Key))
	if keyErr != nil {
		l.wrong("sip.tls.key", fmt.Sprintf("%s cannot be read: %s", printable(string(c.Key)), reason(keyErr)), "name a PEM file with the private key, owned by the daemon's user")
	}
	if err != nil || keyErr != nil {
		return
	}
	if _, err := tls.X509KeyPair(cert, key); err != nil {
		l.wrong("sip.tls.cert", "certificate and key do not fit: "+printable(err.Error()), "name the certificate chain and the key it was issued for, both PEM")
	}
}

// checkMusic looks at the head of each music file; decoding it is the mixer's.
func (l *loader) checkMusic() {
	if p := l.cfg.Music.Default; p != "" {
		l.checkWAV("music.default", string(p))
	}
	queues := make([]string, 0, len(l.cfg.Music.Queues))
	for q := range l.cfg.Music.Queues {
		queues = append(queues, q)
	}
	slices.Sort(queues)
	for _, q := range queues {
		if p := l.cfg.Music.Queues[q]; p != "" {
			l.checkWAV(joinPath("music.queues", q), string(p))
		}
	}
}

func (l *loader) checkWAV(path, name string) {
	const fix = "name a WAV file (PCM, any rate, mono or stereo); to make one: sox IN -b 16 OUT.wav"
	info, err := os.Stat(name)
	if err != nil {
		l.wrong(path, fmt.Sprintf("%s cannot be read: %s", printable(name), reason(err)), fix)
		return
	}
	if !info.Mode().IsRegular() {
		l.wrong(path, printable(name)+" is not a plain file", fix)
		return
	}
	f, err := os.Open(name)
	if err != nil {
		l.wrong(path, fmt.Sprintf("%s cannot be read: %s", printable(name), reason(err)), "let the daemon's user read it")
		return
	}
	defer f.Close()
	var head [12]byte
	if _, err := io.ReadFull(f, head[:]); err != nil || string(head[:4]) != "RIFF" || string(head[8:]) != "WAVE" {
		l.wrong(path, printable(name)+" is not a WAV file", fix)
	}
}
