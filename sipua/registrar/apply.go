package registrar

import (
	"slices"
	"strings"
	"time"
)

// registration is what one REGISTER asks for.
type registration struct {
	user      string
	callID    string
	cseq      uint32
	star      bool          // Contact: *
	expires   time.Duration // Expires header, -1 when absent
	contacts  []contact     // none: a query
	flow      Flow
	path      []string
	userAgent string
}

type contact struct {
	uri      string
	key      string        // equal for equal URIs (RFC 3261 §19.1.4)
	expires  time.Duration // parameter, -1 when absent
	q        int
	instance string
}

// limits is the part of the settings that apply needs.
type limits struct {
	min, max, standard time.Duration
	contacts           int
}

// apply is RFC 3261 §10.3 steps 6 to 8: the contacts after a registration, or
// those before it and the status that refuses it. It is atomic and pure;
// bindings are newest first.
func apply(old []Binding, r registration, lim limits, now time.Time) (bindings []Binding, status int) {
	if r.star {
		if r.expires != 0 || len(r.contacts) != 0 {
			return old, 400
		}
		for _, b := range old {
			if outOfOrder(b, r) {
				return old, 500
			}
		}
		return nil, 200
	}
	lives := make([]time.Duration, len(r.contacts))
	for i, c := range r.contacts {
		life := lim.standard
		switch {
		case c.expires >= 0:
			life = c.expires
		case r.expires >= 0:
			life = r.expires
		}
		if life > 0 && life < lim.min {
			return old, 423
		}
		lives[i] = min(life, lim.max)
	}
	bindings = slices.Clone(old)
	for i, c := range r.contacts {
		var ok bool
		if bindings, ok = bind(bindings, r, c, lives[i], now); !ok {
			return old, 500
		}
	}
	return bindings[:min(len(bindings), lim.contacts)], 200
}

// bind sets or removes one contact; false when the request is out of order.
func bind(list []Binding, r registration, c contact, life time.Duration, now time.Time) ([]Binding, bool) {
	since := now
	kept := list[:0:0]
	for _, b := range list {
		switch {
		case same(b, c):
			if outOfOrder(b, r) {
				return nil, false
			}
			since = b.Since
		case life > 0 && b.Flow.key() == r.flow.key() && !(b.CallID == r.callID && b.CSeq == r.cseq):
			// The same socket of the same phone with another contact than
			// before: it restarted, the old contact is no more.
		default:
			kept = append(kept, b)
		}
	}
	if life <= 0 {
		return kept, true
	}
	b := Binding{
		User: r.user, Contact: c.uri, key: c.key, Flow: r.flow, Path: r.path, Q: c.q,
		Expires: now.Add(life), Since: since, CallID: r.callID, CSeq: r.cseq,
		UserAgent: r.userAgent, Instance: c.instance,
	}
	return slices.Insert(kept, 0, b), true
}

// same reports whether a contact replaces a binding: the same device by its
// instance (RFC 5626 §4.1), else the same URI.
func same(b Binding, c contact) bool {
	if b.Instance != "" && c.instance != "" {
		return b.Instance == c.instance
	}
	return b.key == c.key
}

// outOfOrder is RFC 3261 §10.3 step 7: within one Call-ID the CSeq must rise.
// The same CSeq is seen again when one request has equal contacts.
func outOfOrder(b Binding, r registration) bool { return b.CallID == r.callID && r.cseq <= b.CSeq }

// lapse removes what has run out.
func lapse(list []Binding, now time.Time) []Binding {
	return slices.DeleteFunc(slices.Clone(list), func(b Binding) bool { return !now.Before(b.Expires) })
}

// earliest is when the next binding runs out, zero for none.
func earliest(list []Binding) time.Time {
	var at time.Time
	for _, b := range list {
		if at.IsZero() || b.Expires.Before(at) {
			at = b.Expires
		}
	}
	return at
}

// ranked gives a user's contacts, best first: by q, the newest of equals, the
// fixed one last.
func ranked(u User, list []Binding) []Binding {
	out := slices.Clone(list)
	slices.SortStableFunc(out, func(a, b Binding) int { return b.Q - a.Q })
	if u.Fixed != "" {
		out = append(out, Binding{User: u.Name, Contact: u.Fixed, key: strings.ToLower(u.Fixed), Fixed: true})
	}
	return out
}
