package configs

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"cordboard/mediamix"
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
	l.checkAuthorities("sip.tls.ca", string(c.CA))
}

// checkAuthorities sees that a file, where one is named, holds certificates.
func (l *loader) checkAuthorities(path, file string) {
	if file == "" {
		return
	}
	text, err := readPlain(file)
	switch {
	case err != nil:
		l.wrong(path, fmt.Sprintf("%s cannot be read: %s", printable(file), reason(err)), "name a PEM file with the authorities' certificates")
	case !x509.NewCertPool().AppendCertsFromPEM(text):
		l.wrong(path, "there is no certificate in the file", "name a PEM file with the authorities' certificates (-----BEGIN CERTIFICATE-----)")
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

// checkMusic decodes each music file, as the daemon will: what check lets pass can be played.
func (l *loader) checkMusic() {
	heard := map[Path]error{}
	if p := l.cfg.Music.Default; p != "" {
		l.checkWAV("music.default", p, heard)
	}
	queues := make([]string, 0, len(l.cfg.Music.Queues))
	for q := range l.cfg.Music.Queues {
		queues = append(queues, q)
	}
	slices.Sort(queues)
	for _, q := range queues {
		if p := l.cfg.Music.Queues[q]; p != "" {
			l.checkWAV(joinPath("music.queues", q), p, heard)
		}
	}
}

// checkWAV tells what is wrong with one file; heard has what was found of each file before.
func (l *loader) checkWAV(path string, name Path, heard map[Path]error) {
	err, known := heard[name]
	if !known {
		_, err = mediamix.LoadTrack(string(name))
		heard[name] = err
	}
	var bad *mediamix.TrackError
	switch {
	case err == nil:
	case errors.As(err, &bad):
		message := printable(string(name)) + ": " + bad.Err.Error()
		if bad.Detail != "" {
			message += " (" + printable(bad.Detail) + ")"
		}
		l.wrong(path, message, bad.Fix)
	case errors.Is(err, fs.ErrPermission):
		l.wrong(path, fmt.Sprintf("%s cannot be read: %s", printable(string(name)), reason(err)), "let the daemon's user read it")
	default:
		l.wrong(path, fmt.Sprintf("%s cannot be read: %s", printable(string(name)), reason(err)),
			"name a WAV file (PCM, any rate, mono or stereo); to make one: sox IN -b 16 OUT.wav")
	}
}
