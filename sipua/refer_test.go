package sipua

import "testing"

// No request within the dialog goes out before the ACK of our 200 (RFC 3261 §13.3.1.4); a REFER asked for by then follows it.
func TestReferWaitsForAck(t *testing.T) {
	r := newRig(t, nil)
	l := r.pbx.leg("1001")
	l.send("INVITE", "", sdp(40000, "sendrecv"))
	c := r.incoming()
	c.d.Answer(local(30000))
	ok := r.pbx.response(200, "INVITE")
	c.d.Refer(URI{User: "3000", Host: "pbx.test"}, nil)
	l.ack(ok, "")
	want[Answered](c.ev)
	ref := r.pbx.request("REFER")
	r.pbx.reply(ref, 202, "", "", "")
	if p := want[ReferProgress](c.ev); p.Status != 202 || p.Final {
		t.Errorf("progress %+v", p)
	}
	l.send("BYE", "", "")
	r.pbx.response(200, "BYE")
	want[Ended](c.ev)
}
