package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"cordboard/configs"
	"cordboard/sipua"
	"cordboard/sipua/digest"
)

// register tries one line of each trunk, from the daemon's own address and port, and unregisters it. A
// running daemon is asked about its lines instead.
func (v *visit) register(ctx context.Context) {
	if v.running {
		v.askDaemon(ctx)
		return
	}
	cfg, err := v.stackConfig()
	if err != nil {
		v.fail("register", err.Error(), "")
		return
	}
	if len(cfg.Lines) == 0 {
		v.ok("register", "no trunk wants its lines registered")
		return
	}
	states := make(chan sipua.LineState, 64)
	stack, err := sipua.New(cfg, sipua.Deps{OnLine: func(s sipua.LineState) {
		select {
		case states <- s:
		default: // the wait below ends by time
		}
	}})
	if err != nil {
		v.fail("register", fmt.Sprintf("no REGISTER was tried: %v", err), "mend the ports first")
		return
	}
	run, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- stack.Run(run) }()
	results := v.collect(ctx, states, len(cfg.Lines))
	if ctx.Err() == nil {
		for _, l := range cfg.Lines {
			v.registered(l, results[l.Trunk])
		}
	}
	stop() // unregisters
	if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
		v.warn("register", err.Error(), "look whether the lines are still registered at the PBX")
	}
}

// collect waits for a final word about each of n lines.
func (v *visit) collect(ctx context.Context, states <-chan sipua.LineState, n int) map[string]sipua.LineState {
	results := map[string]sipua.LineState{}
	limit := time.NewTimer(v.registerWait)
	defer limit.Stop()
	for len(results) < n {
		select {
		case s := <-states:
			if s.Registered || s.Status >= 300 || s.Reason != "" {
				results[s.Trunk] = s
			}
		case <-limit.C:
			return results
		case <-ctx.Done():
			return results
		}
	}
	return results
}

func (v *visit) registered(l sipua.Line, s sipua.LineState) {
	line := fmt.Sprintf("line %s at trunk %s", l.User, l.Trunk)
	t, _ := v.cfg.Trunk(l.Trunk)
	switch {
	case s.Registered:
		v.ok("register", line+" registers; it is unregistered again")
	case s.Status == 0 && s.Reason == "":
		v.fail("register", fmt.Sprintf("%s: no answer within %s", line, v.registerWait), "is "+t.Server.String()+" right and reachable (firewall, port, transport)?")
	default:
		v.fail("register", fmt.Sprintf("%s: %s", line, refused(s)), registerAdvice(s.Status, t))
	}
}

func refused(s sipua.LineState) string {
	if s.Status == 0 || strings.Contains(s.Reason, fmt.Sprint(s.Status)) {
		return s.Reason
	}
	return strings.TrimSpace(fmt.Sprintf("%d %s", s.Status, s.Reason))
}

func registerAdvice(status int, t configs.Trunk) string {
	switch status {
	case 401, 403, 407:
		return "check the line's user, auth_user and password, and trunks.realm, against the PBX's account"
	case 404:
		return "the PBX knows no such user or domain: check line.user and trunks.domain"
	case 423:
		return "raise trunks.register.expires"
	case 0:
		return "is " + t.Server.String() + " right and reachable (DNS, firewall, port, transport)?"
	}
	return "ask the PBX's log why it answered so"
}

// askDaemon reports the lines of the running daemon by trunk.
func (v *visit) askDaemon(ctx context.Context) {
	snap, err := v.snapshot(ctx)
	if err != nil {
		v.warn("register", "the running daemon does not answer: "+err.Error(), "")
		return
	}
	for _, t := range v.cfg.Trunks {
		up, all, reason := 0, 0, ""
		for _, a := range snap.Agents {
			if a.Trunk != t.Name {
				continue
			}
			if all++; a.Registered {
				up++
			} else if reason == "" {
				reason = fmt.Sprintf("; line %s: %s", a.Line, a.LineReason)
			}
		}
		message := fmt.Sprintf("trunk %s: %d of %d lines are registered%s", t.Name, up, all, reason)
		switch {
		case up == all:
			v.ok("register", message)
		case up == 0:
			v.fail("register", message, "is "+t.Server.String()+" right and reachable? `cordboard agents` shows each line's reason")
		default:
			v.warn("register", message, "`cordboard agents` shows each line's reason")
		}
	}
}

// stackConfig is a SIP stack with the first line of each trunk that wants registration.
func (v *visit) stackConfig() (sipua.Config, error) {
	c := v.cfg
	server, client, err := v.tls()
	if err != nil {
		return sipua.Config{}, err
	}
	out := sipua.Config{Advertise: c.SIP.Advertise, UserAgent: c.SIP.UserAgent, StopTimeout: 3 * time.Second}
	for _, l := range c.SIP.Listen {
		listen := sipua.Listen{Network: l.Network, Addr: l.Addr}
		if l.Network == "tls" {
			listen.TLS = server
		}
		out.Listen = append(out.Listen, listen)
	}
	for _, t := range c.Trunks {
		line, ok := firstLine(c, t)
		if !ok || !t.Register.Enabled {
			continue
		}
		out.Trunks = append(out.Trunks, trunk(t, client))
		out.Lines = append(out.Lines, line)
	}
	return out, nil
}

func trunk(t configs.Trunk, client *tls.Config) sipua.Trunk {
	uri := func(u configs.URI) sipua.URI {
		return sipua.URI{Scheme: u.Scheme, User: u.User, Host: u.Host, Port: u.Port, Transport: u.Transport}
	}
	return sipua.Trunk{
		Name: t.Name, Server: uri(t.Server), Proxy: uri(t.Proxy), Peers: t.Peers, Domain: t.Domain, Realm: t.Realm, Expires: t.Register.Expires,
		TLS: client,
	}
}

func firstLine(c *configs.Config, t configs.Trunk) (sipua.Line, bool) {
	for _, a := range c.Agents {
		if a.Line.Trunk == t.Name {
			return sipua.Line{
				Trunk: t.Name, User: a.Line.User, AuthUser: a.Line.AuthUser,
				Password: digest.NewSecret(a.Line.Password.Reveal()), Register: true,
			}, true
		}
	}
	return sipua.Line{}, false
}

func (v *visit) tls() (server, client *tls.Config, err error) {
	files := v.cfg.SIP.TLS
	if files.Cert != "" {
		pair, err := tls.LoadX509KeyPair(string(files.Cert), string(files.Key))
		if err != nil {
			return nil, nil, fmt.Errorf("sip.tls: %w", err)
		}
		server = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	}
	if files.CA != "" {
		pem, err := os.ReadFile(string(files.CA))
		if err != nil {
			return nil, nil, fmt.Errorf("sip.tls.ca: %w", err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return nil, nil, fmt.Errorf("sip.tls.ca: %s holds no certificate", files.CA)
		}
		client = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	return server, client, nil
}
