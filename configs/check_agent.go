package configs

import (
	"cmp"
	"fmt"
	"net/netip"
	"regexp"
)

var numberForm = regexp.MustCompile(`^\+?[0-9*#]{1,32}$`)

// firsts remembers where each thing that must be unique was seen first.
type firsts struct {
	names, lines, users, contacts map[string]string
	phones                        map[netip.Addr][]fixedPhone
}

// fixedPhone is a device at a contact that is an IP address.
type fixedPhone struct {
	path   string
	device Device
}

func (l *loader) checkAgents() {
	trunks := make(map[string]*Trunk, len(l.cfg.Trunks))
	names := make([]string, 0, len(l.cfg.Trunks))
	for i := range l.cfg.Trunks {
		t := &l.cfg.Trunks[i]
		trunks[t.Name] = t
		names = append(names, t.Name)
	}
	seen := firsts{map[string]string{}, map[string]string{}, map[string]string{}, map[string]string{}, map[netip.Addr][]fixedPhone{}}
	for i := range l.cfg.Agents {
		a, path := &l.cfg.Agents[i], fmt.Sprintf("agents[%d]", i)
		if a.Name != "" {
			if !nameForm.MatchString(a.Name) {
				l.wrong(path+".name", fmt.Sprintf("%q is not a name", printable(a.Name)), nameFix)
			}
			l.unique(seen.names, a.Name, path+".name", fmt.Sprintf("agent %q", a.Name), "give each agent their own name")
		}
		l.checkLine(a.Line, path+".line", trunks, names, seen)
		l.checkDevice(a.Device, path+".device", seen)
	}
}

// unique reports a value seen before.
func (l *loader) unique(seen map[string]string, value, path, what, fix string) {
	if firstPath, ok := seen[value]; ok {
		l.twice(path, what, firstPath, fix)
		return
	}
	seen[value] = path
}

func (l *loader) checkLine(n Line, path string, trunks map[string]*Trunk, names []string, seen firsts) {
	trunk := trunks[n.Trunk]
	if n.Trunk != "" && trunk == nil && l.sound("trunks") {
		fix := "write the name of one of trunks, or add the trunk"
		if meant, ok := nearest(n.Trunk, names); ok {
			fix = fmt.Sprintf("did you mean %q?", meant)
		}
		l.wrong(path+".trunk", fmt.Sprintf("there is no trunk %q", printable(n.Trunk)), fix)
	}
	if n.User != "" {
		if !validUser(n.User) {
			l.wrong(path+".user", fmt.Sprintf("%q cannot be the user part of a SIP address", printable(n.User)), `write the account as the trunk knows it, without host, as user: "1001"`)
		}
		if n.Trunk != "" {
			l.unique(seen.lines, n.Trunk+" "+n.User, path+".user", fmt.Sprintf("line %s at trunk %s", n.User, n.Trunk), "give each agent their own line: two registrations of one account fight for its calls")
		}
	}
	if trunk != nil && trunk.Register.Enabled && n.Password.IsZero() && l.sound(path+".password", path) {
		l.wrong(path+".password", fmt.Sprintf("lines of trunk %q register, and this one has no password", n.Trunk),
			fmt.Sprintf("add password: {file: secrets/%s}, or write register: {enabled: false} at the trunk", cmp.Or(printable(n.User), "1001")))
	}
	if n.Number != "" && !numberForm.MatchString(n.Number) {
		l.wrong(path+".number", fmt.Sprintf("%q is not a number", printable(n.Number)), `write digits, with + in front for an international number, as number: "+380441234567"`)
	}
}

func (l *loader) checkDevice(d Device, path string, seen firsts) {
	if d.User == "" && d.Contact.IsZero() && l.sound(path, path+".user", path+".contact") {
		if l.given(path) {
			l.wrong(path, "the phone is nowhere to be found: it has neither user nor contact",
				"add user and password with which it registers here, or contact: sip:anna@192.168.10.21:5060")
		}
	}
	if d.User != "" {
		if !validUser(d.User) {
			l.wrong(path+".user", fmt.Sprintf("%q cannot be the user part of a SIP address", printable(d.User)), "write a word such as user: anna-phone")
		}
		l.unique(seen.users, d.User, path+".user", fmt.Sprintf("device user %q", d.User), "give each phone its own user: a call could reach the wrong desk")
		if d.Password.IsZero() && l.sound(path+".password") {
			l.wrong(path+".password", "a phone that registers needs a password", fmt.Sprintf("add password: {file: secrets/%s}", printable(d.User)))
		}
	}
	if d.User == "" && !d.Password.IsZero() {
		l.wrong(path+".user", "there is a password without a user", "add user: anna-phone")
	}
	if !d.Contact.IsZero() {
		l.checkReach(path+".contact", d.Contact)
		l.unique(seen.contacts, d.Contact.String(), path+".contact", fmt.Sprintf("device contact %s", d.Contact), "give each agent their own phone")
		l.checkTold(d, path+".contact", seen)
	}
	if len(d.Codecs) == 0 && l.sound(path+".codecs") {
		l.wrong(path+".codecs", "the list is empty", "write codecs: [PCMA, PCMU]")
	}
}

// checkTold sees that the calls of phones at one address are told apart. Without a password a phone is known by its address
// alone, and one call taken for another agent's is dialled with that agent's line.
func (l *loader) checkTold(d Device, path string, seen firsts) {
	addr, literal := d.Contact.Addr()
	if !literal || !l.sound(path) {
		return
	}
	addr = addr.Unmap()
	for _, other := range seen.phones[addr] {
		if told(d, other.device) {
			continue
		}
		at, ports := l.at(other.path), ""
		if d.Contact.Network() == "udp" && other.device.Contact.Network() == "udp" {
			ports = ", or different ports"
		}
		l.wrong(path, fmt.Sprintf("a call from this phone cannot be told from one of %s at the same address (%s:%d)", other.device.Contact, at.src.name, at.line),
			fmt.Sprintf("write in both the user part with which the phone calls, as contact: %s%s, or add user and password to both",
				URI{Scheme: d.Contact.Scheme, User: "anna", Host: d.Contact.Host}, ports))
		break
	}
	seen.phones[addr] = append(seen.phones[addr], fixedPhone{path, d})
}

// told reports whether a call shows which of two phones at one address it is from: by digest, by the user part, or by the
// port, which over TCP and TLS is not that of the contact.
func told(a, b Device) bool {
	switch {
	case !a.Password.IsZero() && !b.Password.IsZero():
		return true
	case a.Contact.User != "" && b.Contact.User != "" && a.Contact.User != b.Contact.User:
		return true
	}
	return a.Contact.Network() == "udp" && b.Contact.Network() == "udp" && a.Contact.port() != b.Contact.port()
}
