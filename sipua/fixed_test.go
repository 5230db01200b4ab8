package sipua

import (
	"testing"

	"cordboard/sipua/digest"
)

// fixed is a phone at a fixed contact.
func fixed(user, contactUser string, at *rawPeer, password string) Phone {
	return Phone{
		User: user, FixedContact: URI{User: contactUser, Host: at.addr().Addr().String(), Port: at.addr().Port()},
		Password: digest.NewSecret(password), NoAuth: password == "",
	}
}

// Phones without password that share an address are told apart by the user part of From, or by the port: never is the call
// of one taken for another's. A phone with a password is asked for it there too.
func TestFixedPhonesOfOneAddress(t *testing.T) {
	gateway, third, fourth, registered := newRawPeer(t), newRawPeer(t), newRawPeer(t), newRawPeer(t)
	r := newRig(t, func(c *Config) {
		c.Trunks[0].Server = URI{Host: "192.0.2.1"}
		c.Phones = []Phone{
			fixed("desk1", "anna", gateway, ""), fixed("desk2", "bert", gateway, ""),
			fixed("desk3", "", third, ""), fixed("desk4", "dora", fourth, "pw"),
			{User: "eva", Password: digest.NewSecret("pw")},
		}
	})
	for _, p := range []*rawPeer{gateway, third, fourth, registered} {
		p.to = r.s.Addr("udp")
	}
	register(t, r.s, registered, "eva")
	for _, c := range []struct {
		from   string
		at     *rawPeer
		phone  string // "": refused
		status int
	}{
		{"anna", gateway, "desk1", 0},
		{"bert", gateway, "desk2", 0},
		{"carl", gateway, "", 403},
		{"desk1", gateway, "", 403}, // our own name for it is not what the phone calls itself
		{"anna", third, "desk1", 0}, // the port a phone sends from need not be its contact's
		{"carl", third, "desk3", 0},
		{"dora", fourth, "", 401},
		{"carl", fourth, "", 401},
		{"eva", registered, "", 401}, // known by its registration, and asked for its password
		{"anna", registered, "", 401},
	} {
		l := c.at.leg("2000")
		l.from = "<sip:" + c.from + "@127.0.0.1>"
		l.send("INVITE", "", sdp(40000, "sendrecv"))
		if c.phone == "" {
			l.ack(l.response(c.status, "INVITE"), "")
			continue
		}
		in := r.incoming()
		if in.in.Phone != c.phone {
			t.Errorf("%s at %v is taken for %q, want %q", c.from, c.at.addr(), in.in.Phone, c.phone)
		}
		in.d.Reject(486, "")
		l.ack(l.response(486, "INVITE"), "")
	}
	select {
	case in := <-r.calls:
		t.Errorf("a call of %q", in.in.Phone)
	default:
	}
}

// The only phone of an address may call itself what it likes.
func TestFixedPhoneAlone(t *testing.T) {
	phone := newRawPeer(t)
	r := newRig(t, func(c *Config) {
		c.Trunks[0].Server = URI{Host: "192.0.2.1"}
		c.Phones = []Phone{fixed("desk1", "anna", phone, "")}
	})
	phone.to = r.s.Addr("udp")
	l := phone.leg("2000")
	l.send("INVITE", "", sdp(40000, "sendrecv"))
	if in := r.incoming(); in.in.Phone != "desk1" {
		t.Errorf("taken for %q", in.in.Phone)
	}
}

// register makes a phone known by digest.
func register(t *testing.T, s *Stack, p *rawPeer, user string) {
	t.Helper()
	c := digest.NewClient(digest.Credentials{Peer: "me", Username: user, Password: digest.NewSecret("pw")})
	l := p.leg(user)
	l.from, l.to = "<sip:"+user+"@127.0.0.1>", "<sip:"+user+"@127.0.0.1>"
	x := c.Begin("REGISTER", l.uri)
	l.send("REGISTER", "", "")
	headers, err := x.Challenge("me", 401, l.response(401, "REGISTER").headers("WWW-Authenticate"), nil)
	if err != nil {
		t.Fatal(err)
	}
	l.send("REGISTER", headers[0].Name+": "+headers[0].Value+"\r\n", "")
	l.response(200, "REGISTER")
}
