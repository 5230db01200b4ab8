package sipua

import (
	"strconv"
	"testing"
	"time"
)

const digitTime = 120 * time.Millisecond

// info wants an INFO with a digit, in one of its two forms.
func (p *rawPeer) info(kind, body string) rawMsg {
	p.t.Helper()
	m := p.request("INFO")
	if m.header("Content-Type") != kind || m.body != body {
		p.t.Errorf("INFO with %s %q, want %s %q", m.header("Content-Type"), m.body, kind, body)
	}
	return m
}

func (p *rawPeer) infoRelay(digit string) rawMsg {
	p.t.Helper()
	return p.info("application/dtmf-relay", "Signal="+digit+"\r\nDuration=120\r\n")
}

func TestInfoOutcome(t *testing.T) {
	r := newRig(t, nil)
	d, ev := r.invite(nil)
	d.Digit('1', digitTime) // nobody to take it yet
	if e := want[InfoFailed](ev); e != (InfoFailed{}) {
		t.Errorf("before the answer: %+v", e)
	}
	inv := r.pbx.request("INVITE")
	r.pbx.reply(inv, 180, "pt", "", "")
	want[Ringing](ev)
	if !d.AllowsInfo() {
		t.Error("a peer that says nothing of its methods is taken to allow INFO")
	}
	r.pbx.reply(inv, 200, "pt", "Allow: INVITE, BYE\r\nAllow: ACK,INFO\r\n", sdp(40000, "sendrecv"))
	r.pbx.request("ACK")
	want[Answered](ev)
	if !d.AllowsInfo() {
		t.Error("the peer's Allow names INFO")
	}
	d.Digit('1', digitTime)
	r.pbx.reply(r.pbx.infoRelay("1"), 200, "", "", "")
	want[InfoAccepted](ev)
	d.Digit('E', digitTime)
	if e := want[InfoFailed](ev); e != (InfoFailed{}) {
		t.Errorf("no digit: %+v", e)
	}
	for _, status := range []int{400, 503} { // that digit only
		d.Digit('2', digitTime)
		r.pbx.reply(r.pbx.infoRelay("2"), status, "", "", "")
		if e := want[InfoFailed](ev); e != (InfoFailed{Status: status}) || !d.AllowsInfo() {
			t.Errorf("%+v, want %d", e, status)
		}
	}
	d.Digit('3', digitTime)
	r.pbx.reply(r.pbx.infoRelay("3"), 481, "", "", "")
	if e := want[Ended](ev); e.Cause != CauseGone {
		t.Errorf("ended %+v", e)
	}
}

// A peer that has no INFO after all is asked once in a call; a later re-INVITE does not change that.
func TestInfoUnknownToPeer(t *testing.T) {
	for _, status := range []int{405, 501} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			r := newRig(t, nil)
			d, ev, l, _ := r.answered(nil)
			d.Digit('*', digitTime)
			d.Digit('2', digitTime) // on its way too
			r.pbx.reply(r.pbx.infoRelay("*"), status, "", "", "")
			if e := want[InfoFailed](ev); e != (InfoFailed{Status: status, Never: true}) || d.AllowsInfo() {
				t.Errorf("%+v, allowed %v", e, d.AllowsInfo())
			}
			r.pbx.reply(r.pbx.infoRelay("2"), status, "", "", "")
			want[InfoFailed](ev)
			l.send("INVITE", "Allow: INVITE, ACK, BYE, INFO\r\n", sdp(40002, "sendrecv"))
			l.ack(r.pbx.response(200, "INVITE"), "")
			want[Media](ev)
			d.Digit('3', digitTime)
			if e := want[InfoFailed](ev); e != (InfoFailed{Status: status, Never: true}) || d.AllowsInfo() {
				t.Errorf("%+v, allowed %v", e, d.AllowsInfo())
			}
			l.send("BYE", "", "")
			r.pbx.response(200, "BYE")
			r.pbx.silent(50*time.Millisecond, func(m rawMsg) bool { return m.method() == "INFO" })
			want[Ended](ev)
		})
	}
}

// A peer that does not know application/dtmf-relay gets each digit as application/dtmf from then on.
func TestInfoPlain(t *testing.T) {
	r := newRig(t, nil)
	d, ev, l, _ := r.answered(nil)
	d.Digit('#', digitTime)
	r.pbx.reply(r.pbx.infoRelay("#"), 415, "", "Accept: application/dtmf\r\n", "")
	r.pbx.reply(r.pbx.info("application/dtmf", "#"), 200, "", "", "")
	want[InfoAccepted](ev)
	d.Digit('5', digitTime)
	r.pbx.reply(r.pbx.info("application/dtmf", "5"), 200, "", "", "")
	want[InfoAccepted](ev)
	if !d.AllowsInfo() {
		t.Error("the peer takes INFO")
	}
	d.Digit('6', digitTime)
	r.pbx.reply(r.pbx.info("application/dtmf", "6"), 415, "", "", "")
	if e := want[InfoFailed](ev); e != (InfoFailed{Status: 415, Never: true}) || d.AllowsInfo() {
		t.Errorf("%+v, allowed %v", e, d.AllowsInfo())
	}
	l.send("BYE", "", "")
	r.pbx.response(200, "BYE")
	want[Ended](ev)
}

// A peer that ends the call instead of an answer to the second form leaves nothing behind.
func TestInfoPlainAfterEnd(t *testing.T) {
	r := newRig(t, nil)
	d, ev, l, _ := r.answered(nil)
	d.Digit('#', digitTime)
	m := r.pbx.infoRelay("#")
	l.send("BYE", "", "")
	r.pbx.response(200, "BYE")
	want[Ended](ev)
	r.pbx.reply(m, 415, "", "", "")
	r.pbx.silent(50*time.Millisecond, func(m rawMsg) bool { return m.method() == "INFO" })
}

// An INFO between our 200 and its ACK waits for the ACK: the peer knows the dialog only then.
func TestInfoWaitsForAck(t *testing.T) {
	r := newRig(t, nil)
	l := r.pbx.leg("1001")
	l.send("INVITE", "", sdp(40000, "sendrecv"))
	c := r.incoming()
	c.d.Answer(local(30000))
	ok := r.pbx.response(200, "INVITE")
	want[Answered](c.ev)
	c.d.Digit('1', digitTime)
	l.ack(ok, "")
	r.pbx.reply(r.pbx.infoRelay("1"), 200, "", "", "")
	want[InfoAccepted](c.ev)
	l.send("BYE", "", "")
	r.pbx.response(200, "BYE")
	want[Ended](c.ev)
}

func TestInfoNotAllowed(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Info = InfoRefused })
	c, l := r.called("Allow: INVITE, ACK, BYE\r\n")
	if c.d.AllowsInfo() {
		t.Error("the peer's Allow is without INFO")
	}
	l.send("INFO", "Content-Type: application/dtmf\r\n", "5")
	if res := r.pbx.response(405, "INFO"); res.header("Allow") != allowMethodsNoInfo {
		t.Errorf("Allow: %s", res.header("Allow"))
	}
	l.send("BYE", "", "")
	r.pbx.response(200, "BYE")
	want[Ended](c.ev)
}
