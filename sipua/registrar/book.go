package registrar

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/emiago/sipgo/sip"
)

// register applies one registration to the book.
func (r *Registrar) register(reg registration) ([]Binding, int) {
	now := time.Now()
	lim := limits{min: r.cfg.MinExpires, max: r.cfg.MaxExpires, standard: r.cfg.DefaultExpires, contacts: r.cfg.MaxContacts}
	r.mu.Lock()
	defer r.mu.Unlock()
	a := r.users[reg.user]
	if a == nil { // removed since it was authenticated
		return nil, 500
	}
	old := lapse(a.bindings, now)
	list, status := apply(old, reg, lim, now)
	if status != 200 {
		return nil, status
	}
	if len(reg.contacts) > 0 || reg.star {
		r.storeLocked(a, list, reasonOf(old, list))
	}
	return list, 200
}

func reasonOf(old, list []Binding) string {
	switch {
	case len(list) < len(old):
		return "unregistered"
	case len(list) > len(old), len(list) == 0 || len(old) == 0 || list[0].Since != old[0].Since:
		return "registered"
	}
	return "refreshed"
}

// storeLocked replaces the contacts of an account, r.mu held.
func (r *Registrar) storeLocked(a *account, list []Binding, reason string) {
	for _, b := range a.bindings {
		if r.flows[b.Flow.key()] == a {
			delete(r.flows, b.Flow.key())
		}
	}
	for _, b := range list {
		r.flows[b.Flow.key()] = a
	}
	a.bindings = list
	r.alarms.Set(&a.expiry, earliest(list))
	r.eventLocked(a, reason)
}

func (r *Registrar) eventLocked(a *account, reason string) {
	r.events = append(r.events, a.state(reason))
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

func (a *account) state(reason string) State {
	list := ranked(a.user, a.bindings)
	return State{User: a.user.Name, Reachable: len(list) > 0, Bindings: list, Reason: reason}
}

// Lookup gives the contacts of a user, best first: by q, the newest of equals,
// the fixed one last. Empty when he is not reachable or not known.
func (r *Registrar) Lookup(user string) []Binding {
	r.mu.RLock()
	defer r.mu.RUnlock()
	a, ok := r.users[user]
	if !ok {
		return nil
	}
	return ranked(a.user, lapse(a.bindings, time.Now()))
}

// UserOf gives the user whose phone registered from a flow; Local is not compared.
func (r *Registrar) UserOf(f Flow) (string, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	a, ok := r.flows[f.key()]
	if !ok {
		return "", false
	}
	return a.user.Name, true
}

// Snapshot gives all users, sorted by name.
func (r *Registrar) Snapshot() []State {
	now := time.Now()
	r.mu.RLock()
	out := make([]State, 0, len(r.users))
	for _, a := range r.users {
		list := ranked(a.user, lapse(a.bindings, now))
		out = append(out, State{User: a.user.Name, Reachable: len(list) > 0, Bindings: list})
	}
	r.mu.RUnlock()
	slices.SortFunc(out, func(a, b State) int { return cmp.Compare(a.User, b.User) })
	return out
}

// FlowClosed drops the contacts of a stream that ended: nothing can be sent to
// them (RFC 5626 §5.3). For UDP do not call it.
func (r *Registrar) FlowClosed(f Flow) {
	r.mu.Lock()
	defer r.mu.Unlock()
	a, ok := r.flows[f.key()]
	if !ok {
		return
	}
	list := slices.DeleteFunc(slices.Clone(a.bindings), func(b Binding) bool { return b.Flow.key() == f.key() })
	r.storeLocked(a, list, "flow closed")
}

// Update takes a new list of users, all or nothing. Users who stay keep their
// contacts; a changed password makes them authenticate with it next time.
func (r *Registrar) Update(users []User) error {
	if err := Validate(users); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	wanted := make(map[string]bool, len(users))
	for _, u := range users {
		wanted[u.Name] = true
		a := r.users[u.Name]
		if a == nil {
			a = &account{}
			a.expiry.Owner = a
			r.users[u.Name] = a
		}
		old := a.user
		if a.user = u; old.Fixed != u.Fixed {
			r.eventLocked(a, "configured")
		}
	}
	for name, a := range r.users {
		if wanted[name] {
			continue
		}
		a.user.Fixed = ""
		r.storeLocked(a, nil, "removed")
		delete(r.users, name)
	}
	return nil
}

// Validate gives every mistake in a list of users, joined; each wraps ErrConfig.
func Validate(users []User) error {
	var errs []error
	seen := make(map[string]bool, len(users))
	for _, u := range users {
		switch {
		case u.Name == "":
			errs = append(errs, fmt.Errorf("%w: phone without a user name", ErrConfig))
		case seen[u.Name]:
			errs = append(errs, fmt.Errorf("%w: phone user %s twice", ErrConfig, u.Name))
		}
		seen[u.Name] = true
		if u.Fixed == "" {
			continue
		}
		var uri sip.Uri
		if err := sip.ParseUri(u.Fixed, &uri); err != nil || uri.Host == "" || uri.Scheme != "sip" && uri.Scheme != "sips" {
			errs = append(errs, fmt.Errorf("%w: phone user %s: contact %q is not a sip uri", ErrConfig, u.Name, u.Fixed))
		}
	}
	return errors.Join(errs...)
}

// Run expires contacts and reports changes until ctx ends.
func (r *Registrar) Run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		timer.Reset(r.turn())
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		case <-r.wake:
		case <-r.asked:
		}
	}
}

// Check returns nil as soon as Run has come round, or ctx's error.
func (r *Registrar) Check(ctx context.Context) error {
	select {
	case r.asked <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// turn expires what has run out, reports, and gives the time to the next expiry.
func (r *Registrar) turn() time.Duration {
	r.mu.Lock()
	now := time.Now()
	for due := r.alarms.Due(now); due != nil; due = r.alarms.Due(now) {
		r.storeLocked(due.Owner, lapse(due.Owner.bindings, now), "expired")
	}
	events := r.events
	r.events = nil
	wait := r.alarms.Wait(time.Hour)
	r.mu.Unlock()
	for _, s := range events {
		r.report(s)
	}
	return wait
}
