package daemon

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"cordboard/callcontrol"
	"cordboard/configs"
	"cordboard/rtp"
	"cordboard/sipua"
	"cordboard/sipua/digest"
	"cordboard/sipua/edge"
)

// phoneUser names an agent's device to the SIP stack; a device with a fixed contact needs no user of its own.
func phoneUser(a configs.Agent) string {
	if a.Device.User != "" {
		return a.Device.User
	}
	return a.Name
}

func trunkDomain(t configs.Trunk) string {
	if t.Domain != "" {
		return t.Domain
	}
	return t.Server.Host
}

func equalName(a, b string) bool { return b != "" && strings.EqualFold(a, b) }

func rtpConfig(c *configs.Config) rtp.Config {
	rest := c.RTP.Quarantine
	if rest == 0 {
		rest = -1 // none is meant; 0 would be the engine's default
	}
	return rtp.Config{
		Bind: c.RTP.Bind, PortMin: c.RTP.Ports.Min, PortMax: c.RTP.Ports.Max, Shards: c.RTP.Shards,
		Quarantine: rest, Backend: string(c.RTP.Backend),
	}
}

func sipURI(u configs.URI) sipua.URI {
	return sipua.URI{Scheme: u.Scheme, User: u.User, Host: u.Host, Port: u.Port, Transport: u.Transport}
}

func sipConfig(c *configs.Config, contactKey []byte) (sipua.Config, error) {
	server, client, err := tlsConfigs(c)
	if err != nil {
		return sipua.Config{}, err
	}
	out := sipua.Config{
		Advertise: c.SIP.Advertise, UserAgent: c.SIP.UserAgent, Realm: c.Phones.Realm, MaxDialogs: c.Limits.MaxLegs,
		ContactKey: contactKey,
		Edge:       edgeConfig(c.Limits.Edge),
		Registrar:  sipua.RegistrarConfig{MinExpires: c.Phones.MinExpires, MaxExpires: c.Phones.MaxExpires, Digest: digestOffer(c.Phones.Digest)},
	}
	for _, l := range c.SIP.Listen {
		listen := sipua.Listen{Network: l.Network, Addr: l.Addr}
		if l.Network == "tls" {
			listen.TLS = server
		}
		out.Listen = append(out.Listen, listen)
	}
	for _, t := range c.Trunks {
		out.Trunks = append(out.Trunks, sipTrunk(t, client))
	}
	for _, a := range c.Agents {
		t, _ := c.Trunk(a.Line.Trunk)
		out.Lines = append(out.Lines, sipua.Line{
			Trunk: a.Line.Trunk, User: a.Line.User, AuthUser: a.Line.AuthUser, Display: a.Line.Display,
			Password: digest.NewSecret(a.Line.Password.Reveal()), Register: t.Register.Enabled,
		})
		out.Phones = append(out.Phones, sipua.Phone{
			User: phoneUser(a), Password: digest.NewSecret(a.Device.Password.Reveal()), FixedContact: sipURI(a.Device.Contact),
			NoAuth: a.Device.Password.IsZero() && !a.Device.Contact.IsZero(),
		})
	}
	return out, nil
}

// digestOffer is what phones are challenged with.
func digestOffer(list []configs.Digest) []digest.Algorithm {
	var out []digest.Algorithm
	for _, d := range list {
		switch d {
		case configs.DigestMD5:
			out = append(out, digest.MD5)
		case configs.DigestSHA256:
			out = append(out, digest.SHA256)
		}
	}
	return out
}

// edgeConfig bounds strangers; a source may burst to three times its rate.
func edgeConfig(e configs.Edge) edge.Config {
	return edge.Config{
		PerSource:  edge.Rate{PerSecond: e.PerSource, Burst: int(3 * e.PerSource)},
		Total:      edge.Rate{PerSecond: e.Total, Burst: int(2 * e.Total)},
		MaxMessage: e.MaxMessage,
	}
}

func sipTrunk(t configs.Trunk, client *tls.Config) sipua.Trunk {
	out := sipua.Trunk{
		Name: t.Name, Server: sipURI(t.Server), Proxy: sipURI(t.Proxy), Peers: slices.Clone(t.Peers), Domain: t.Domain, Realm: t.Realm,
		SessionExpires: t.SessionTimer, ReferAllowed: t.ReferAllowed, Expires: t.Register.Expires, TLS: client, KeepAlive: t.KeepAlive,
		Register: sipua.RegisterConfig{
			PerSecond: t.Register.Rate, Timeout: t.Register.Timeout, Retry: t.Register.Retry, RetryMax: t.Register.RetryMax,
		},
	}
	if t.SessionTimer == 0 {
		out.SessionExpires = -1 // none is asked for
	}
	switch t.Identity {
	case configs.IdentityRPID:
		out.Identity = sipua.IdentityRPID
	case configs.IdentityNone:
		out.Identity = sipua.IdentityNone
	}
	for _, h := range []string{t.Headers.Queue, t.Headers.Interaction} {
		if h != "" {
			out.CapturePrefix = append(out.CapturePrefix, h)
		}
	}
	for h := range t.Headers.Variables {
		out.CapturePrefix = append(out.CapturePrefix, h)
	}
	slices.Sort(out.CapturePrefix)
	return out
}

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

func deskConfig(c *configs.Config, a configs.Agent) callcontrol.DeskConfig {
	t, _ := c.Trunk(a.Line.Trunk)
	out := callcontrol.DeskConfig{
		Agent: callcontrol.AgentID(a.Name), Name: a.Display, Line: callcontrol.LineID(a.Line.Trunk + "/" + a.Line.User),
		Trunk:       a.Line.Trunk,
		Identity:    callcontrol.Identity{Display: a.Line.Display, Number: lineNumber(a)},
		Connect:     callcontrol.Connect(a.Device.Connect),
		CallWaiting: callcontrol.CallWaiting(a.CallWaiting),
		Transfer:    callcontrol.TransferMode(t.Transfer), Hold: callcontrol.HoldMode(t.Hold), DTMF: callcontrol.DTMFMode(t.DTMF),
		ReferPeer:        t.ReferAllowed,
		RingNoAnswer:     c.Calls.RingNoAnswer.After,
		RingNoAnswerThen: callcontrol.NoAnswerRelease,
		DialNoAnswer:     c.Calls.DialNoAnswer,
		WrapUp:           a.WrapUp,
		HoldBeep:         c.Tones.HoldBeep,
		HoldLimit:        c.Calls.MaxHold,
		ConsultReturn:    callcontrol.Return(c.Calls.Consult.Return),
		ConsultNoAnswer:  c.Calls.Consult.NoAnswer,
		BlindNoAnswer:    c.Calls.Blind.NoAnswer,
		BlindRecall:      c.Calls.Blind.RecallNoAnswer,
		LostTries:        c.Calls.DeviceLost.Tries,
		DeviceAnswer:     c.Calls.DeviceLost.NoAnswer,
		LostInterval:     3 * time.Second,
		Dial:             dialPolicy(t.Dial),
	}
	if c.Calls.RingNoAnswer.Then == configs.RingNoAnswerNotReady {
		out.RingNoAnswerThen = callcontrol.NoAnswerPause
	}
	return out
}

func dialPolicy(d configs.Dial) callcontrol.DialPolicy {
	return callcontrol.DialPolicy{
		Allows:   func(n callcontrol.Number) bool { return d.Allows(string(n)) },
		MaxCalls: d.MaxCalls, PerSecond: int(math.Ceil(d.PerSecond)),
	}
}

func lineNumber(a configs.Agent) callcontrol.Number {
	for _, s := range []string{a.Line.Number, a.Line.User} {
		if n, err := callcontrol.ParseNumber(s); err == nil {
			return n
		}
	}
	return ""
}
