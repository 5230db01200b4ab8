package doctor

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
	"time"

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
