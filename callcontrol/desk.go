package callcontrol

import (
	"slices"
	"strconv"
	"time"
)

// Desk is one agent's live calls and statuses as one value. Only next makes new ones.
type Desk struct {
	config   DeskConfig
	prefix   string // makes ids of this desk in this life unique
	serial   uint64 // of the last id
	epoch    uint64 // of the last phase change: tells a stale timer from a running one
	lineUp   bool
	lineWhy  string
	device   device
	status   Status
	reason   string
	wrapUp   uint64 // epoch of the running wrap-up timer, 0: none
	draining bool
	retired  bool        // taken out of the configuration: ends with its last call
	wanted   *DeskConfig // comes into force with the end of the last call; nil: nothing waits
	calls    []call
	transfer []transfer
	dials    []time.Time // of the last second, for DialPolicy.PerSecond
	timers   []Timer     // running
	untaken  []untaken   // digits by INFO that no peer has taken yet
	patch    Patch       // in force or on its way
}

// device is where the agent's audio lives.
type device struct {
	reachable bool
	why       string
	leg       *leg     // nil: none
	auto      bool     // the leg was invited with auto-answer: its answer is no pick-up
	ending    LegID    // hung up, not yet gone: the next INVITE waits for it
	lost      int      // calls made to a lost device, 0: not lost
	wait      uint64   // epoch of a running redial timer, 0: none
	moved     bool     // the leg is to a phone that is not the agent's any more
	held      CallID   // held from the phone's own key
	shows     Identity // the party that the phone was told last over this leg
	named     bool     // it was told the name of a record over this leg: from then on it follows the talk
}

// call is one talk at one time.
type call struct {
	id          CallID
	interaction InteractionID
	direction   CallDirection
	phase       Phase
	epoch       uint64
	queue       string
	variables   []Variable
	remote      Identity
	diversion   []Identity
	contact     Contact
	candidates  []Contact
	started     time.Time
	answered    time.Time
	agent       bool // the agent is a party
	muted       bool
	number      Number // to dial, once the device is there
	legs        []leg  // the other parties; the customer first
	transfer    TransferID
	from, to    CallID
	cause       Cause
	ender       Ender // with cause
	noRing      bool  // the device failed for this offer: do not ring it again
}

// leg is one party's dialog.
type leg struct {
	id        LegID
	role      Role
	state     LegState
	party     Identity
	inbound   bool
	answering bool // answered by us, media not yet negotiated
	early     bool
	peerHold  bool
	events    bool
	info      bool
	infoTaken bool // it took a digit by INFO
	cause     Cause
}

// transfer joins a customer's call to a target.
type transfer struct {
	id       TransferID
	kind     TransferKind
	status   TransferStatus
	call     CallID
	consult  CallID // also set after the two were merged
	target   Number
	leg      LegID
	cause    Cause
	accepted bool  // refer: the peer took the request
	peer     LegID // the leg whose peer asked for it, empty: the agent did
}

func (t *transfer) final() bool { return t.status.final() }

func (s TransferStatus) final() bool {
	return s == TransferCompleted || s == TransferCancelled || s == TransferFailed
}

// newDesk makes an idle desk. prefix must be unique among all desks and lives.
func newDesk(cfg DeskConfig, prefix string) Desk {
	cfg = cfg.withDefaults()
	return Desk{config: cfg, prefix: prefix, status: cfg.Status}
}

// clone copies everything next may change.
func (d Desk) clone() Desk {
	d.calls = slices.Clone(d.calls)
	for i := range d.calls {
		d.calls[i].legs = slices.Clone(d.calls[i].legs)
	}
	d.transfer = slices.Clone(d.transfer)
	d.dials = slices.Clone(d.dials)
	d.timers = slices.Clone(d.timers)
	d.untaken = slices.Clone(d.untaken)
	for i := range d.untaken {
		d.untaken[i].legs = slices.Clone(d.untaken[i].legs)
	}
	if d.device.leg != nil {
		l := *d.device.leg
		d.device.leg = &l
	}
	return d
}

func (d *Desk) newID(kind string) string {
	d.serial++
	return kind + "-" + d.prefix + "-" + strconv.FormatUint(d.serial, 10)
}

func (d *Desk) call(id CallID) *call {
	for i := range d.calls {
		if d.calls[i].id == id && d.calls[i].phase != PhaseEnded {
			return &d.calls[i]
		}
	}
	return nil
}

func (d *Desk) transferByID(id TransferID) *transfer {
	for i := range d.transfer {
		if d.transfer[i].id == id && !d.transfer[i].final() {
			return &d.transfer[i]
		}
	}
	return nil
}

// transferOf is the pending transfer of a call, nil without one.
func (d *Desk) transferOf(c *call) *transfer {
	if c.transfer == "" {
		return nil
	}
	return d.transferByID(c.transfer)
}

// legOf finds a far leg.
func (d *Desk) legOf(id LegID) (*call, *leg) {
	for i := range d.calls {
		if l := d.calls[i].leg(id); l != nil && d.calls[i].phase != PhaseEnded {
			return &d.calls[i], l
		}
	}
	return nil, nil
}

func (c *call) leg(id LegID) *leg {
	for i := range c.legs {
		if c.legs[i].id == id {
			return &c.legs[i]
		}
	}
	return nil
}

// customer is the call's first far leg, nil when there is none (yet).
func (c *call) customer() *leg {
	if len(c.legs) == 0 {
		return nil
	}
	return &c.legs[0]
}

func (l *leg) live() bool { return l.state != LegFailed && l.state != LegEnded }

// up: media flows both ways as far as signalling goes.
func (l *leg) up() bool { return l.state == LegConnected || l.state == LegHeld }

// deviceUp reports whether the agent's audio is there.
func (d *Desk) deviceUp() bool { return d.device.leg != nil && d.device.leg.up() }

// focus is the call that has the agent's attention: the only one that may be in such a phase.
func (d *Desk) focus() *call {
	for i := range d.calls {
		if c := &d.calls[i]; c.agent && c.phase.focused() {
			return c
		}
	}
	return nil
}

func (p Phase) focused() bool {
	switch p {
	case PhaseAnswering, PhaseCalling, PhaseDialling, PhaseTone, PhaseTalking, PhaseConference, PhaseReferring, PhaseReferred:
		return true
	}
	return false
}

// waiting reports whether the call rings for the agent.
func (c *call) waiting() bool { return c.phase == PhaseOffered || c.phase == PhaseRecall }

// busy is derived, never stored: a call with the agent (an offer too) or a wrap-up timer.
func (d *Desk) busy() bool { return d.wrapUp != 0 || d.engaged("") }

// engaged reports whether the agent is a party of a call other than except.
func (d *Desk) engaged(except CallID) bool {
	return slices.ContainsFunc(d.calls, func(c call) bool {
		return c.agent && c.phase != PhaseEnded && c.id != except
	})
}

// outgoing counts the live legs that this desk dialled from its line.
func (d *Desk) outgoing() (n int) {
	for i := range d.calls {
		for j := range d.calls[i].legs {
			if l := &d.calls[i].legs[j]; l.live() && !l.inbound {
				n++
			}
		}
	}
	return n
}

// maxLegs bounds the far legs of a desk: a media board has few slots.
const maxLegs = 12

func (d *Desk) legs() (n int) {
	for i := range d.calls {
		n += len(d.calls[i].legs)
	}
	return n
}
