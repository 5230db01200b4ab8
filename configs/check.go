package configs

import (
	"fmt"
	"net/netip"
	"os/user"
	"regexp"
	"strings"
)

// maxSocketPath is the room for a path in a unix socket address (sun_path).
const maxSocketPath = 107

// nameForm is what trunks and agents may be called: names stand in commands,
// logs and metrics.
var nameForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}$`)

const nameFix = "write up to 64 letters, digits, dots, dashes and underscores, beginning with a letter or digit"

// check looks at what no single key can tell. Each check adds its problems and
// goes on.
func (l *loader) check() {
	l.checkSIP()
	l.checkTLS()
	l.checkRTP()
	l.checkControl()
	l.checkJournal()
	l.checkMusic()
	l.checkTrunks()
	l.checkAgents()
	l.checkAdapters()
}

// overlap reports whether two listening addresses collide: the same port on the
// same address or on all addresses of the family. Port 0 never does.
func overlap(a, b netip.AddrPort) bool {
	if a.Port() != b.Port() || a.Port() == 0 || !a.IsValid() || !b.IsValid() {
		return false
	}
	return sameHost(a.Addr(), b.Addr())
}

func sameHost(a, b netip.Addr) bool {
	if a == b {
		return true
	}
	return (a.IsUnspecified() || b.IsUnspecified()) && a.Is4() == b.Is4()
}

// transport is udp or tcp: what a listener takes from the host.
func (l Listen) transport() string {
	if l.Network == "udp" {
		return "udp"
	}
	return "tcp"
}

func (l *loader) checkSIP() {
	c := l.cfg.SIP
	if len(c.Listen) == 0 && l.sound("sip.listen", "sip") {
		l.wrong("sip.listen", "the list is empty: nothing could reach the daemon", "write listen: [udp://192.0.2.10:5060], with this host's address")
	}
	wildcard := ""
	for i, a := range c.Listen {
		path := fmt.Sprintf("sip.listen[%d]", i)
		if l.rep.bad[path] {
			continue
		}
		if a.Addr.Addr().IsUnspecified() && wildcard == "" {
			wildcard = path
		}
		for j, b := range c.Listen[:i] {
			if a.transport() == b.transport() && a != b && overlap(a.Addr, b.Addr) {
				l.wrong(path, fmt.Sprintf("%s takes the port of %s (number %d in the list)", a, b, j+1), "give one of them another port or address")
				break
			}
		}
		if a.transport() == "tcp" && overlap(a.Addr, l.cfg.Metrics.Listen.AddrPort) && l.sound("metrics.listen") {
			l.wrong("metrics.listen", fmt.Sprintf("%s takes the port of SIP listener %s", l.cfg.Metrics.Listen, a), "write another port, as listen: 127.0.0.1:9464")
		}
	}
	switch {
	case c.Advertise.IsValid() && c.Advertise.IsUnspecified():
		l.wrong("sip.advertise", fmt.Sprintf("%s is no address that peers could answer to", c.Advertise), "write the address by which peers reach this host, as advertise: 203.0.113.10")
	case wildcard != "" && !c.Advertise.IsValid() && l.sound("sip.advertise"):
		l.wrong(wildcard, "a listener on all addresses does not say which one peers are told", "listen on one address, or add sip.advertise with the address by which peers reach this host")
	}
}

func (l *loader) checkRTP() {
	c := l.cfg.RTP
	if l.sound("rtp.ports") {
		l.checkPorts(c)
	}
	if !l.sound("rtp.bind", "rtp.advertise", "sip.advertise", "sip.listen") || !c.Bind.IsValid() {
		return
	}
	switch {
	case !c.Advertise.IsValid():
		if l.given("rtp.bind") {
			l.wrong("rtp.bind", "media ports on all addresses do not say which one peers are told", "add rtp.advertise with the address by which peers reach this host")
		}
	case c.Advertise.IsUnspecified() && l.given("rtp.advertise"):
		l.wrong("rtp.advertise", fmt.Sprintf("%s is no address that peers could send to", c.Advertise), "write the address by which peers reach this host, as advertise: 203.0.113.10")
	case c.Advertise.Is4() != c.Bind.Is4():
		l.wrong("rtp.advertise", fmt.Sprintf("%s and the media ports' address %s are not both IPv4 or both IPv6", c.Advertise, c.Bind), "make rtp.bind and rtp.advertise of one kind")
	}
}

func (l *loader) checkPorts(c RTP) {
	for i, a := range l.cfg.SIP.Listen {
		if a.Network == "udp" && a.Addr.IsValid() && c.Bind.IsValid() && c.Ports.Contains(a.Addr.Port()) && sameHost(a.Addr.Addr(), c.Bind) {
			l.wrong("rtp.ports", fmt.Sprintf("%s holds the port of SIP listener %s (number %d in sip.listen)", c.Ports, a, i+1), "choose a range without it, as ports: 20000-29999")
		}
	}
	if pairs := c.Ports.Pairs(); l.cfg.Limits.MaxLegs > pairs && l.sound("limits.max_legs") {
		l.wrong("limits.max_legs", fmt.Sprintf("%d legs need %d media ports, and rtp.ports (%s) has %d pairs", l.cfg.Limits.MaxLegs, 2*l.cfg.Limits.MaxLegs, c.Ports, pairs),
			fmt.Sprintf("widen rtp.ports, or write max_legs: %d", pairs))
	}
}

func (l *loader) checkControl() {
	c := l.cfg.Control
	if n := len(c.Socket); n > maxSocketPath {
		l.wrong("control.socket", fmt.Sprintf("the path is %d bytes long, and a socket's path has room for %d", n, maxSocketPath), "write a shorter one, as socket: /run/cordboard/control.sock")
	}
	if c.Group != "" && strings.Trim(c.Group, "0123456789") != "" && l.sound("control.group") {
		if _, err := user.LookupGroup(c.Group); err != nil {
			l.wrong("control.group", fmt.Sprintf("group %s does not exist on this host", printable(c.Group)), "write an existing group (getent group), or remove the key")
		}
	}
	if len(l.cfg.Phones.Digest) == 0 && l.sound("phones.digest") {
		l.wrong("phones.digest", "the list is empty", "write digest: [MD5], or [SHA-256, MD5] if every phone copes with it")
	}
	if p := l.cfg.Phones; p.MinExpires > p.MaxExpires && l.sound("phones.min_expires", "phones.max_expires") {
		path := "phones.max_expires"
		if !l.given(path) {
			path = "phones.min_expires"
		}
		l.wrong(path, fmt.Sprintf("min_expires (%s) is longer than max_expires (%s)", shortDuration(p.MinExpires), shortDuration(p.MaxExpires)), "make max_expires the longer one")
	}
}
