package callcontrol

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// scene is a desk in a named state, built by the inputs that lead there, with names for its parts.
type scene struct {
	d    Desk
	at   time.Time
	acts []Action // of the last input
	err  error
	all  []Action

	call, consult            CallID
	customer, target, device LegID
	n                        int
}

func newScene(edit ...func(*DeskConfig)) *scene {
	cfg := DeskConfig{Agent: "anna", Line: "100", Trunk: "pbx", Identity: Identity{Number: "100"}}
	for _, f := range edit {
		f(&cfg)
	}
	s := &scene{d: newDesk(cfg, "b.0"), at: epoch0}
	s.must(Input{Signal: &Signal{Kind: SignalLine, Up: true}})
	s.must(Input{Signal: &Signal{Kind: SignalDevice, Up: true}})
	if s.d.config.Connect == Persistent {
		s.deviceAnswers()
	}
	return s
}

func (s *scene) do(in Input) error {
	s.at = s.at.Add(time.Second)
	in.At = s.at
	s.d, s.acts, s.err = next(s.d, in)
	s.all = append(s.all, s.acts...)
	if s.d.device.leg != nil {
		s.device = s.d.device.leg.id
	}
	return s.err
}

func (s *scene) must(in Input) {
	if err := s.do(in); err != nil {
		panic(fmt.Sprintf("%s: %v in %s", describe(in), err, chart(&s.d)))
	}
}

func (s *scene) cmd(k Kind, edit ...func(*Command)) {
	c := &Command{Kind: k, Call: s.call, Number: "300", Digits: "42#"}
	for _, f := range edit {
		f(c)
	}
	s.must(Input{Command: c})
}

func (s *scene) signal(k SignalKind, l LegID, edit ...func(*Signal)) {
	sig := &Signal{Kind: k, Leg: l, Events: true}
	for _, f := range edit {
		f(sig)
	}
	s.must(Input{Signal: sig})
}

func byPeer(s *Signal)                { s.ByPeer = true }
func status(n int) func(*Signal)      { return func(s *Signal) { s.Status = n } }
func final(n int) func(*Signal)       { return func(s *Signal) { s.Status, s.Final = n, true } }
func dir(d Direction) func(*Signal)   { return func(s *Signal) { s.Direction = d } }
func on(l LegID) func(*Command)       { return func(c *Command) { c.Leg = l } }
func onCall(id CallID) func(*Command) { return func(c *Command) { c.Call = id } }

func (s *scene) deviceAnswers() {
	if e := s.d.device.ending; e != "" {
		s.signal(SignalEnded, e)
	}
	s.signal(SignalAnswered, s.d.device.leg.id)
}

// expire runs out the timer of a kind (and id).
func (s *scene) expire(k TimerKind, id string) {
	for _, t := range s.d.timers {
		if t.Kind == k && (id == "" || t.ID == id) {
			s.must(Input{Timer: &t})
			return
		}
	}
	panic(fmt.Sprintf("timer %s %s is not running: %v", k, id, s.d.timers))
}

func (s *scene) offer(edit ...func(*Offer)) *scene {
	s.n++
	s.customer = LegID(fmt.Sprintf("in-%d", s.n))
	o := &Offer{Kind: OfferLine, Leg: s.customer, From: Identity{Display: "Customer", Number: "555"}}
	for _, f := range edit {
		f(o)
	}
	s.must(Input{Offer: o})
	if n := len(s.d.calls); n > 0 {
		s.call = s.d.calls[n-1].id
	}
	return s
}

func (s *scene) talk() *scene {
	s.offer()
	s.cmd(KindAnswer)
	if s.d.device.leg == nil || !s.d.device.leg.up() {
		s.deviceAnswers()
	}
	s.signal(SignalAnswered, s.customer)
	return s
}

func (s *scene) hold() *scene { s.cmd(KindHold); return s }

func (s *scene) startConsult() *scene {
	s.cmd(KindConsult)
	k := &s.d.calls[len(s.d.calls)-1]
	s.consult, s.target = k.id, k.legs[0].id
	return s
}

func (s *scene) alert() *scene         { s.signal(SignalRinging, s.target, status(180)); return s }
func (s *scene) targetAnswers() *scene { s.signal(SignalAnswered, s.target); return s }
func (s *scene) consultTalk() *scene   { return s.startConsult().alert().targetAnswers() }
func (s *scene) swap() *scene          { s.cmd(KindSwap); return s }
func (s *scene) conference() *scene    { s.cmd(KindConference); return s }
func (s *scene) complete() *scene      { s.cmd(KindComplete); return s }

func (s *scene) blind() *scene {
	s.cmd(KindBlind)
	if e := s.d.device.ending; e != "" {
		s.signal(SignalEnded, e)
	}
	if c := s.d.call(s.call); len(c.legs) > 1 {
		s.target = c.legs[1].id
	}
	return s
}

func (s *scene) dial() *scene {
	s.must(Input{Command: &Command{Kind: KindDial, Number: "200"}})
	s.call = s.d.calls[len(s.d.calls)-1].id
	return s
}

func (s *scene) dialling() *scene {
	s.dial().deviceAnswers()
	s.customer = s.d.calls[0].legs[0].id
	return s
}

// named replaces ids by names.
func (s *scene) named(text string) string {
	for _, p := range [][2]string{{string(s.customer), "C"}, {string(s.target), "T"}, {string(s.device), "A"}} {
		if p[0] != "" {
			text = strings.ReplaceAll(text, p[0], p[1])
		}
	}
	return text
}

// hears prints the patch, as "A:T C:music T:A".
func (s *scene) hears() string {
	var parts []string
	for _, h := range s.d.patch {
		from := make([]string, 0, 2)
		for _, f := range h.From {
			from = append(from, s.named(string(f)))
		}
		slices.Sort(from)
		if h.Source.Kind != "" {
			from = append(from, string(h.Source.Kind))
		}
		name := s.named(string(h.Leg))
		what := strings.Join(from, "+")
		if what == "" {
			what = "nothing"
		}
		parts = append(parts, name+":"+what)
	}
	slices.Sort(parts)
	return strings.Join(parts, " ")
}

// phases prints the calls, the customer's first.
func (s *scene) phases() string {
	var parts []string
	for _, c := range s.d.calls {
		p := string(c.phase)
		if c.agent {
			p += "+A"
		}
		parts = append(parts, p)
	}
	return strings.Join(parts, " ")
}

// told reports the last status that was published for the scene's transfer.
func (s *scene) transferTold() (st TransferStatus) {
	for _, a := range s.all {
		if a.Kind == ActPublish && a.Event.Kind == EventTransferChanged {
			st = a.Event.Transfer.Status
		}
	}
	return st
}

// sent lists what the last input sends to SIP, as "hangup:T(busy)".
func (s *scene) sent() string {
	var parts []string
	for _, a := range s.acts {
		switch a.Kind {
		case ActPatch, ActStartTimer, ActStopTimer, ActPublish, ActReply, ActDefer:
		case ActInvite:
			what := "line"
			if a.Invite.Device {
				what = "device"
				if a.Invite.AutoAnswer {
					what += ",auto"
				}
			}
			parts = append(parts, "invite:"+what)
		case ActReject, ActHangup:
			parts = append(parts, fmt.Sprintf("%s:%s(%s)", a.Kind, s.named(string(a.Leg)), a.Cause))
		default:
			parts = append(parts, fmt.Sprintf("%s:%s", a.Kind, s.named(string(a.Leg))))
		}
	}
	return strings.Join(parts, " ")
}

// outcome is what a cell of an outcome table comes to; empty fields are not looked at.

type outcome struct {
	phases, hears, sent string
	transfer            TransferStatus
	busy                string // "yes", "no"
}

func (s *scene) check(t *testing.T, w outcome) {
	t.Helper()
	busy := map[bool]string{true: "yes", false: "no"}[s.d.busy()]
	for _, c := range [][3]string{
		{"phases", s.phases(), w.phases}, {"hears", s.hears(), w.hears}, {"sent", s.sent(), w.sent},
		{"transfer", string(s.transferTold()), string(w.transfer)}, {"busy", busy, w.busy},
	} {
		if c[2] != "" && c[1] != strings.Trim(c[2], " ") {
			t.Errorf("%s: got %q, want %q", c[0], c[1], c[2])
		}
	}
	for _, f := range []func(*Desk) error{checkShape, checkBusy, checkAlone, checkPatch} {
		if err := f(&s.d); err != nil {
			t.Error(err)
		}
	}
}
