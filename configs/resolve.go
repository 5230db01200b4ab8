package configs

import (
	"fmt"
	"net/netip"
	"slices"
)

// resolve fills in what a key left out takes from another key.
func (l *loader) resolve() {
	c := l.cfg
	if !l.given("rtp.bind") && len(c.SIP.Listen) > 0 && c.SIP.Listen[0].Addr.IsValid() {
		c.RTP.Bind = c.SIP.Listen[0].Addr.Addr()
	}
	if !c.RTP.Advertise.IsValid() {
		c.RTP.Advertise = c.SIP.Advertise
	}
	if !c.RTP.Advertise.IsValid() && c.RTP.Bind.IsValid() && !c.RTP.Bind.IsUnspecified() {
		c.RTP.Advertise = c.RTP.Bind
	}
	if !l.given("limits.max_legs") && l.sound("rtp.ports") {
		c.Limits.MaxLegs = min(c.Limits.MaxLegs, c.RTP.Ports.Pairs())
	}
	l.resolveJournal()
	for i := range c.Trunks {
		l.resolveTrunk(&c.Trunks[i], fmt.Sprintf("trunks[%d]", i))
	}
	for i := range c.Agents {
		path := fmt.Sprintf("agents[%d]", i)
		if !l.given(path + ".call_waiting") {
			c.Agents[i].CallWaiting = c.Calls.CallWaiting
		}
		if !l.given(path + ".wrap_up") {
			c.Agents[i].WrapUp = c.Calls.WrapUp
		}
	}
}

func (l *loader) resolveTrunk(t *Trunk, path string) {
	common := l.cfg.Limits.Dial
	if !l.given(path + ".dial.allow") {
		t.Dial.Allow = common.Allow
	}
	if !l.given(path + ".dial.deny") {
		t.Dial.Deny = common.Deny
	}
	if !l.given(path + ".dial.max_calls") {
		t.Dial.MaxCalls = common.MaxCalls
	}
	if !l.given(path + ".dial.per_second") {
		t.Dial.PerSecond = common.PerSecond
	}
	if t.Domain == "" {
		t.Domain = t.Server.Host
	}
	// The server itself always speaks for its trunk.
	for _, u := range []URI{t.Server, t.Proxy} {
		addr, ok := u.Addr()
		if !ok {
			continue
		}
		covers := func(p netip.Prefix) bool { return p.Contains(addr) }
		if !slices.ContainsFunc(t.Peers, covers) {
			t.Peers = append(slices.Clip(t.Peers), netip.PrefixFrom(addr, addr.BitLen()))
		}
	}
}
