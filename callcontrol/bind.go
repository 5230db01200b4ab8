package callcontrol

import (
	"errors"
	"slices"
)

// MaxCandidates bounds the records that a call may be about.
const MaxCandidates = 16

func (c Contact) check() error {
	return errors.Join(CheckText(c.ID), CheckText(c.Name), CheckText(c.Kind))
}

// Same reports whether two contacts are the same record; those without an id are when all of them is equal.
func (c Contact) Same(o Contact) bool {
	if c.ID == "" {
		return c == o
	}
	return c.ID == o.ID && c.Kind == o.Kind
}

func candidatesOK(cs []Contact) bool {
	return len(cs) <= MaxCandidates && !slices.ContainsFunc(cs, func(c Contact) bool {
		return c == Contact{} || c.check() != nil
	})
}

// cmdBind links CRM records to the call; variables of the same name are replaced. What an agent bound is
// never displaced by candidates, which may come late.
func (s *step) cmdBind(c *call, cmd *Command) {
	if cmd.Contact != (Contact{}) || len(cmd.Candidates) == 0 && len(cmd.Variables) == 0 {
		c.contact = cmd.Contact
	}
	c.candidates = withCandidates(c.candidates, cmd.Candidates)
	if c.contact == (Contact{}) && len(cmd.Candidates) > 0 && len(c.candidates) == 1 {
		c.contact = c.candidates[0]
	}
	c.variables = withVariables(c.variables, cmd.Variables)
}

// settleName tells the agent's phone the name of the record that the talk is about, once; and once it has told one, also the
// party of a talk that is about none, in its place.
func (s *step) settleName() {
	f := s.d.focus()
	if f == nil || f.phase != PhaseTalking || !s.d.deviceUp() || f.contact.Name == "" && !s.d.device.named {
		return
	}
	s.d.device.named = true
	if id := f.shown(); id != s.d.device.shows {
		s.identify(id)
	}
}

// shown is how the other party is named to the agent's phone: by the record that the call is about, where
// that has a name.
func (c *call) shown() Identity {
	id := c.remote
	if c.contact.Name != "" {
		id.Display = c.contact.Name
	}
	return id
}

// withCandidates adds those that are not there, in a new list: views keep the old one.
func withCandidates(have, more []Contact) []Contact {
	out := slices.Clone(have)
	for _, c := range more {
		if len(out) < MaxCandidates && !slices.ContainsFunc(out, c.Same) {
			out = append(out, c)
		}
	}
	return out
}

func withVariables(have, more []Variable) []Variable {
	out := slices.Clone(have)
	for _, v := range more {
		i := slices.IndexFunc(out, func(o Variable) bool { return o.Name == v.Name })
		switch {
		case i >= 0:
			out[i] = v
		case len(out) < maxVariables:
			out = append(out, v)
		}
	}
	return out
}
