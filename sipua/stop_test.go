package sipua

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"cordboard/sipua/digest"
)

// talking is a running stack with a registered line in a call with pbx. cancel stops it, done gets what Run returns.
func talking(t *testing.T, pbx *rawPeer, timeout time.Duration) (cancel context.CancelFunc, done <-chan error) {
	t.Helper()
	up := make(chan struct{}, 8)
	s, err := New(Config{
		Listen:      []Listen{{Network: "udp", Addr: netip.MustParseAddrPort("127.0.0.1:0")}},
		Trunks:      []Trunk{{Name: "pbx", Server: URI{Host: "127.0.0.1", Port: pbx.addr().Port()}}},
		Lines:       []Line{{Trunk: "pbx", User: "1001", Password: digest.NewSecret("x"), Register: true}},
		StopTimeout: timeout,
	}, Deps{Log: logger(), OnLine: func(st LineState) {
		if st.Registered {
			up <- struct{}{}
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	pbx.to = s.Addr("udp")
	ctx, cancel := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- s.Run(ctx) }()
	pbx.reply(pbx.request("REGISTER"), 200, "r", "Expires: 600\r\n", "")
	<-up
	ev := newEvents(t)
	l := local(30000)
	s.Invite(InviteParams{To: URI{User: "2000"}, Trunk: "pbx", Line: "1001", Offer: &l}, ev.handle)
	pbx.reply(pbx.request("INVITE"), 200, "pt", "", sdp(40000, "sendrecv"))
	want[Answered](ev)
	return cancel, ran
}

// Calls are over before lines unregister: a peer that knows us by our registration is deaf to a later BYE.
func TestStopOrder(t *testing.T) {
	t.Parallel()
	pbx := newRawPeer(t)
	cancel, done := talking(t, pbx, 0)
	cancel()
	bye := pbx.request("BYE")
	pbx.silent(200*time.Millisecond, func(m rawMsg) bool { return m.method() == "REGISTER" })
	pbx.reply(bye, 200, "", "", "")
	leave := pbx.request("REGISTER")
	if e := leave.header("Expires"); e != "0" {
		t.Errorf("REGISTER with Expires %q", e)
	}
	pbx.reply(leave, 200, "r", "", "")
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// A registrar and a peer that are gone do not hold the stop beyond StopTimeout.
func TestStopTimeout(t *testing.T) {
	t.Parallel()
	cancel, done := talking(t, newRawPeer(t), 500*time.Millisecond)
	begin := time.Now()
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if d := time.Since(begin); d < 400*time.Millisecond || d > 3*time.Second {
		t.Errorf("stop took %v", d)
	}
}
