package edge

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"
	"github.com/google/go-cmp/cmp"
)

func TestRespond(t *testing.T) {
	raw := options("Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK1;rport;received=1.2.3.4, SIP/2.0/TCP 10.0.0.2;branch=z9hG4bK2",
		"+v: SIP/2.0/TCP 10.0.0.3\r\n ;branch=z9hG4bK3", "+t: <sip:second@example.com>", "+Subject: x", "From: \"Bo\\\x00\" <sip:bo@x>;tag=1")
	got := string(respond([]byte(raw), Verdict{Action: Answer, Reason: ReasonRepeated, Status: 400}, someone))
	tag, _, _ := strings.Cut(got[strings.Index(got, ";tag=")+5:], "\r\n")
	want := "SIP/2.0 400 Bad Request (repeated_header)\r\n" +
		"Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK1;rport=5070;received=192.0.2.77, SIP/2.0/TCP 10.0.0.2;branch=z9hG4bK2\r\n" +
		"To: <sip:anna@example.com>;tag=" + tag + "\r\n" +
		"From: \"Bo\\\x00\" <sip:bo@x>;tag=1\r\n" +
		"Call-ID: a84b4c76e66710\r\nCSeq: 7 OPTIONS\r\n" +
		"Via: SIP/2.0/TCP 10.0.0.3 ;branch=z9hG4bK3\r\nContent-Length: 0\r\n\r\n"
	if d := cmp.Diff(want, got); d != "" || tag == "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if again := respond([]byte(raw), Verdict{Action: Answer, Reason: ReasonRepeated, Status: 400}, someone); string(again) != got {
		t.Error("a retransmission gets another answer")
	}
}

func TestRespondKeepsTag(t *testing.T) {
	raw := options("To: <sip:a@b> ; tag = x", "Content-Length: 5")
	got := string(respond([]byte(raw), Validate([]byte(raw), false), netip.MustParseAddrPort("[2001:db8::1]:5060")))
	if strings.Count(got, "tag") != 2 || !strings.Contains(got, ";received=2001:db8::1\r\n") {
		t.Errorf("%s", got)
	}
}

func TestRespondToNobody(t *testing.T) {
	for name, raw := range map[string]string{
		"no Via": options("-Via"), "ACK": strings.Replace(options(), "OPTIONS ", "ACK ", 1), "response": ok200(), "rubbish": "x",
		"broken before Via": strings.Replace(options(), "\r\nVia", "\n\r\nVia", 1), "control in Via": options("Via: SIP/2.0/UDP a\x00b"),
	} {
		if got := respond([]byte(raw), Verdict{Action: Answer, Status: 400}, someone); got != nil {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// Each answer to the corpus is a response that a SIP parser reads, unless it repeats what was broken.
func TestRespondParses(t *testing.T) {
	repeated := map[Reason]bool{ReasonVia: true, ReasonAddress: true, ReasonCSeq: true}
	parsed := 0
	for name, raw := range corpusFiles(t) {
		v := Validate(raw, false)
		if v.Action != Answer || repeated[v.Reason] {
			continue
		}
		got := respond(raw, v, someone)
		m, err := sip.ParseMessage(got)
		if err != nil {
			t.Errorf("%s: %v\n%s", name, err, got)
			continue
		}
		if r, ok := m.(*sip.Response); !ok || r.StatusCode != v.Status {
			t.Errorf("%s: %s", name, got)
		}
		parsed++
	}
	if parsed < 10 {
		t.Errorf("only %d answers", parsed)
	}
}
