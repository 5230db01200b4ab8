package daemon

import (
	"cordboard/callcontrol"
	"cordboard/cmd/cordboard/internal/mapping"
	"cordboard/configs"
)

// plant is what a configuration made. A reload replaces it whole; it is never changed.
type plant struct {
	cfg    *configs.Config
	sounds *sounds
	desks  map[callcontrol.AgentID]*desk     // also of agents who are gone but for their calls
	lines  map[[2]string]callcontrol.AgentID // trunk, user: who is called there now
	phones map[string]callcontrol.AgentID    // whose device
	wants  map[callcontrol.AgentID]*settings // of this configuration
}

// newPlant makes the plant of a configuration. Desks of the one before stay who they are.
func newPlant(cfg *configs.Config, s *sounds, before *plant) *plant {
	p := &plant{
		cfg: cfg, sounds: s, desks: map[callcontrol.AgentID]*desk{}, lines: map[[2]string]callcontrol.AgentID{},
		phones: map[string]callcontrol.AgentID{}, wants: map[callcontrol.AgentID]*settings{},
	}
	trunks := map[string]*configs.Trunk{}
	for i := range cfg.Trunks {
		trunks[cfg.Trunks[i].Name] = &cfg.Trunks[i]
	}
	for i := range cfg.Agents {
		a := &cfg.Agents[i]
		agent := callcontrol.AgentID(a.Name)
		set := &settings{config: a, trunk: trunks[a.Line.Trunk]}
		p.wants[agent] = set
		p.lines[[2]string{a.Line.Trunk, a.Line.User}] = agent
		p.phones[mapping.PhoneUser(*a)] = agent
		if before != nil && before.desks[agent] != nil {
			p.desks[agent] = before.desks[agent]
		} else {
			p.desks[agent] = newDesk(set)
		}
	}
	if before != nil {
		p.keep(before)
	}
	return p
}

// keep takes over who is gone but for running calls, with the phone: it may have to be called back.
func (p *plant) keep(before *plant) {
	for agent, desk := range before.desks {
		if p.desks[agent] != nil {
			continue
		}
		p.desks[agent] = desk
		phone := mapping.PhoneUser(*desk.settings().config)
		if _, taken := p.phones[phone]; !taken {
			p.phones[phone] = agent
		}
	}
}

// without is the plant without agents whose last call has ended.
func (p *plant) without(gone []callcontrol.AgentID) *plant {
	before := *p
	before.desks = map[callcontrol.AgentID]*desk{}
	for agent, desk := range p.desks {
		before.desks[agent] = desk
	}
	for _, agent := range gone {
		delete(before.desks, agent)
	}
	return newPlant(p.cfg, p.sounds, &before)
}

// now is the plant of the configuration in force.
func (d *Daemon) now() *plant { return d.plant.Load() }
