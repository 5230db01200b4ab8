package sipua

import (
	"testing"
	"time"
)

// A request that waits in the mailbox of a dialog which ends before it is read is answered all the same: else its peer would
// wait for timer F, and its transaction stay for ever.
func TestRequestToDialogThatEnds(t *testing.T) {
	r := newRig(t, nil)
	l := r.pbx.leg("1001")
	l.send("INVITE", "", sdp(40000, "sendrecv"))
	c := r.incoming()
	c.d.Answer(local(30000))
	l.ack(r.pbx.response(200, "INVITE"), "")
	want[Answered](c.ev)
	reading, goOn := make(chan struct{}), make(chan struct{})
	c.d.Handle(func(DialogEvent) { // holds up the dialog's goroutine
		close(reading)
		<-goOn
	})
	l.send("INFO", "Content-Type: application/dtmf-relay\r\n", "Signal=1\r\nDuration=100\r\n")
	<-reading
	c.d.Forget()
	info := r.s.Pending()
	l.send("BYE", "", "")
	for end := time.Now().Add(15 * time.Second); r.s.Pending() == info && time.Now().Before(end); {
		<-time.After(time.Millisecond)
	}
	close(goOn)
	l.response(481, "BYE")
	for end := time.Now().Add(15 * time.Second); r.s.Pending() > 0; {
		if time.Now().After(end) {
			t.Fatalf("%d requests have no answer", r.s.Pending())
		}
		<-time.After(time.Millisecond)
	}
}
