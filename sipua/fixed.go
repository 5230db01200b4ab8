package sipua

import (
	"net/netip"

	"github.com/emiago/sipgo/sip"
)

// fixedPhone is a phone at a fixed contact given by IP address.
type fixedPhone struct {
	phone  string // its Phone.User
	user   string // of its contact
	port   uint16
	noAuth bool
}

// fixedPhones are those of each address.
type fixedPhones map[netip.Addr][]fixedPhone

func newFixedPhones(phones []Phone) fixedPhones {
	f := fixedPhones{}
	for _, p := range phones {
		if at, ok := p.FixedContact.Addr(); ok {
			f[at.Addr()] = append(f[at.Addr()], fixedPhone{p.User, p.FixedContact.User, at.Port(), p.NoAuth})
		}
	}
	return f
}

// of gives the phones that may have sent a request: one where it can be told. An address may have many, as behind a gateway
// or another PBX: there the user of From tells them apart, else the port.
func (f fixedPhones) of(at netip.AddrPort, from string) []fixedPhone {
	all := f[at.Addr()]
	if len(all) < 2 {
		return all
	}
	var named, there []fixedPhone
	for _, p := range all {
		if p.user != "" && p.user == from {
			named = append(named, p)
		}
		if p.port == at.Port() {
			there = append(there, p)
		}
	}
	switch {
	case len(named) == 1:
		return named
	case len(there) > 0:
		return there
	}
	return all
}

// classifyPhone says which phone calls: the one that registered from there or has a password by digest, others by where they
// are.
func (s *Stack) classifyPhone(in *Incoming, req *sip.Request, src source) (*Incoming, *trunk, *account, *sip.Response) {
	from, _ := unescapeUser(req.From().Address.User)
	var there []fixedPhone
	if _, registered := s.registrar.UserOf(s.flow(src)); !registered {
		there = s.fixed.Load().of(src.addr, from)
	}
	byAddress := len(there) > 0
	for _, p := range there {
		byAddress = byAddress && p.noAuth
	}
	switch {
	case byAddress && len(there) > 1: // whose call it is decides what it may do
		s.log.Info("phones at one address not told apart", "remote", src.addr, "from", clip(from))
		return nil, nil, nil, s.reply(req, 403, "")
	case byAddress:
		in.Phone = there[0].phone
	default:
		user, res, ok := s.registrar.Authenticate(req, s.flow(src))
		if !ok {
			return nil, nil, nil, res
		}
		in.Phone = user
	}
	in.identities(req)
	return in, nil, nil, nil
}
