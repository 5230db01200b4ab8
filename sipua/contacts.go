package sipua

import (
	"slices"

	"cordboard/sipua/registrar"
)

// maxContacts bounds the places at which a phone is called at one time.
const maxContacts = 4

// Contact is one place where a phone can be called.
type Contact struct{ binding registrar.Binding }

// ID tells the contacts of a phone apart. It stays when the phone registers anew, as far as the phone names itself (RFC 5626
// §4.1) or keeps its address.
func (c Contact) ID() string {
	if c.binding.Instance != "" {
		return c.binding.Instance
	}
	return c.binding.Contact + " " + c.binding.Flow.Remote.String()
}

// Contacts are where a phone can be called now, at most four: by q, the newest of equals first, a fixed contact last.
func (s *Stack) Contacts(phone string) []Contact { return contactsOf(s.registrar.Lookup(phone)) }

func contactsOf(bindings []registrar.Binding) []Contact {
	var list []Contact
	for _, b := range bindings {
		if len(list) < maxContacts && !(b.Fixed && registeredFrom(bindings, b.Contact)) {
			list = append(list, Contact{b})
		}
	}
	return list
}

// registeredFrom reports whether a phone has registered from the address of a fixed contact: it would be called twice.
func registeredFrom(bindings []registrar.Binding, fixed string) bool {
	u, err := ParseURI(fixed)
	if err != nil {
		return false
	}
	addr, ok := u.Addr()
	return ok && slices.ContainsFunc(bindings, func(b registrar.Binding) bool { return b.Flow.Remote == addr })
}

// contactOf is where an INVITE to a phone goes.
func (s *Stack) contactOf(p InviteParams) (registrar.Binding, error) {
	if p.Contact != nil {
		return p.Contact.binding, nil
	}
	bindings := s.registrar.Lookup(p.Phone)
	if len(bindings) == 0 {
		return registrar.Binding{}, ErrNoPhone
	}
	return bindings[0], nil
}
