// Package mapping turns a checked configuration into what the SIP room takes. The daemon serves with it, and doctor tries the
// very same.
package mapping

import (
	"crypto/tls"
	"slices"

	"cordboard/configs"
	"cordboard/sipua"
	"cordboard/sipua/digest"
	"cordboard/sipua/edge"
)

// PhoneUser names an agent's device to the SIP stack; a device with a fixed contact needs no user of its own.
func PhoneUser(a configs.Agent) string {
	if a.Device.User != "" {
		return a.Device.User
	}
	return a.Name
}

// SIP is what the SIP stack is told; contactKey makes the Contact users of the lines.
func SIP(c *configs.Config, contactKey []byte) (sipua.Config, error) {
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
	accounts := Accounts(c)
	out.Trunks, out.Lines, out.Phones = accounts.Trunks, accounts.Lines, accounts.Phones
	for i := range out.Trunks {
		out.Trunks[i].TLS = client
	}
	return out, nil
}

// Accounts are the trunks, lines and phones alone, without what is read from files for TLS.
func Accounts(c *configs.Config) (out sipua.Config) {
	for _, t := range c.Trunks {
		out.Trunks = append(out.Trunks, trunk(t, nil))
	}
	for _, a := range c.Agents {
		t, _ := c.Trunk(a.Line.Trunk)
		out.Lines = append(out.Lines, sipua.Line{
			Trunk: a.Line.Trunk, User: a.Line.User, AuthUser: a.Line.AuthUser, Display: a.Line.Display,
			Password: digest.NewSecret(a.Line.Password.Reveal()), Register: t.Register.Enabled,
		})
		out.Phones = append(out.Phones, sipua.Phone{
			User: PhoneUser(a), Password: digest.NewSecret(a.Device.Password.Reveal()), FixedContact: uri(a.Device.Contact),
			NoAuth: a.Device.Password.IsZero() && !a.Device.Contact.IsZero(),
		})
	}
	return out
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

// edgeConfig bounds strangers, and peers that run wild; a source may burst to two or three times its rate.
func edgeConfig(e configs.Edge) edge.Config {
	return edge.Config{
		PerSource:  edge.Rate{PerSecond: e.PerSource, Burst: int(3 * e.PerSource)},
		Total:      edge.Rate{PerSecond: e.Total, Burst: int(2 * e.Total)},
		PerTrusted: edge.Rate{PerSecond: e.PerPeer, Burst: int(2 * e.PerPeer)},
		AllTrusted: edge.Rate{PerSecond: 4 * e.PerPeer, Burst: int(8 * e.PerPeer)},
		MaxMessage: e.MaxMessage,
	}
}

func trunk(t configs.Trunk, client *tls.Config) sipua.Trunk {
	out := sipua.Trunk{
		Name: t.Name, Server: uri(t.Server), Proxy: uri(t.Proxy), Peers: slices.Clone(t.Peers), Domain: t.Domain, Realm: t.Realm,
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

func uri(u configs.URI) sipua.URI {
	return sipua.URI{Scheme: u.Scheme, User: u.User, Host: u.Host, Port: u.Port, Transport: u.Transport}
}
