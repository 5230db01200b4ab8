package line

import (
	"cmp"
	"slices"

	"cordboard/sipua/digest"
)

// ChangeKind is what another configuration means for a line.
type ChangeKind uint8

// The kinds of change.
const (
	Registers   ChangeKind = iota + 1 // new: it registers
	Unregisters                       // gone: it unregisters
	Again                             // its credentials changed: it registers at once
	Moves                             // its trunk is elsewhere now: it unregisters there and registers anew
)

// String gives the kind in the words of the command line.
func (k ChangeKind) String() string {
	switch k {
	case Registers:
		return "register"
	case Unregisters:
		return "unregister"
	case Again:
		return "register again"
	case Moves:
		return "move"
	}
	return "unknown"
}

// Change is what Update does to a line.
type Change struct {
	Trunk, User string
	Kind        ChangeKind
}

// Compare says which lines Update makes send a REGISTER when it takes after in place of before, by trunk and user. All others
// send none for it.
func Compare(before, after Config) []Change {
	type key struct{ trunk, user string }
	trunks := func(c Config) map[string]Trunk {
		m := make(map[string]Trunk, len(c.Trunks))
		for _, t := range c.Trunks {
			m[t.Name] = t.withDefaults()
		}
		return m
	}
	from, to := trunks(before), trunks(after)
	old := make(map[key]Line, len(before.Lines))
	for _, l := range before.Lines {
		old[key{l.Trunk, l.User}] = l
	}
	var out []Change
	for _, l := range after.Lines {
		k := key{l.Trunk, l.User}
		was, ok := old[k]
		delete(old, k)
		switch {
		case !ok:
			out = append(out, Change{l.Trunk, l.User, Registers})
		case from[l.Trunk].movesTo(to[l.Trunk]):
			out = append(out, Change{l.Trunk, l.User, Moves})
		case was.credentials(from[l.Trunk]) != l.credentials(to[l.Trunk]):
			out = append(out, Change{l.Trunk, l.User, Again})
		}
	}
	for k := range old {
		out = append(out, Change{k.trunk, k.user, Unregisters})
	}
	slices.SortFunc(out, func(a, b Change) int { return cmp.Or(cmp.Compare(a.Trunk, b.Trunk), cmp.Compare(a.User, b.User)) })
	return out
}

// movesTo reports whether the lines of a trunk are registered elsewhere with another configuration of it.
func (t Trunk) movesTo(next Trunk) bool { return t.Server != next.Server || t.Domain != next.Domain }

// credentials are what a line answers challenges of its trunk with.
func (l Line) credentials(t Trunk) digest.Credentials {
	return digest.Credentials{Peer: t.Name, Realm: t.Realm, Username: cmp.Or(l.AuthUser, l.User), Password: l.Password}
}
