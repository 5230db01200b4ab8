package callcontrol

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite golden files")

// chartStates are the canonical states of a desk, by name.
var chartStates = map[string]func() *scene{
	"01 idle":             func() *scene { return newScene() },
	"02 idle persistent":  func() *scene { return newScene(cfgPersistent) },
	"03 offered":          func() *scene { return newScene().offer() },
	"04 answering":        func() *scene { s := newScene().offer(); s.deviceAnswers(); return s },
	"05 talking":          func() *scene { return newScene().talk() },
	"06 held":             func() *scene { return newScene().talk().hold() },
	"07 muted":            func() *scene { s := newScene().talk(); s.cmd(KindMute); return s },
	"08 calling":          func() *scene { return newScene().dial() },
	"09 dialling":         func() *scene { return newScene().dialling() },
	"10 tone":             func() *scene { s := newScene().dialling(); s.signal(SignalRejected, s.customer, status(486)); return s },
	"11 consult dialling": func() *scene { return dialled(newScene()) },
	"12 consult alerting": func() *scene { return alerting(newScene()) },
	"13 consult talking":  func() *scene { return consulting(newScene()) },
	"14 swapped":          func() *scene { return swapped(newScene()) },
	"15 conference":       func() *scene { return conferred(newScene()) },
	"16 bridged":          func() *scene { return consulting(newScene()).complete() },
	"17 forwarding":       func() *scene { return forwarded(newScene()) },
	"18 forwarding rings": func() *scene { return forwarded(newScene()).alert() },
	"19 recall":           func() *scene { s := forwarded(newScene()); targetBusy(s); return s },
	"20 customer told":    func() *scene { s := forwarded(newScene()); s.signal(SignalDevice, ""); targetBusy(s); return s },
	"21 referring":        func() *scene { return newScene(cfgRefer).talk().blind() },
	"22 referring consult": func() *scene {
		return consulting(newScene(cfgRefer)).complete()
	},
	"23 device lost":  func() *scene { s := newScene().talk(); s.signal(SignalEnded, s.device); return s },
	"24 call waiting": func() *scene { s := newScene(cfgWait).talk(); s.target = s.customer; return s.offer() },
	"25 two calls": func() *scene {
		s := newScene(cfgWait).talk()
		s.target = s.customer
		s.offer()
		s.cmd(KindAnswer)
		s.signal(SignalAnswered, s.customer)
		return s
	},
	"26 manual return": func() *scene { s := alerting(newScene(cfgManual)); targetBusy(s); return s },
	"27 wrap-up": func() *scene {
		s := newScene(cfgWrapUp)
		s.offer(func(o *Offer) { o.Queue = "Sales" })
		s.deviceAnswers()
		s.signal(SignalAnswered, s.customer)
		agentHangsUp(s)
		return s
	},
	"28 draining":         func() *scene { s := newScene().talk(); s.must(Input{Drain: true}); return s },
	"31 forwarding early": func() *scene { s := forwarded(newScene()); s.signal(SignalEarly, s.target); return s },
	"30 referred":         func() *scene { return referredTo(newScene(cfgReferPeer).talk()) },
	"29 conference lost":  func() *scene { s := conferred(newScene()); s.signal(SignalEnded, s.device); return s },
}

// chartInputs are all kinds of input, with the names of a scene's legs.
func chartInputs(s *scene) []struct {
	name string
	in   Input
} {
	type named = struct {
		name string
		in   Input
	}
	var ins []named
	for _, k := range Kinds {
		ins = append(ins, named{string(k), Input{Command: &Command{Kind: k, Call: s.call, Number: "300", Digits: "1", Status: StatusPause}}})
	}
	for _, p := range []struct {
		name string
		leg  LegID
	}{{"A", s.device}, {"C", s.customer}, {"T", s.target}} {
		if p.leg == "" {
			continue
		}
		for _, sig := range []Signal{
			{Kind: SignalRinging, Status: 180}, {Kind: SignalEarly, Status: 183}, {Kind: SignalAnswered, Events: true}, {Kind: SignalRejected, Status: 486},
			{Kind: SignalRejected, Status: 500}, {Kind: SignalEnded, ByPeer: true}, {Kind: SignalEnded, Cause: CauseTimeout}, {Kind: SignalLost}, {Kind: SignalMoved},
			{Kind: SignalMedia, Direction: DirectionSendOnly}, {Kind: SignalReferResult, Status: 202}, {Kind: SignalReferResult, Status: 200, Final: true},
			{Kind: SignalReferResult, Status: 486, Final: true}, {Kind: SignalReferRequest, Number: "300"}, {Kind: SignalDigit, Digits: "1"}, {Kind: SignalIdentity, Identity: Identity{Number: "9"}},
		} {
			name := fmt.Sprintf("%s %s", p.name, sig.Kind)
			if sig.Status != 0 {
				name += fmt.Sprintf(" %d", sig.Status)
			}
			if sig.ByPeer {
				name += " by peer"
			}
			sig.Leg = p.leg
			ins = append(ins, named{name, Input{Signal: &sig}})
		}
	}
	for _, t := range s.d.timers {
		ins = append(ins, named{"timer " + string(t.Kind), Input{Timer: &t}})
	}
	return append(ins,
		named{"timer stale", Input{Timer: &Timer{Kind: TimerCall, ID: "c-x"}}},
		named{"line down", Input{Signal: &Signal{Kind: SignalLine}}},
		named{"device gone", Input{Signal: &Signal{Kind: SignalDevice}}},
		named{"device here", Input{Signal: &Signal{Kind: SignalDevice, Up: true}}},
		named{"offer line", Input{Offer: &Offer{Kind: OfferLine, Leg: "in-9", From: Identity{Number: "556"}}}},
		named{"offer device", Input{Offer: &Offer{Kind: OfferDevice, Leg: "dev-9", To: "200"}}},
		named{"offer replaces C", Input{Offer: &Offer{Kind: OfferLine, Leg: "in-9", Replaces: s.customer}}},
		named{"drain", Input{Drain: true}},
		named{"release", Input{Release: true}},
	)
}

// TestChart prints every canonical state × input pair: testdata/chart.golden is the reviewable state
// chart. Rewrite it with -update and read the difference.
func TestChart(t *testing.T) {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(chartStates)) {
		s := chartStates[name]()
		fmt.Fprintf(&b, "== %s: %s\n   hears %s\n", name, s.named(chart(&s.d)), s.hears())
		for _, in := range chartInputs(s) {
			c := *s
			c.acts = nil
			err := c.do(in.in)
			if err != nil {
				var what string
				if r, ok := err.(*Refusal); ok {
					what = "refused " + string(r.Code)
				} else {
					what = "ignored"
				}
				fmt.Fprintf(&b, "%-24s %s\n", in.name, what)
				continue
			}
			c.device = s.device
			fmt.Fprintf(&b, "%-24s → %s\n%25s do %s; hears %s\n", in.name, c.named(chart(&c.d)), "", c.sent(), c.hears())
			for _, f := range []func(*Desk) error{checkShape, checkBusy, checkAlone, checkPatch} {
				if err := f(&c.d); err != nil {
					t.Errorf("%s + %s: %v", name, in.name, err)
				}
			}
		}
	}
	const f = "testdata/chart.golden"
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(f, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	golden, err := os.ReadFile(f)
	if err != nil {
		t.Fatal(err)
	}
	if string(golden) != b.String() {
		t.Errorf("state chart differs from %s: run with -update and read the difference", f)
	}
}
