package registrar

import (
	"errors"
	"net/netip"
	"slices"
	"time"

	"github.com/emiago/sipgo/sip"
)

// Kept is a contact as the next run of the daemon gets it.
type Kept struct {
	Contact   string         `json:"contact"`
	Remote    netip.AddrPort `json:"remote"`
	Local     netip.AddrPort `json:"local,omitzero"`
	Path      []string       `json:"path,omitempty"`
	Q         int            `json:"q"`
	Expires   time.Time      `json:"expires"`
	Since     time.Time      `json:"since"`
	CallID    string         `json:"call_id"`
	CSeq      uint32         `json:"cseq"`
	UserAgent string         `json:"user_agent,omitempty"`
	Instance  string         `json:"instance,omitempty"`
}

// Keep is what of a user's contacts outlives the process: those over UDP. A stream ends with it, and the phone registers by a new
// one.
func Keep(list []Binding) []Kept {
	var out []Kept
	for _, b := range list {
		if b.Fixed || b.Flow.Network != "udp" {
			continue
		}
		out = append(out, Kept{
			Contact: b.Contact, Remote: b.Flow.Remote, Local: b.Flow.Local, Path: b.Path, Q: b.Q, Expires: b.Expires, Since: b.Since,
			CallID: b.CallID, CSeq: b.CSeq, UserAgent: b.UserAgent, Instance: b.Instance,
		})
	}
	return out
}

// Restore gives a user the contacts of an earlier run, as far as they have not run out; none lives longer than one that
// registers now, and what a REGISTER could not say is left out. A user who cannot register, or has a contact already, gets
// none. It returns how many there are.
func (r *Registrar) Restore(user string, kept []Kept) int {
	now := time.Now()
	var list []Binding
	for _, k := range kept {
		if b, err := k.binding(user, now.Add(r.cfg.MaxExpires)); err == nil && now.Before(b.Expires) && len(list) < r.cfg.MaxContacts {
			list = append(list, b)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	a := r.users[user]
	if a == nil || a.user.Password.Empty() || len(a.bindings) > 0 || len(list) == 0 {
		return 0
	}
	r.storeLocked(a, list, "restored")
	return len(list)
}

// binding reads a contact as one in a REGISTER is read.
func (k Kept) binding(user string, latest time.Time) (Binding, error) {
	var u sip.Uri
	if err := sip.ParseUri(k.Contact, &u); err != nil {
		return Binding{}, err
	}
	c, err := readContact(&sip.ContactHeader{Address: u})
	if err != nil {
		return Binding{}, err
	}
	if c.uri != k.Contact || !k.Remote.IsValid() || k.Q < 0 || k.Q > fullQ || len(k.Path) > maxListed {
		return Binding{}, errContact
	}
	for _, p := range k.Path {
		if hops, err := readPath(p); err != nil || !slices.Equal(hops, []string{p}) {
			return Binding{}, errors.Join(errContact, err)
		}
	}
	expires := k.Expires
	if expires.After(latest) {
		expires = latest
	}
	return Binding{
		User: user, Contact: c.uri, key: c.key, Flow: Flow{Network: "udp", Remote: k.Remote, Local: k.Local}, Path: k.Path, Q: k.Q,
		Expires: expires, Since: k.Since, CallID: k.CallID, CSeq: k.CSeq, UserAgent: clean(k.UserAgent), Instance: clean(k.Instance),
	}, nil
}
