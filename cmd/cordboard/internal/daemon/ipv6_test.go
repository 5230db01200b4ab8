package daemon

import (
	"fmt"
	"net/netip"
	"testing"

	"cordboard/callcontrol"
	"cordboard/sim"
	"cordboard/sipua"
)

// TestIPv6: line, device and media all on IPv6.
func TestIPv6(t *testing.T) {
	home := netip.IPv6Loopback()
	pbx, err := sim.NewPBX(sim.PBXConfig{Addr: netip.AddrPortFrom(home, 0), Accounts: []sim.Account{{User: "1001", Password: "line"}}})
	if err != nil {
		t.Fatalf("this host has no IPv6 loopback: %v", err)
	}
	w := bare(t, fmt.Sprintf(`sip: {listen: ["udp://[::1]:%d"]}
rtp: {bind: "::1", ports: 18100-18199}
control: {socket: c.sock}
state_dir: state
journal: {memory: true}
trunks: [{name: pbx, server: "sip:[::1]:%d;transport=udp"}]
agents: [{name: agent0, line: {trunk: pbx, user: "1001", password: {file: line}}, device: {user: phone, password: {file: phone}}}]
`, freePort(t), pbx.Addr().Port()), map[string]string{"line": "line", "phone": "phone"})
	w.pbx = pbx
	w.background("pbx", pbx.Run)
	phone, err := sim.NewPhone(sim.PhoneConfig{
		Addr: home, Server: w.daemon.stack.Addr("udp"), User: "phone", Password: "phone", Source: voice("agent"), AutoAnswer: true,
	})
	w.must(err)
	w.phones = []*sim.Phone{phone}
	w.background("phone", phone.Run)
	w.must(phone.WaitRegistered(w.ctx))
	w.must(pbx.WaitRegistered(w.ctx, 1))
	c, err := pbx.Call(sipua.Identity{Number: "380441234567"}, "1001", voice("customer")())
	w.must(err)
	w.must(c.Wait(w.ctx, sim.StateRinging))
	w.phase(callcontrol.PhaseOffered, 1)
	w.do(callcontrol.Command{Kind: callcontrol.KindAnswer})
	w.must(c.Wait(w.ctx, sim.StateTalking))
	a := w.device()
	w.hears(c, "agent", a, "customer")
	w.do(callcontrol.Command{Kind: callcontrol.KindHold})
	c.Hangup()
	w.ended(c, a)
	w.whole(c, a)
}
