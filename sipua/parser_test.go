package sipua

import (
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"
)

// Tags are found however their parameter is written: RFC 4475 §3.1.1.1, and RFC 3261 §7.3.1 on the case of names.
func TestParserTags(t *testing.T) {
	for _, text := range []string{
		"<sip:a@x>;tag=t1", "<sip:a@x> ;\t tag  = t1", "sip:a@x ;   tag    = t1", "<sip:a@x>;TAG=t1;other", "\"A\" <sip:a@x>;p = \"v\" ; tag\t=\r\n t1 ",
	} {
		for _, names := range [][2]string{{"From", "To"}, {"f", "t"}} {
			m, err := newParser().ParseSIP([]byte("OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n" + names[0] + ": " + text + "\r\n" +
				names[1] + ": " + text + "\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"))
			if err != nil {
				t.Errorf("%q: %v", text, err)
				continue
			}
			req := m.(*sip.Request)
			if from, to := tagOf(req.From().Params), tagOf(req.To().Params); from != "t1" || to != "t1" {
				t.Errorf("%q: tags %q %q", text, from, to)
			}
		}
	}
}

// Methods are case-sensitive (RFC 3261 §7.1): sipgo's capitals are undone, so that "invite" is not INVITE.
func TestMethodCase(t *testing.T) {
	r := newRig(t, nil)
	l := r.pbx.leg("1001")
	for method, status := range map[string]int{"OPTIONS": 200, "options": 501, "invite": 501, "Bye": 501, "!new-Method": 501} {
		l.send(method, "", "")
		if res := r.pbx.response(status, method); res.header("CSeq") == "" {
			t.Errorf("%s", res.text)
		}
	}
}

// What we send back of a Via is what came, however it was spaced: a proxy finds its branch in it.
func TestParserVia(t *testing.T) {
	for text, want := range map[string]string{
		"SIP/2.0/UDP h:5070;branch=z9hG4bK1;rport":                                 "SIP/2.0/UDP h:5070;branch=z9hG4bK1;rport",
		"SIP  /   2.0 /UDP\t192.0.2.2;branch=390skdjuw":                            "SIP/2.0/UDP 192.0.2.2;branch=390skdjuw",
		"SIP / 2.0 / TCP     h   ;\r\n  branch  =   z9hG4bK9 ;Received = 1":        "SIP/2.0/TCP h;branch=z9hG4bK9;received=1",
		"SIP / 2.0 / TCP  a ; branch = b ,\r\n SIP / 2.0 / UDP  c ; branch=\r\n d": "SIP/2.0/TCP a;branch=b, SIP/2.0/UDP c;branch=d",
	} {
		m, err := newParser().ParseSIP([]byte("OPTIONS sip:x SIP/2.0\r\nVia: " + text + "\r\nCSeq: 1 \t OPTIONS\r\nContent-Length: 0\r\n\r\n"))
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got := strings.Join(rawValues(m, "Via"), ", "); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
		if got := m.CSeq().MethodName; got != "OPTIONS" {
			t.Errorf("CSeq has %q", got)
		}
	}
}
