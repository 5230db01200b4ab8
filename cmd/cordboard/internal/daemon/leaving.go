package daemon

import (
	"context"
	"crypto/tls"
	"slices"

	"cordboard/callcontrol"
	"cordboard/cmd/cordboard/internal/mapping"
	"cordboard/configs"
	"cordboard/sipua"
)

// withLeaving adds the lines, phones and trunks of calls that go on as they began: of agents who are gone but for them, and of
// those whose line or phone is another one from the end of them on.
func (d *Daemon) withLeaving(c sipua.Config) sipua.Config {
	type line struct{ trunk, user string }
	trusts := map[string]*tls.Config{}
	for _, t := range d.trunks {
		trusts[t.Name] = t.TLS
	}
	c.Trunks = slices.Clip(c.Trunks)
	trunks, lines, phones := map[string]bool{}, map[line]bool{}, map[string]bool{}
	for _, t := range c.Trunks {
		trunks[t.Name] = true
	}
	for _, l := range c.Lines {
		lines[line{l.Trunk, l.User}] = true
	}
	for _, p := range c.Phones {
		phones[p.User] = true
	}
	p := d.now()
	for agent, desk := range p.desks {
		set, waits := desk.waits()
		if p.wants[agent] != nil && !waits {
			continue
		}
		old := mapping.Accounts(&configs.Config{Trunks: []configs.Trunk{*set.trunk}, Agents: []configs.Agent{*set.config}})
		if t := old.Trunks[0]; !trunks[t.Name] {
			trunks[t.Name] = true
			t.TLS = trusts[t.Name]
			c.Trunks = append(c.Trunks, t)
		}
		if l := old.Lines[0]; !lines[line{l.Trunk, l.User}] {
			lines[line{l.Trunk, l.User}] = true
			c.Lines = append(c.Lines, l)
		}
		if f := old.Phones[0]; !phones[f.User] {
			phones[f.User] = true
			c.Phones = append(c.Phones, f)
		}
	}
	return c
}

// applySIP lets the stack take a configuration, with what leaves.
func (d *Daemon) applySIP(c sipua.Config) error {
	c = d.withLeaving(c)
	if err := d.stack.Apply(c); err != nil {
		return err
	}
	d.trunks = c.Trunks
	return nil
}

// sweepSoon lets sweep look.
func (d *Daemon) sweepSoon() {
	select {
	case d.sweeps <- struct{}{}:
	default:
	}
}

// sweep takes away what waited for the end of a call, until ctx ends.
func (d *Daemon) sweep(ctx context.Context) error {
	for {
		select {
		case <-d.sweeps:
		case <-d.board.Retired():
		case <-ctx.Done():
			return nil
		}
		d.sweepOnce(ctx)
	}
}

func (d *Daemon) sweepOnce(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, reloadLimit)
	defer cancel()
	d.changing.Lock()
	defer d.changing.Unlock()
	if d.over { // the stop does it
		return
	}
	gone, err := d.board.Remove(ctx)
	if err != nil {
		return
	}
	if len(gone) > 0 {
		d.plant.Store(d.now().without(gone))
		d.log.Info("agents removed", "agents", gone)
	}
	if err := d.applySIP(d.sip); err != nil {
		d.log.Warn("lines of ended calls are kept", "err", err)
	}
	for _, desk := range d.now().desks {
		for _, l := range desk.moved() { // the desk lets it go when it has no call
			l.signal(callcontrol.Signal{Kind: callcontrol.SignalMoved})
		}
	}
}

// holdCertificate lets the listeners serve with the certificate that is newest when a peer connects.
func (d *Daemon) holdCertificate(c *sipua.Config) {
	d.cert.Store(certificateOf(*c))
	for i := range c.Listen {
		if c.Listen[i].TLS == nil {
			continue
		}
		held := c.Listen[i].TLS.Clone()
		held.Certificates = nil
		held.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return d.cert.Load(), nil }
		c.Listen[i].TLS = held
	}
}

// certificateOf is what tls:// listeners serve with; nil for none.
func certificateOf(c sipua.Config) *tls.Certificate {
	for _, l := range c.Listen {
		if l.TLS != nil && len(l.TLS.Certificates) > 0 {
			return &l.TLS.Certificates[0]
		}
	}
	return nil
}
