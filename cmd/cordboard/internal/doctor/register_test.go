package doctor

import (
	"context"
	"fmt"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"cordboard/cmd/cordboard/internal/mapping"
	"cordboard/sim"
)

// One line of each trunk is registered at a real registrar, and unregistered again; a wrong password and a
// dead trunk are told with what to do.
func TestRegister(t *testing.T) {
	pbx, err := sim.NewPBX(sim.PBXConfig{
		Addr: netip.MustParseAddrPort("127.0.0.1:0"), Realm: "pbx.test",
		Accounts: []sim.Account{{User: "1001", Password: "secret-1001"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- pbx.Run(ctx) }()

	t.Setenv("DOCTOR_TEST_PASSWORD", "secret-1001")
	cfg := config(t, fmt.Sprintf(trunks, pbx.Addr()))
	has(t, examine(t, cfg, (*visit).register), "register", OK, "line 1001 at trunk pbx registers")
	if n := pbx.Registered(); n != 0 {
		t.Errorf("%d lines are still registered", n)
	}

	t.Setenv("DOCTOR_TEST_PASSWORD", "wrong")
	cfg = config(t, fmt.Sprintf(trunks, pbx.Addr()))
	has(t, examine(t, cfg, (*visit).register), "register", Fail, "line 1001 at trunk pbx: ")
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}

	cfg = config(t, fmt.Sprintf(trunks, pbx.Addr())) // nobody there now
	var all []Finding
	v := &visit{cfg: cfg, tell: func(f Finding) { all = append(all, f) }, registerWait: 300 * time.Millisecond}
	v.register(t.Context())
	has(t, all, "register", Fail, "line 1001 at trunk pbx: ")
}

// What is tried is what the daemon would use: the same listeners and trunks, but one line of each trunk that registers, and
// no phones.
func TestStackConfig(t *testing.T) {
	t.Setenv("DOCTOR_TEST_PASSWORD", "secret-1001")
	cfg := config(t, `
trunks:
  - {name: pbx, server: "sip:pbx.test", proxy: "sip:192.0.2.5:5070", realm: pbx.test, register: {expires: 2m, rate: 3, timeout: 5s}}
  - {name: known, server: "sip:192.0.2.6", register: {enabled: false}}
  - {name: idle, server: "sip:192.0.2.7"}
agents:
  - {name: anna, line: {trunk: pbx, user: "1001", password: {env: DOCTOR_TEST_PASSWORD}}, device: {contact: "sip:127.0.0.1:5070"}}
  - {name: bert, line: {trunk: pbx, user: "1002", password: {env: DOCTOR_TEST_PASSWORD}}, device: {contact: "sip:127.0.0.1:5071"}}
  - {name: carl, line: {trunk: known, user: "1003"}, device: {contact: "sip:127.0.0.1:5072"}}
`)
	daemon, err := mapping.SIP(cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := (&visit{cfg: cfg}).stackConfig()
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got.Trunks, daemon.Trunks[:1]) || !reflect.DeepEqual(got.Listen, daemon.Listen) {
		t.Errorf("trunks %+v, listeners %+v", got.Trunks, got.Listen)
	}
	if len(got.Lines) != 1 || got.Lines[0].User != "1001" || len(got.Phones) != 0 {
		t.Errorf("lines %+v, phones %+v", got.Lines, got.Phones)
	}
	if s := got.Trunks[0]; s.Server.Host != "pbx.test" || s.Proxy.Host != "192.0.2.5" || s.Register.Timeout != 5*time.Second {
		t.Errorf("trunk %+v", s)
	}
}
