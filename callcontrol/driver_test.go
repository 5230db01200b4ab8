package callcontrol

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"cordboard/journal"
)

var epoch0 = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// driver feeds a desk with inputs that pick chooses, plays the telephone world that its actions reach,
// and checks the invariants after each input.
type driver struct {
	pick     func(n int) int // 0..n-1
	d        Desk
	at       time.Time
	legs     int
	world    map[LegID]bool // alive in the world
	invited  map[LegID]bool // one dial is one INVITE
	lineage  map[CallID]InteractionID
	ids      map[string]bool // of calls, transfers: used once
	mirror   *Mirror         // by the events
	deferred map[uint64]bool // commands without a result yet
	accepted Kind            // the verb that was accepted last, if the last input was one
	trail    []string
	pause    func() time.Duration // before each input; nil: a second
	told     func(*Event)         // nil: nobody listens
}

func newDriver(pick func(n int) int) *driver {
	cfg := anyConfig(pick)
	d := &driver{
		pick: pick, d: newDesk(cfg, "b.0"), at: epoch0, world: map[LegID]bool{}, invited: map[LegID]bool{},
		lineage: map[CallID]InteractionID{}, ids: map[string]bool{}, deferred: map[uint64]bool{},
	}
	d.mirror = NewMirror(Snapshot{Agents: []AgentView{agentView(&d.d)}})
	d.mustStep(Input{Signal: &Signal{Kind: SignalLine, Up: true}})
	d.mustStep(Input{Signal: &Signal{Kind: SignalDevice, Up: true}})
	return d
}

// anyConfig draws the settings of a desk.
func anyConfig(pick func(n int) int) DeskConfig {
	cfg := DeskConfig{Agent: "anna", Line: "100", Trunk: "pbx", Identity: Identity{Number: "100"}}
	cfg.Connect = []Connect{OnDemand, Persistent}[pick(2)]
	cfg.CallWaiting = []CallWaiting{CallWaitingBusy, CallWaitingWait}[pick(2)]
	cfg.Transfer = []TransferMode{TransferBridge, TransferRefer}[pick(2)]
	cfg.Hold = []HoldMode{HoldLocal, HoldSignal}[pick(2)]
	cfg.ConsultReturn = []Return{ReturnAuto, ReturnManual}[pick(2)]
	cfg.WrapUp = []time.Duration{0, time.Minute}[pick(2)]
	cfg.ReferPeer = pick(2) == 0
	cfg.HoldBeep = []time.Duration{0, time.Second}[pick(2)]
	return cfg
}

func (dr *driver) mustStep(in Input) {
	if err := dr.step(in); err != nil {
		panic(err)
	}
}

// input draws the next one: mostly something that makes sense, sometimes not.
func (dr *driver) input() Input {
	switch n := dr.pick(60); {
	case n < 10:
		return Input{Command: dr.command()}
	case n < 20:
		return Input{Command: dr.legalCommand()}
	case n < 26:
		return Input{Signal: dr.legSignal()}
	case n < 50:
		return Input{Signal: dr.progress()}
	case n < 54:
		return Input{Offer: dr.offer()}
	case n < 57:
		return Input{Timer: dr.timer()}
	case n == 57:
		if dr.pick(8) == 0 {
			return Input{Retire: true}
		}
		cfg := anyConfig(dr.pick)
		return Input{Configure: &cfg}
	case n < 59:
		k := []SignalKind{SignalDevice, SignalLine}[dr.pick(2)]
		return Input{Signal: &Signal{Kind: k, Up: dr.pick(4) > 0}}
	default:
		return []Input{{Drain: true}, {Release: true}, {Signal: &Signal{Kind: SignalDevice, Up: true}}, {Signal: &Signal{Kind: SignalLine, Up: true}}}[min(dr.pick(40), 3)]
	}
}

func (dr *driver) command() *Command {
	c := &Command{Kind: Kinds[dr.pick(len(Kinds))], Number: []Number{"200", "+380441234567", "a\r\nb"}[min(dr.pick(12)/5, 2)], Digits: "42#"}
	if c.Kind == KindStatus {
		c.Status = []Status{StatusReady, StatusReady, StatusPause, StatusOffline}[dr.pick(4)]
	}
	if c.Kind == KindBind {
		c.Contact = []Contact{{}, {ID: "1"}, {ID: "2"}}[dr.pick(3)]
		c.Candidates = []Contact{{ID: "1"}, {ID: "2"}}[:dr.pick(3)]
	}
	if c.Kind == KindDial {
		return c
	}
	if n := len(dr.d.calls); n > 0 && dr.pick(4) > 0 {
		k := dr.d.calls[dr.pick(n)]
		c.Call = k.id
		if len(k.legs) > 0 && dr.pick(3) == 0 {
			c.Leg = k.legs[dr.pick(len(k.legs))].id
		}
	}
	if n := len(dr.d.transfer); n > 0 && dr.pick(5) == 0 {
		c.Transfer = dr.d.transfer[dr.pick(n)].id
	}
	return c
}

// legalCommand draws a verb that some leg offers, so that deep states are reached.
func (dr *driver) legalCommand() *Command {
	c := dr.command()
	if len(dr.d.calls) == 0 {
		return &Command{Kind: []Kind{KindStatus, KindDial}[dr.pick(2)], Status: StatusReady, Number: "200"}
	}
	k := &dr.d.calls[dr.pick(len(dr.d.calls))]
	c.Call, c.Leg, c.Transfer, c.Number = k.id, "", "", "300"
	if ks := actions(&dr.d, k, ""); len(ks) > 0 {
		c.Kind = ks[dr.pick(len(ks))]
		if (c.Kind == KindHangup || c.Kind == KindReject) && dr.pick(3) > 0 {
			c.Kind = ks[dr.pick(len(ks))]
		}
	}
	return c
}

// progress draws what a friendly world says next about a leg that is on its way.
func (dr *driver) progress() *Signal {
	var ids []LegID
	if l := dr.d.device.leg; l != nil && !l.up() {
		ids = append(ids, l.id)
	}
	for _, c := range dr.d.calls {
		for _, l := range c.legs {
			if l.live() && !l.up() && (!l.inbound || l.answering) {
				ids = append(ids, l.id)
			}
		}
	}
	if dr.d.device.ending != "" {
		return &Signal{Kind: SignalEnded, Leg: dr.d.device.ending}
	}
	if len(ids) == 0 {
		return dr.legSignal()
	}
	k := []SignalKind{SignalAnswered, SignalAnswered, SignalRinging, SignalEarly}[dr.pick(4)]
	return &Signal{Kind: k, Leg: ids[dr.pick(len(ids))], Events: true, Info: dr.pick(2) == 0}
}

func (dr *driver) legSignal() *Signal {
	kinds := []SignalKind{
		SignalAnswered, SignalAnswered, SignalAnswered, SignalAnswered, SignalRinging, SignalRinging, SignalEarly, SignalRejected, SignalEnded,
		SignalEnded, SignalLost, SignalMoved, SignalMedia, SignalReferResult, SignalReferRequest, SignalDigit, SignalDigitsDone, SignalDigitsDone, SignalDigitsTaken, SignalIdentity, SignalReofferFail,
	}
	s := &Signal{Kind: kinds[dr.pick(len(kinds))], ByPeer: dr.pick(3) > 0, Events: dr.pick(4) > 0, Info: dr.pick(2) == 0}
	s.Leg = dr.anyLeg()
	switch s.Kind {
	case SignalReferRequest:
		s.Number = "300"
	case SignalRejected:
		s.Status = []int{486, 603, 480, 404, 500, 408}[dr.pick(6)]
	case SignalMedia:
		s.Direction = []Direction{DirectionSendRecv, DirectionSendOnly, DirectionInactive, DirectionRecvOnly}[dr.pick(4)]
	case SignalDigitsTaken, SignalDigitsDone:
		if n := len(dr.d.untaken); n > 0 && dr.pick(4) > 0 {
			u := dr.d.untaken[dr.pick(n)]
			s.Leg, s.Serial = u.legs[dr.pick(len(u.legs))], u.serial
		}
		s.Status = []int{0, 405, 500}[dr.pick(3)]
		s.Cause = []Cause{"", CauseFailure}[min(s.Status, 1)]
	case SignalReferResult:
		i := dr.pick(4)
		s.Status, s.Final = []int{202, 180, 200, 486}[i], i >= 2
	}
	return s
}

func (dr *driver) anyLeg() LegID {
	var ids []LegID
	if l := dr.d.device.leg; l != nil {
		ids = append(ids, l.id, l.id)
	}
	if dr.d.device.ending != "" {
		ids = append(ids, dr.d.device.ending)
	}
	for _, c := range dr.d.calls {
		for _, l := range c.legs {
			ids = append(ids, l.id)
		}
	}
	if len(ids) == 0 || dr.pick(30) == 0 {
		return "l-stranger"
	}
	return ids[dr.pick(len(ids))]
}

func (dr *driver) offer() *Offer {
	dr.legs++
	o := &Offer{Kind: OfferLine, Leg: LegID(fmt.Sprintf("in-%d", dr.legs)), From: Identity{Number: "555"}, To: "300"}
	switch dr.pick(8) {
	case 0, 1:
		o.Kind = OfferDevice
	case 2:
		if len(dr.d.calls) > 0 {
			o.Replaces = dr.anyLeg()
		}
	case 3, 4:
		o.Queue = "Sales"
	}
	return o
}

func (dr *driver) timer() *Timer {
	if n := len(dr.d.timers); n > 0 && dr.pick(8) > 0 {
		t := dr.d.timers[dr.pick(n)]
		return &t
	}
	return &Timer{Kind: TimerCall, ID: "c-b.0-1"}
}

// step applies an input and checks everything.
func (dr *driver) step(in Input) error {
	pause := time.Second
	if dr.pause != nil {
		pause = dr.pause()
	}
	dr.at = dr.at.Add(pause)
	in.At = dr.at
	dr.trail = append(dr.trail, describe(in))
	before := dr.d
	beforeChart := chart(&before)
	d, acts, err := next(dr.d, in)
	if s := chart(&before); s != beforeChart {
		return fmt.Errorf("next changed its argument:\n%s\n%s", beforeChart, s)
	}
	dr.d, dr.accepted = d, ""
	if in.Command != nil && err == nil {
		dr.accepted = in.Command.Kind
	}
	if rings := slices.ContainsFunc(before.calls, func(c call) bool { return c.agent && c.waiting() }); rings && dr.begins(in, acts) {
		return fmt.Errorf("a call of the agent's own began while one rings")
	}
	if err := dr.checkReply(in, acts, err); err != nil {
		return err
	}
	if err := dr.play(in, acts, err); err != nil {
		return err
	}
	for _, check := range []func(*Desk) error{checkShape, checkBusy, checkAlone, checkPatch} {
		if err := check(&dr.d); err != nil {
			return err
		}
	}
	if err := dr.checkLive(acts); err != nil {
		return err
	}
	return dr.checkIDs()
}

// checkLive: whoever follows the events knows everything.
func (dr *driver) checkLive(acts []Action) error {
	for _, a := range acts {
		if a.Kind != ActPublish {
			continue
		}
		dr.mirror.Apply(journal.Cursor{Seq: dr.mirror.Cursor.Seq + 1}, a.Event)
		if dr.told != nil {
			dr.told(a.Event)
		}
	}
	v := viewOf(&dr.d)
	m := dr.mirror
	if len(m.Calls) != len(v.calls) || len(m.Transfers) != len(v.transfers) {
		return fmt.Errorf("the events leave %d calls and %d transfers alive of %d and %d", len(m.Calls), len(m.Transfers), len(v.calls), len(v.transfers))
	}
	if a := m.Agents[v.agent.ID]; !a.equal(&v.agent) || m.Draining() != v.draining {
		return fmt.Errorf("by the events the agent is %+v, not %+v", a, v.agent)
	}
	for i := range v.calls {
		if c := m.Calls[v.calls[i].ID]; !c.equal(&v.calls[i]) {
			return fmt.Errorf("by the events the call is %+v, not %+v", c, v.calls[i])
		}
	}
	for _, t := range v.transfers {
		if m.Transfers[t.ID] != t {
			return fmt.Errorf("by the events the transfer is %+v, not %+v", m.Transfers[t.ID], t)
		}
	}
	return nil
}

// begins reports whether an input began a call of the agent's own: by dial or on the phone.
func (dr *driver) begins(in Input, acts []Action) bool {
	fromPhone := in.Offer != nil && in.Offer.Kind == OfferDevice && in.Offer.Replaces == ""
	return dr.accepted == KindDial || fromPhone && !slices.ContainsFunc(acts, func(a Action) bool { return a.Kind == ActReject })
}

// checkReply is invariant 4: exactly one result, at once or later.
func (dr *driver) checkReply(in Input, acts []Action, err error) error {
	n, patched, published := 0, false, false
	for _, a := range acts {
		switch a.Kind {
		case ActDefer:
			n++
			dr.deferred[a.Serial] = true
		case ActReply:
			if a.Serial == 0 {
				n++
			} else if !dr.deferred[a.Serial] {
				return fmt.Errorf("a reply to %d, which waits for none", a.Serial)
			}
			delete(dr.deferred, a.Serial)
		case ActPatch:
			if published {
				return fmt.Errorf("an event was published before the patch of its state")
			}
			patched = true
		case ActPublish:
			published = true
		}
	}
	if want := in.Command != nil && err == nil; (n == 1) != want || n > 1 {
		return fmt.Errorf("%d replies, err=%v", n, err)
	}
	if err != nil && patched {
		return fmt.Errorf("a refused input changed the patch")
	}
	return dr.checkUntaken()
}

// checkUntaken: a command without a result waits for a party that is there.
func (dr *driver) checkUntaken() error {
	if len(dr.deferred) != len(dr.d.untaken) {
		return fmt.Errorf("%d commands without a result, %d strings", len(dr.deferred), len(dr.d.untaken))
	}
	for _, u := range dr.d.untaken {
		for _, id := range u.legs {
			if _, l := dr.d.legOf(id); !dr.deferred[u.serial] || l == nil || !l.up() {
				return fmt.Errorf("digits %d wait for leg %s", u.serial, id)
			}
		}
		if len(u.legs) == 0 {
			return fmt.Errorf("digits %d wait for nobody", u.serial)
		}
	}
	return nil
}

// play keeps the world's legs: what ends by a signal or by us is gone, and the desk must know exactly
// the others.
func (dr *driver) play(in Input, acts []Action, err error) error {
	if o := in.Offer; o != nil && err == nil {
		dr.world[o.Leg] = true
	}
	if s := in.Signal; s != nil && (s.Kind == SignalEnded || s.Kind == SignalRejected) && err == nil {
		delete(dr.world, s.Leg)
	}
	for _, a := range acts {
		switch a.Kind {
		case ActInvite:
			if dr.invited[a.Leg] {
				return fmt.Errorf("leg %s invited twice", a.Leg)
			}
			dr.invited[a.Leg], dr.world[a.Leg] = true, true
		case ActHangup, ActReject:
			delete(dr.world, a.Leg)
		}
	}
	known := map[LegID]bool{}
	if l := dr.d.device.leg; l != nil {
		known[l.id] = true
	}
	for _, c := range dr.d.calls {
		for _, l := range c.legs {
			if l.live() {
				known[l.id] = true
			}
		}
	}
	for id := range dr.world {
		if !known[id] {
			return fmt.Errorf("leg %s is an orphan in the world", id)
		}
	}
	for id := range known {
		if !dr.world[id] {
			return fmt.Errorf("leg %s lives only in the desk", id)
		}
	}
	return nil
}

// checkIDs is invariant 5.
func (dr *driver) checkIDs() error {
	live := map[string]bool{}
	for _, c := range dr.d.calls {
		if i, ok := dr.lineage[c.id]; ok && i != c.interaction {
			// a consult call gets its customer's interaction in the step that makes it, never later
			return fmt.Errorf("call %s changed its interaction", c.id)
		}
		dr.lineage[c.id] = c.interaction
		live[string(c.id)] = true
	}
	for id := range dr.ids {
		if !dr.ids[id] && live[id] {
			return fmt.Errorf("id %s was used again", id)
		}
		dr.ids[id] = live[id]
	}
	for id := range live {
		dr.ids[id] = true
	}
	return nil
}

// checkShape: at most one call has the agent's attention, and each phase has the legs it needs.
func checkShape(d *Desk) error {
	focus := 0
	for i := range d.calls {
		c := &d.calls[i]
		if c.agent && c.phase.focused() {
			focus++
		}
		up, live := 0, 0
		for j := range c.legs {
			if c.legs[j].up() {
				up++
			}
			if c.legs[j].live() {
				live++
			}
		}
		want := map[Phase][2]int{
			PhaseOffered: {0, 1}, PhaseAnswering: {0, 1}, PhaseCalling: {0, 0}, PhaseDialling: {0, 1}, PhaseTalking: {1, 1}, PhaseHeld: {1, 1},
			PhaseConference: {2, 2}, PhaseBridged: {2, 2}, PhaseForwarding: {1, 2}, PhaseRecall: {1, 1}, PhaseReferring: {1, 1}, PhaseReferred: {1, 2},
			PhaseTone: {up, live},
		}
		if w, ok := want[c.phase]; !ok || w != [2]int{up, live} {
			return fmt.Errorf("call %s in %s has %d legs up, %d live", c.id, c.phase, up, live)
		}
		if c.transfer != "" && d.transferByID(c.transfer) == nil {
			return fmt.Errorf("call %s names a transfer that is over", c.id)
		}
		if c.phase == PhaseTone && c.agent == (live > 0) {
			return fmt.Errorf("call %s: a tone is for the agent or for the customer", c.id)
		}
		if held := c.phase == PhaseHeld || c.phase == PhaseReferring; !held {
			for _, l := range c.legs {
				if l.state == LegHeld {
					return fmt.Errorf("leg %s is held in phase %s", l.id, c.phase)
				}
			}
		}
	}
	for i := range d.transfer {
		t := &d.transfer[i]
		if d.call(t.call) == nil {
			return fmt.Errorf("transfer %s has no customer's call", t.id)
		}
	}
	if focus > 1 {
		return fmt.Errorf("%d calls have the agent's attention", focus)
	}
	return nil
}

// checkBusy is invariant 1, from what adapters see.
func checkBusy(d *Desk) error {
	v := viewOf(d)
	busy := v.agent.WrapUp
	for _, c := range v.calls {
		for _, l := range c.Legs {
			busy = busy || l.Role == RoleDevice
		}
		switch c.Phase {
		case PhaseBridged, PhaseForwarding:
		case PhaseTone, PhaseReferring, PhaseHeld:
			busy = busy || d.call(c.ID).agent
		default:
			busy = true
		}
	}
	if v.agent.Busy != busy {
		return fmt.Errorf("busy is %v, want %v", v.agent.Busy, busy)
	}
	unavailable := busy || v.agent.Status != StatusReady || !v.agent.Registered || d.closed() || (!v.agent.Device.Reachable && !d.deviceUp())
	if unavailable != (len(v.agent.Why) > 0) {
		return fmt.Errorf("unavailable=%v but why=%v", unavailable, v.agent.Why)
	}
	return nil
}

// checkAlone is invariant 2: no leg stays alive and alone.
func checkAlone(d *Desk) error {
	running := func(kinds ...TimerKind) bool {
		return slices.ContainsFunc(d.timers, func(t Timer) bool { return slices.Contains(kinds, t.Kind) })
	}
	ofCall := func(id CallID) bool {
		return slices.ContainsFunc(d.timers, func(t Timer) bool { return t.Kind == TimerCall && t.ID == string(id) })
	}
	heard := map[LegID]Hear{}
	for _, h := range d.patch {
		heard[h.Leg] = h
	}
	for _, c := range d.calls {
		for _, l := range c.legs {
			h := heard[l.id]
			bridged := l.up() && (len(h.From) > 0 || (c.muted && d.deviceUp() && c.agent && c.phase == PhaseTalking))
			if l.live() && !bridged && !ofCall(c.id) && !running(TimerDevice, TimerEnding, TimerRedial) {
				return fmt.Errorf("leg %s of %s (%s) is alone: hears %+v, no timer", l.id, c.id, c.phase, h)
			}
		}
	}
	l := d.device.leg
	if l == nil {
		return nil
	}
	anyCall := slices.ContainsFunc(d.calls, func(c call) bool { return c.agent && ofCall(c.id) })
	parked := d.config.Connect == Persistent && l.up()
	if len(heard[l.id].From) == 0 && !anyCall && !parked && !running(TimerDevice) {
		return fmt.Errorf("the device's leg is alone")
	}
	return nil
}

// checkPatch is invariant 3: the table of the design, written down a second time.
func checkPatch(d *Desk) error {
	got := map[LegID]string{}
	for _, h := range d.patch {
		from := make([]string, len(h.From))
		for i, f := range h.From {
			from[i] = string(f)
		}
		slices.Sort(from)
		got[h.Leg] = strings.Join(from, "+") + "|" + string(h.Source.Kind)
	}
	agent, agentUp := LegID(""), d.deviceUp()
	if d.device.leg != nil {
		agent = d.device.leg.id
	}
	sum := func(ids ...LegID) string {
		s := make([]string, 0, len(ids))
		for _, id := range ids {
			s = append(s, string(id))
		}
		slices.Sort(s)
		return strings.Join(s, "+")
	}
	want := map[LegID]string{}
	hears, waits, held := "|", false, false
	for i := range d.calls {
		c := &d.calls[i]
		waits = waits || (c.agent && c.waiting())
		held = held || (c.agent && c.phase == PhaseHeld)
		for j := range c.legs {
			l := &c.legs[j]
			if l.early && !l.up() {
				want[l.id] = "|"
			}
			if !l.up() {
				continue
			}
			want[l.id] = "|music"
			var other LegID
			if len(c.legs) == 2 {
				other = c.legs[1-j].id
			}
			switch c.phase {
			case PhaseTalking:
				switch {
				case agentUp && c.muted:
					want[l.id] = "|"
				case agentUp:
					want[l.id] = sum(agent) + "|"
				}
			case PhaseConference:
				want[l.id] = sum(other) + "|"
				if agentUp && !c.muted {
					want[l.id] = sum(other, agent) + "|"
				}
			case PhaseBridged:
				want[l.id] = sum(other) + "|"
			case PhaseForwarding:
				switch target := &c.legs[1]; {
				case target.early:
					want[l.id] = sum(target.id) + "|"
				case target.state == LegAlerting:
					want[l.id] = "|ring_back"
				}
			case PhaseRecall:
				want[l.id] = "|ring_back"
			case PhaseTone:
				want[l.id] = "|" + string(toneOf(c.cause))
			}
		}
		if !c.agent {
			continue
		}
		switch c.phase {
		case PhaseTalking:
			hears = sum(c.legs[0].id) + "|"
		case PhaseConference:
			hears = sum(c.legs[0].id, c.legs[1].id) + "|"
		case PhaseDialling:
			hears = "|ring_back"
			if c.legs[0].early {
				hears = sum(c.legs[0].id) + "|"
			}
		case PhaseReferred:
			hears = "|ring_back"
			if c.legs[1].early {
				hears = sum(c.legs[1].id) + "|"
			}
		case PhaseTone:
			hears = "|" + string(toneOf(c.cause))
		}
	}
	if hears == "|" && d.focus() == nil && held && d.config.HoldBeep > 0 {
		hears = "|hold_beep"
	}
	if waits && strings.HasSuffix(hears, "|") {
		hears += string(SourceCallWaiting)
	}
	if agentUp {
		want[agent] = hears
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		return fmt.Errorf("patch is\n  %v, want\n  %v", got, want)
	}
	return nil
}

func describe(in Input) string {
	switch {
	case in.Command != nil:
		return fmt.Sprintf("command %s call=%s leg=%s transfer=%s number=%q", in.Command.Kind, in.Command.Call, in.Command.Leg, in.Command.Transfer, in.Command.Number)
	case in.Signal != nil:
		return fmt.Sprintf("signal %s leg=%s status=%d by_peer=%v final=%v up=%v dir=%s", in.Signal.Kind, in.Signal.Leg, in.Signal.Status, in.Signal.ByPeer, in.Signal.Final, in.Signal.Up, in.Signal.Direction)
	case in.Offer != nil:
		return fmt.Sprintf("offer %s leg=%s queue=%s replaces=%s", in.Offer.Kind, in.Offer.Leg, in.Offer.Queue, in.Offer.Replaces)
	case in.Timer != nil:
		return fmt.Sprintf("timer %s %s", in.Timer.Kind, in.Timer.ID)
	}
	return fmt.Sprintf("drain=%v release=%v retire=%v configure=%+v", in.Drain, in.Release, in.Retire, in.Configure)
}

// chart prints a desk's state in a line or two, for goldens and failures.
func chart(d *Desk) string {
	var b strings.Builder
	b.WriteString("device=")
	switch l := d.device.leg; {
	case l == nil:
		b.WriteString("none")
	case d.device.auto:
		fmt.Fprintf(&b, "%s,auto", l.state)
	default:
		b.WriteString(string(l.state))
	}
	if d.device.ending != "" {
		b.WriteString(",ending")
	}
	if d.device.lost > 0 {
		fmt.Fprintf(&b, ",lost=%d", d.device.lost)
	}
	if d.device.wait > 0 {
		b.WriteString(",redial")
	}
	if d.wrapUp != 0 {
		b.WriteString(" wrap_up")
	}
	for _, c := range d.calls {
		fmt.Fprintf(&b, " | %s", c.phase)
		if c.agent {
			b.WriteString("+A")
		}
		if c.muted {
			b.WriteString(" muted")
		}
		for _, l := range c.legs {
			fmt.Fprintf(&b, " %s:%s", l.role, l.state)
			if l.early {
				b.WriteString("(early)")
			}
		}
		if c.cause != "" {
			fmt.Fprintf(&b, " cause=%s", c.cause)
		}
	}
	for _, t := range d.transfer {
		fmt.Fprintf(&b, " | transfer %s %s", t.kind, t.status)
	}
	return b.String()
}
