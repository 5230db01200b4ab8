package configs

import (
	"fmt"
	"regexp"
	"time"
)

var (
	headerForm   = regexp.MustCompile("^[A-Za-z0-9.!%*_+`'~-]{1,64}$") // RFC 3261 §25.1 token
	variableForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]{0,63}$`)
)

func (l *loader) checkTrunks() {
	first := map[string]int{}
	for i := range l.cfg.Trunks {
		t, path := &l.cfg.Trunks[i], fmt.Sprintf("trunks[%d]", i)
		if t.Name != "" {
			if !nameForm.MatchString(t.Name) {
				l.wrong(path+".name", fmt.Sprintf("%q is not a name", printable(t.Name)), nameFix)
			}
			if j, twice := first[t.Name]; twice {
				l.twice(path+".name", fmt.Sprintf("trunk %q", t.Name), fmt.Sprintf("trunks[%d].name", j), "give each trunk its own name")
			} else {
				first[t.Name] = i
			}
		}
		l.checkServer(t, path)
		l.checkPeers(t, path)
		l.checkHeaders(t, path)
		l.checkTimes(t, path)
	}
}

// twice reports a thing that exists already, with the place of the first.
func (l *loader) twice(path, what, firstPath, fix string) {
	at := l.at(firstPath)
	l.wrong(path, fmt.Sprintf("%s exists already, in %s:%d", printable(what), at.src.name, at.line), fix)
}

// checkServer sees that the server can be reached from a listener.
func (l *loader) checkServer(t *Trunk, path string) {
	if t.Server.User != "" {
		l.wrong(path+".server", "a server has no user part", "write sip:HOST[:PORT]; the user belongs to each agent's line")
	}
	if t.Proxy.User != "" {
		l.wrong(path+".proxy", "a proxy has no user part", "write sip:HOST[:PORT]")
	}
	if t.Domain != "" && !ValidHost(t.Domain) {
		l.wrong(path+".domain", fmt.Sprintf("%q is not a host name or IP address", printable(t.Domain)), "write domain: example.com")
	}
	for _, hop := range []struct {
		path string
		uri  URI
	}{{path + ".server", t.Server}, {path + ".proxy", t.Proxy}} {
		if !hop.uri.IsZero() && l.sound(hop.path) {
			l.checkReach(hop.path, hop.uri)
		}
	}
}

// checkReach sees that there is a listener to speak UDP from, of the same address
// family. Connections of TCP and TLS are opened without one.
func (l *loader) checkReach(path string, u URI) {
	listeners := l.cfg.SIP.Listen
	if u.Network() != "udp" || len(listeners) == 0 {
		return
	}
	addr, literal := u.Addr()
	for i, a := range listeners {
		if !l.sound(fmt.Sprintf("sip.listen[%d]", i)) {
			return
		}
		if a.Network == "udp" && (!literal || addr.Is4() == a.Addr.Addr().Is4()) {
			return
		}
	}
	l.wrong(path, fmt.Sprintf("%s is reached by UDP, and no udp:// listener in sip.listen can do so", u), "add a udp:// listener of the same kind (IPv4 or IPv6), or write ;transport=tcp")
}

func (l *loader) checkPeers(t *Trunk, path string) {
	at := path + ".peers"
	for i, p := range t.Peers {
		if p.IsValid() && p.Bits() == 0 {
			l.wrong(fmt.Sprintf("%s[%d]", at, i), fmt.Sprintf("%s makes everybody a peer who may place calls", p), "write the networks the trunk's SIP really comes from")
		}
	}
}

func (l *loader) checkHeaders(t *Trunk, path string) {
	for _, h := range []struct{ key, name string }{{"queue", t.Headers.Queue}, {"interaction", t.Headers.Interaction}} {
		if h.name != "" && !headerForm.MatchString(h.name) {
			l.wrong(path+".headers."+h.key, fmt.Sprintf("%q is not a header's name", printable(h.name)), "write the name alone, as X-Queue")
		}
	}
	for header, variable := range t.Headers.Variables {
		at := joinPath(path+".headers.variables", header)
		if !headerForm.MatchString(header) {
			l.wrong(at, fmt.Sprintf("%q is not a header's name", printable(header)), "write HEADER: variable, as X-Ivr-Choice: ivr")
		}
		if !variableForm.MatchString(variable) {
			l.wrong(at, fmt.Sprintf("%q is not a variable's name", printable(variable)), "write letters, digits, dots, dashes and underscores, as X-Ivr-Choice: ivr")
		}
	}
}

func (l *loader) checkTimes(t *Trunk, path string) {
	// RFC 4028 §4: a session interval is never shorter than 90 seconds.
	if d := t.SessionTimer; d > 0 && d < 90*time.Second {
		l.wrong(path+".session_timer", fmt.Sprintf("%s is shorter than 90s, the least a peer may accept", shortDuration(d)), "write session_timer: 30m, or 0s for none")
	}
	if d := t.KeepAlive; d > 0 && d < 5*time.Second {
		l.wrong(path+".keep_alive", fmt.Sprintf("%s is shorter than 5s", shortDuration(d)), "write keep_alive: 25s, or 0s for none")
	}
	if r := t.Register; r.Retry > r.RetryMax && l.sound(path+".register.retry", path+".register.retry_max") {
		l.wrong(path+".register.retry_max", fmt.Sprintf("%s is shorter than retry (%s)", shortDuration(r.RetryMax), shortDuration(r.Retry)), "write retry_max: 5m, or a shorter retry")
	}
	if len(t.Codecs) == 0 && l.sound(path+".codecs") {
		l.wrong(path+".codecs", "the list is empty", "write codecs: [PCMA, PCMU]")
	}
}
