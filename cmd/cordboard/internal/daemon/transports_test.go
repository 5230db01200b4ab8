package daemon

import (
	"crypto/tls"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"cordboard/callcontrol"
	"cordboard/sim"
	"cordboard/sipua"
	"cordboard/sipua/digest"
)

// fleet is one daemon with an agent at each of many PBXs.
type fleet struct {
	*world
	names []string // of the PBXs, and of the agents
	pbxs  []*sim.PBX
}

// newFleet starts a PBX for each transport and digest algorithm, and a daemon with a line at each.
func newFleet(t *testing.T) *fleet {
	t.Helper()
	ca := newAuthority(t)
	cert, key := ca.issue(t)
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	f := &fleet{}
	files := map[string]string{"cert.pem": string(cert), "key.pem": string(key), "ca.pem": string(ca.pem)}
	var trunks, agents strings.Builder
	for _, network := range []string{"udp", "tcp", "tls"} {
		for _, alg := range []digest.Algorithm{digest.MD5, digest.SHA256, digest.SHA512t256} {
			i := len(f.pbxs)
			name, u := fmt.Sprintf("%s-%s", network, alg), user(i)
			pbx, err := sim.NewPBX(sim.PBXConfig{
				Addr: netip.AddrPortFrom(loopback, 0), Network: network, TLS: &tls.Config{Certificates: []tls.Certificate{pair}},
				Digest: []digest.Algorithm{alg}, Accounts: []sim.Account{{User: u, Password: "line" + u}},
				Plan: map[string]sim.Behaviour{"2001": {Ring: 100 * time.Millisecond, Source: voice("target")}},
			})
			if err != nil {
				t.Fatal(err)
			}
			f.names, f.pbxs = append(f.names, name), append(f.pbxs, pbx)
			files["line"+u], files["phone"+u] = "line"+u, "phone"+u
			fmt.Fprintf(&trunks, "  - {name: %s, server: \"sip:%s;transport=%s\", realm: pbx.test}\n", name, pbx.Addr(), network)
			fmt.Fprintf(&agents, "  - {name: %[1]s, line: {trunk: %[1]s, user: \"%[2]s\", password: {file: line%[2]s}}, device: {user: phone%[2]s, password: {file: phone%[2]s}}}\n", name, u)
		}
	}
	config := fmt.Sprintf(`sip: {listen: ["udp://127.0.0.1:%[1]d", "tcp://127.0.0.1:%[1]d", "tls://127.0.0.1:%[2]d"], tls: {cert: cert.pem, key: key.pem, ca: ca.pem}}
rtp: {bind: 127.0.0.1, ports: 24000-24999, quarantine: 0s}
control: {socket: c.sock}
state_dir: state
journal: {memory: true}
limits: {dial: {allow: ["*"], per_second: 50, max_calls: 20}, edge: {per_source: 10000, total: 10000}}
trunks:
%[3]sagents:
%[4]s`, freePort(t), freePort(t), trunks.String(), agents.String())
	f.world = bare(t, config, files)
	for i, pbx := range f.pbxs {
		f.background(f.names[i], pbx.Run)
	}
	f.stopDaemonFirst()
	for i := range f.pbxs {
		f.addPhone(i, true)
	}
	f.until("every desk can work", func() bool {
		return !slices.ContainsFunc(f.snapshot().Agents, func(a callcontrol.AgentView) bool { return !a.Registered || !a.Device.Reachable })
	})
	return f
}

// stopDaemonFirst lets a bare world's daemon end while its PBXs still answer its last REGISTERs;
// phones that are added after it end before.
func (w *world) stopDaemonFirst() { w.stops = append(w.stops[1:], w.stops[0]) }

// in is the phase of agent i's newest call.
func (f *fleet) in(i int, p callcontrol.Phase) func() bool {
	return func() bool {
		c, ok := f.callOf(callcontrol.AgentID(f.names[i]))
		return ok && c.Phase == p
	}
}

// hear checks that each party hears one tone, all at the same time.
func (f *fleet) hear(parties []*sim.Party, want string) {
	f.t.Helper()
	heard := make([]string, len(parties))
	for end := time.Now().Add(10 * time.Second); ; {
		var g errgroup.Group
		for i, p := range parties {
			g.Go(func() error {
				got, err := p.Tones(f.ctx, 400*time.Millisecond, tones)
				heard[i] = strings.Join(got, "+")
				return err
			})
		}
		f.must(g.Wait())
		wrong := slices.IndexFunc(heard, func(h string) bool { return h != want })
		if wrong < 0 {
			return
		}
		if time.Now().After(end) {
			f.t.Fatalf("%s: heard %q, want %q\n%s", f.names[wrong], heard[wrong], want, f.describe())
		}
	}
}

// Lines register over each transport with each digest algorithm, and carry calls both ways: what the PBX asks for is all
// that it accepts.
func TestLineTransports(t *testing.T) {
	f := newFleet(t)
	n := len(f.pbxs)
	customers, devices, targets := make([]*sim.Party, n), make([]*sim.Party, n), make([]*sim.Party, n)
	for i, pbx := range f.pbxs {
		var err error
		customers[i], err = pbx.Call(sipua.Identity{Number: "380441234567"}, user(i), voice("customer")())
		f.must(err)
	}
	for i := range n {
		f.until(f.names[i]+": the call is offered", f.in(i, callcontrol.PhaseOffered))
		f.do(callcontrol.Command{Kind: callcontrol.KindAnswer, Agent: callcontrol.AgentID(f.names[i])})
	}
	for i := range n {
		f.must(customers[i].Wait(f.ctx, sim.StateTalking))
		devices[i] = f.deviceOf(i)
	}
	f.hear(customers, "agent")
	f.hear(devices, "customer")
	for _, c := range customers {
		c.Hangup()
	}
	f.ended(customers...)
	f.ended(devices...)
	f.whole(customers...)
	f.until("every agent is free", func() bool {
		return !slices.ContainsFunc(f.snapshot().Agents, func(a callcontrol.AgentView) bool { return a.Busy })
	})
	for i := range n {
		f.do(callcontrol.Command{Kind: callcontrol.KindDial, Agent: callcontrol.AgentID(f.names[i]), Number: "2001"})
	}
	for i, pbx := range f.pbxs {
		var err error
		targets[i], err = pbx.Called(f.ctx, "2001", 1)
		f.must(err)
		f.until(f.names[i]+" talks", f.in(i, callcontrol.PhaseTalking))
	}
	f.hear(targets, "agent")
	for _, p := range targets {
		p.Hangup()
	}
	f.ended(targets...)
}

// A registrar that is overloaded is asked again when it said, and one that wants longer registrations gets them.
func TestRegistrarRefuses(t *testing.T) {
	pbx, err := sim.NewPBX(sim.PBXConfig{
		Addr: netip.AddrPortFrom(loopback, 0), Accounts: []sim.Account{{User: user(0), Password: "line"}}, Expires: 20 * time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	relay, err := sim.NewRelay(netip.AddrPortFrom(loopback, 0), pbx.Addr(), sim.Faults{})
	if err != nil {
		t.Fatal(err)
	}
	relay.Refuse(1, "REGISTER", 503, sipua.Header{Name: "Retry-After", Value: "2"})
	w := bare(t, fmt.Sprintf(`sip: {listen: ["udp://127.0.0.1:%d"]}
rtp: {bind: 127.0.0.1, ports: 24000-24999, quarantine: 0s}
control: {socket: c.sock}
state_dir: state
journal: {memory: true}
limits: {dial: {allow: ["*"]}}
trunks: [{name: pbx, server: "sip:%s;transport=udp", realm: pbx.test, register: {expires: 10m, retry: 1s}}]
agents: [{name: anna, line: {trunk: pbx, user: "%s", password: {file: line}}, device: {user: phone, password: {file: phone}}}]
`, freePort(t), relay.Addr(), user(0)), map[string]string{"line": "line", "phone": "phone"})
	w.background("pbx", pbx.Run)
	w.background("relay", relay.Run)
	w.stopDaemonFirst()
	var refused time.Time
	w.until("the line says that the registrar is overloaded", func() bool {
		l := w.daemon.stack.Lines()[0]
		refused = time.Now()
		return !l.Registered && l.Status == 503
	})
	w.until("the line is registered", func() bool { return w.daemon.stack.Lines()[0].Registered && pbx.Registered() == 1 })
	if after := time.Since(refused); after < 1500*time.Millisecond {
		t.Errorf("asked again after %v, Retry-After was 2 s", after)
	}
	if next := time.Until(w.daemon.stack.Lines()[0].Next); next < 9*time.Minute {
		t.Errorf("the next REGISTER is in %v, the registrar wants at least 20 min", next)
	}
}
