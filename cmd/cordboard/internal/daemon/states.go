package daemon

import (
	"cordboard/callcontrol"
	"cordboard/cmd/cordboard/internal/mapping"
	"cordboard/configs"
	"cordboard/sipua"
)

func (d *Daemon) onLine(s sipua.LineState) {
	d.log.Debug("line", "trunk", s.Trunk, "line", s.User, "registered", s.Registered, "status", s.Status, "reason", s.Reason)
	d.states.Lock()
	defer d.states.Unlock()
	d.tellLineLocked(s)
}

// tellLineLocked tells a desk of its line. d.states keeps the order of what is heard and what is asked for.
func (d *Daemon) tellLineLocked(s sipua.LineState) {
	agent, ok := d.AgentOfLine(s.Trunk, s.User)
	if !ok {
		return
	}
	d.board.Signal(agent, callcontrol.Signal{Kind: callcontrol.SignalLine, Up: s.Registered, Reason: s.Reason, Status: s.Status})
}

func (d *Daemon) onPhone(s sipua.PhoneState) {
	if agent, ok := d.AgentOfPhone(s.User); ok {
		d.log.Info("device", "agent", agent, "registered", s.Registered, "remote", s.Source)
	}
	d.states.Lock()
	defer d.states.Unlock()
	d.tellPhoneLocked(s)
}

func (d *Daemon) tellPhoneLocked(s sipua.PhoneState) {
	agent, ok := d.AgentOfPhone(s.User)
	if !ok {
		return
	}
	reason := ""
	if !s.Registered {
		reason = "the phone is not registered at the daemon"
	}
	d.board.Signal(agent, callcontrol.Signal{Kind: callcontrol.SignalDevice, Up: s.Registered, Reason: reason})
}

// startDevices tells the desks of what needs no registration: phones at a fixed contact, lines of trunks that know us by
// address.
func (d *Daemon) startDevices() {
	cfg := d.now().cfg
	for i := range cfg.Agents {
		d.startDevice(cfg, &cfg.Agents[i])
	}
}

func (d *Daemon) startDevice(cfg *configs.Config, a *configs.Agent) {
	agent := callcontrol.AgentID(a.Name)
	if !a.Device.Contact.IsZero() {
		d.board.Signal(agent, callcontrol.Signal{Kind: callcontrol.SignalDevice, Up: true})
	}
	if t, _ := cfg.Trunk(a.Line.Trunk); !t.Register.Enabled {
		d.board.Signal(agent, callcontrol.Signal{Kind: callcontrol.SignalLine, Up: true})
	}
}

// tellStates tells desks how line and device are that they have from now on.
func (d *Daemon) tellStates(agents []callcontrol.AgentID) {
	if len(agents) == 0 {
		return
	}
	p := d.now()
	d.states.Lock()
	defer d.states.Unlock()
	lines := map[[2]string]sipua.LineState{}
	for _, s := range d.stack.Lines() {
		lines[[2]string{s.Trunk, s.User}] = s
	}
	phones := map[string]sipua.PhoneState{}
	for _, s := range d.stack.PhonesRegistered() {
		phones[s.User] = s
	}
	for _, agent := range agents {
		set := p.wants[agent]
		if set == nil {
			continue
		}
		line := [2]string{set.config.Line.Trunk, set.config.Line.User}
		if s, ok := lines[line]; ok {
			d.tellLineLocked(s)
		} else if set.trunk.Register.Enabled {
			d.tellLineLocked(sipua.LineState{Trunk: line[0], User: line[1]})
		}
		phone := phones[mapping.PhoneUser(*set.config)]
		phone.User = mapping.PhoneUser(*set.config)
		d.tellPhoneLocked(phone)
		d.startDevice(p.cfg, set.config)
	}
}
