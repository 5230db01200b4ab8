// Package reloadplan says what another configuration means for a running daemon: what a reload does, and what needs a restart. The
// daemon reloads by it, and the command line shows it.
package reloadplan

import (
	"fmt"
	"slices"
	"strings"

	"cordboard/callcontrol"
	"cordboard/cmd/cordboard/internal/mapping"
	"cordboard/configs"
	"cordboard/sipua"
)

// Plan is what changes from one configuration to another.
type Plan struct {
	Changes  []configs.Change `json:"changes"`  // every key
	Restart  []string         `json:"restart"`  // keys that need a restart: with any of them a reload is refused
	Lines    []Line           `json:"lines"`    // that send a REGISTER; all others send none
	Agents   []Step           `json:"agents"`   // added, removed, changed
	Trunks   []Step           `json:"trunks"`   // added, removed, changed
	Adapters []Step           `json:"adapters"` // start, stop, restart
	Settings []string         `json:"settings"` // other keys, which come into force
	Calls    []Call           `json:"calls"`    // live ones of agents and trunks in the plan; absent: no daemon was asked
}

// Line is a line that sends a REGISTER.
type Line struct {
	Trunk string `json:"trunk"`
	User  string `json:"user"`
	Agent string `json:"agent"`
	Does  string `json:"does"` // register, unregister, register again, move
}

// Step is what happens to one agent, trunk or adapter.
type Step struct {
	Name string   `json:"name"`
	Does string   `json:"does"`
	Keys []string `json:"keys,omitempty"` // that changed, without the name
}

// Call is a live call that the plan is about, and how. None is ended or interrupted.
type Call struct {
	Call  callcontrol.CallID  `json:"call"`
	Agent callcontrol.AgentID `json:"agent"`
	Phase callcontrol.Phase   `json:"phase"`
	Means string              `json:"means"`
}

// Make compares two checked configurations. It errs when the SIP side would not take one of them.
func Make(before, after *configs.Config) (*Plan, error) {
	p := &Plan{
		Changes: configs.Diff(before, after), Restart: []string{}, Lines: []Line{}, Agents: []Step{}, Trunks: []Step{},
		Adapters: []Step{}, Settings: []string{},
	}
	if p.Changes == nil {
		p.Changes = []configs.Change{}
	}
	lists := map[string]*[]Step{"agents": &p.Agents, "trunks": &p.Trunks, "adapters": &p.Adapters}
	for _, c := range p.Changes {
		if c.Effect == configs.EffectRestart {
			p.Restart = append(p.Restart, c.Path)
			continue
		}
		block, name, key, ok := named(c.Path)
		if !ok {
			p.Settings = append(p.Settings, c.Path)
			continue
		}
		add(lists[block], name, key, c.Kind)
	}
	for i := range p.Adapters {
		p.Adapters[i].Does = map[string]string{"added": "start", "removed": "stop", "changed": "restart"}[p.Adapters[i].Does]
	}
	return p, p.lines(before, after)
}

// named takes apart a path as agents[anna].line.user.
func named(path string) (block, name, key string, ok bool) {
	block, rest, ok := strings.Cut(path, "[")
	if !ok || block != "agents" && block != "trunks" && block != "adapters" {
		return "", "", "", false
	}
	name, key, ok = strings.Cut(rest, "]")
	return block, name, strings.TrimPrefix(key, "."), ok
}

func add(list *[]Step, name, key string, kind configs.ChangeKind) {
	if key == "" {
		*list = append(*list, Step{Name: name, Does: string(kind)})
		return
	}
	if n := len(*list); n > 0 && (*list)[n-1].Name == name {
		(*list)[n-1].Keys = append((*list)[n-1].Keys, key)
		return
	}
	*list = append(*list, Step{Name: name, Does: string(configs.Changed), Keys: []string{key}})
}

func (p *Plan) lines(before, after *configs.Config) error {
	changes, err := sipua.LineChanges(mapping.Accounts(before), mapping.Accounts(after))
	if err != nil {
		return err
	}
	owner := map[[2]string]string{}
	for _, c := range []*configs.Config{before, after} { // whose it is now counts
		for _, a := range c.Agents {
			owner[[2]string{a.Line.Trunk, a.Line.User}] = a.Name
		}
	}
	for _, c := range changes {
		p.Lines = append(p.Lines, Line{Trunk: c.Trunk, User: c.User, Agent: owner[[2]string{c.Trunk, c.User}], Does: c.Does})
	}
	return nil
}

// Empty reports whether nothing changes. What the files named in it hold may have changed all the same.
func (p *Plan) Empty() bool { return len(p.Changes) == 0 }

// Touch adds the live calls that the plan is about.
func (p *Plan) Touch(s callcontrol.Snapshot) {
	p.Calls = []Call{}
	trunkOf := map[callcontrol.AgentID]string{}
	for _, a := range s.Agents {
		trunkOf[a.ID] = a.Trunk
	}
	for _, c := range s.Calls {
		if means := p.means(string(c.Agent), trunkOf[c.Agent]); means != "" {
			p.Calls = append(p.Calls, Call{Call: c.ID, Agent: c.Agent, Phase: c.Phase, Means: means})
		}
	}
}

// means is what a call of an agent at a trunk learns of the plan; empty for nothing.
func (p *Plan) means(agent, trunk string) string {
	does := func(list []Step, name string) string {
		if i := slices.IndexFunc(list, func(s Step) bool { return s.Name == name }); i >= 0 {
			return list[i].Does
		}
		return ""
	}
	switch {
	case len(p.Restart) > 0:
		return "drained by the restart: it may end by itself within calls.drain"
	case does(p.Agents, agent) == string(configs.Removed):
		return "goes on; agent, line and device leave with its end"
	case does(p.Agents, agent) != "":
		return "goes on; the agent's settings change with its end, what may be dialled at once"
	case does(p.Trunks, trunk) != "":
		return "goes on; the trunk's settings change with its end, what may be dialled at once"
	}
	return ""
}

// Summary is the plan in one line.
func (p *Plan) Summary() string {
	if p.Empty() {
		return "nothing changed"
	}
	var parts []string
	for _, c := range []struct {
		n         int
		one, many string
	}{
		{len(p.Agents), "agent", "agents"}, {len(p.Trunks), "trunk", "trunks"}, {len(p.Adapters), "adapter", "adapters"},
		{len(p.Settings), "other key", "other keys"}, {len(p.Lines), "line registers or unregisters", "lines register or unregister"},
	} {
		switch {
		case c.n == 1:
			parts = append(parts, "1 "+c.one)
		case c.n > 1:
			parts = append(parts, fmt.Sprintf("%d %s", c.n, c.many))
		}
	}
	if len(p.Restart) > 0 {
		parts = append(parts, fmt.Sprintf("needs a restart: %s", strings.Join(p.Restart, ", ")))
	}
	return strings.Join(parts, ", ")
}
