package sim

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"cordboard/sipua"
	"cordboard/sipua/offer"
)

// State is how far a party's call is.
type State string

// States.
const (
	StateCalling   State = "calling"
	StateRinging   State = "ringing" // either side alerts
	StateTalking   State = "talking"
	StateEnded     State = "ended"
	StateRejecting State = "rejecting"
)

// Party is one endpoint in one call: a customer, a colleague, or an agent's phone.
type Party struct {
	Name  string
	Sound *Sound

	mu      sync.Mutex
	dialog  *sipua.Dialog
	state   State
	status  int // final SIP status of a call of ours that failed
	cause   sipua.Cause
	reason  string // text of the peer's Reason header
	byPeer  bool
	caller  sipua.Identity // who called, or the identity told later
	headers []sipua.Header
	held    bool // the peer holds us
	refer   Referral
	infos   []InfoKey
	refers  int // status with which a REFER ends; 0: 200
	onRefer func(sipua.ReferRequested)
	told    []int // what the peer said of our REFER
	changed chan struct{}
}

func newParty(name string, s *Sound, state State) *Party {
	return &Party{Name: name, Sound: s, state: state, changed: make(chan struct{})}
}

// Ring alerts, with early media when early is set.
func (p *Party) Ring(early bool) {
	if early {
		l := p.Sound.Local(offer.SendRecv)
		p.get().Ring(&l)
		return
	}
	p.get().Ring(nil)
}

// Answer takes the call.
func (p *Party) Answer() { p.get().Answer(p.Sound.Local(offer.SendRecv)) }

// Reject refuses the call with a SIP status.
func (p *Party) Reject(status int) { p.get().Reject(status, "") }

// Hangup ends the call in whatever state it is.
func (p *Party) Hangup() { p.get().Hangup("") }

// Hold tells the peer by re-INVITE that it is on hold, as the hold key of a phone does; Resume takes it back.
func (p *Party) Hold() { p.get().Reoffer(p.Sound.Local(offer.SendOnly)) }

// Resume ends Hold.
func (p *Party) Resume() { p.get().Reoffer(p.Sound.Local(offer.SendRecv)) }

// Refer asks the peer to be transferred to number.
func (p *Party) Refer(number, host string) { p.get().Refer(sipua.URI{User: number, Host: host}, nil) }

// InfoKey is a key that came by SIP INFO.
type InfoKey struct {
	Code     rune
	Duration time.Duration
	At       time.Time
}

// InfoKeys are the keys that came by SIP INFO so far.
func (p *Party) InfoKeys() []InfoKey {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.infos)
}

// Referral is a REFER that a party received.
type Referral struct {
	Target   string          // user part
	Replaces *sipua.DialogID // RFC 3891; nil: none
}

// ReferEnds sets the final status that a REFER to this party is told by NOTIFY; without it the status is 200.
func (p *Party) ReferEnds(status int) { p.set(func() { p.refers = status }) }

// OnRefer lets f answer a REFER to this party instead; a REFER that f leaves alone stays without an answer.
func (p *Party) OnRefer(f func(sipua.ReferRequested)) { p.set(func() { p.onRefer = f }) }

// ReferTold is what the peer said of a REFER of this party: the status of its answer, then those of NOTIFYs.
func (p *Party) ReferTold() []int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]int(nil), p.told...)
}

// Forget ends the call at this party alone, as a phone does that restarts: the peer gets 481 when it asks next.
func (p *Party) Forget() { p.get().Forget() }

// Referred is the REFER that this party received; its zero value: none.
func (p *Party) Referred() Referral {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.refer
}

// Dialog names this party's side of its dialog.
func (p *Party) Dialog() sipua.DialogID { return p.get().ID() }

// State is how far the call is.
func (p *Party) State() State {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state
}

// Outcome tells why the call ended: the SIP status of a refused call of ours, else cause and side.
func (p *Party) Outcome() (status int, cause sipua.Cause, byPeer bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.status, p.cause, p.byPeer
}

// Reason is the text with which the call ended, of the peer's Reason header (RFC 3326); empty: none was given.
func (p *Party) Reason() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.reason
}

// Peer is who the other side says it is, as of its newest word.
func (p *Party) Peer() sipua.Identity {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.caller
}

// Headers are the captured headers of the INVITE that this party received.
func (p *Party) Headers() []sipua.Header { return p.headers }

// OnHold reports whether the peer holds this party by its SDP.
func (p *Party) OnHold() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.held
}

// Wait returns when the call has reached one of the states. The error says where it stands instead.
func (p *Party) Wait(ctx context.Context, states ...State) error {
	for {
		p.mu.Lock()
		now, changed := p.state, p.changed
		p.mu.Unlock()
		for _, s := range states {
			if now == s {
				return nil
			}
		}
		if now == StateEnded {
			status, cause, _ := p.Outcome()
			return fmt.Errorf("%s: call ended (status %d, %s) while waiting for %v", p.Name, status, cause, states)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("%s: still %s while waiting for %v: %w", p.Name, now, states, ctx.Err())
		}
	}
}

// Tones listens for d from now on and names what is heard among the known tones.
func (p *Party) Tones(ctx context.Context, d time.Duration, known Tones) ([]string, error) {
	pcm, err := p.Sound.Listen(ctx, d)
	if err != nil {
		return nil, err
	}
	return known.In(pcm), nil
}

func (p *Party) get() *sipua.Dialog {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dialog
}

func (p *Party) setDialog(d *sipua.Dialog) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dialog = d
}

func (p *Party) set(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *Party) onDialog(ev sipua.DialogEvent) {
	switch e := ev.(type) {
	case sipua.Ringing:
		p.set(func() { p.state = StateRinging })
	case sipua.Early:
		p.Sound.Agree(e.Media)
		p.set(func() { p.state = StateRinging })
	case sipua.Answered:
		p.Sound.Agree(e.Media)
		p.set(func() { p.state, p.held = StateTalking, e.Media.PeerHolds() })
	case sipua.Media:
		p.Sound.Agree(e.Media)
		p.set(func() { p.held = e.Media.PeerHolds() })
	case sipua.Info:
		if e.Digit != 0 {
			p.set(func() { p.infos = append(p.infos, InfoKey{e.Digit, e.Duration, time.Now()}) })
		}
	case sipua.ReferRequested:
		p.referred(e)
	case sipua.ReferProgress:
		p.set(func() { p.told = append(p.told, e.Status) })
	case sipua.IdentityChanged:
		p.set(func() { p.caller = e.Identity })
	case sipua.Rejected:
		p.set(func() { p.state, p.status = StateEnded, e.Status })
		p.Sound.Close()
	case sipua.Ended:
		p.set(func() { p.state, p.cause, p.byPeer, p.reason = StateEnded, e.Cause, e.ByPeer, e.Reason })
		p.Sound.Close()
	}
}

// referred accepts a REFER and tells how the new call fares, as a PBX does that carries it out.
func (p *Party) referred(e sipua.ReferRequested) {
	status := 200
	var other func(sipua.ReferRequested)
	p.set(func() {
		other = p.onRefer
		p.refer = Referral{Target: e.Target.User, Replaces: e.Replaces}
		if p.refers != 0 {
			status = p.refers
		}
	})
	if other != nil {
		other(e)
		return
	}
	e.Accept()
	e.Notify(180)
	e.Notify(status)
}
