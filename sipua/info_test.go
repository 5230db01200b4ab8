package sipua

import "testing"

func TestInfoOutcome(t *testing.T) {
	r := newRig(t, nil)
	d, ev := r.invite(nil)
	d.Info("application/dtmf-relay", []byte("Signal=1\r\n")) // nobody to take it yet
	if e := want[InfoFailed](ev); e.Status != 0 {
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
	for _, status := range []int{200, 405, 415, 501} {
		d.Info("application/dtmf-relay", []byte("Signal=1\r\n"))
		r.pbx.reply(r.pbx.request("INFO"), status, "", "", "")
		if status == 200 {
			want[InfoAccepted](ev)
		} else if e := want[InfoFailed](ev); e.Status != status {
			t.Errorf("status %d, want %d", e.Status, status)
		}
	}
	d.Info("application/dtmf-relay", []byte("Signal=1\r\n"))
	r.pbx.reply(r.pbx.request("INFO"), 481, "", "", "")
	if e := want[Ended](ev); e.Cause != CauseGone {
		t.Errorf("ended %+v", e)
	}
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
	c.d.Info("application/dtmf-relay", []byte("Signal=1\r\n"))
	l.ack(ok, "")
	r.pbx.reply(r.pbx.request("INFO"), 200, "", "", "")
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
