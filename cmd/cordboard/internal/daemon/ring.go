package daemon

import (
	"sync"
	"time"

	"cordboard/sipua"
	"cordboard/sipua/offer"
)

// deviceSilence is how long a phone that is called may say nothing (no 18x) before it is taken for dead.
const deviceSilence = 3 * time.Second

// ring is a call to an agent's device, which may be several phones: each contact is called in a dialog of its own, the first
// that answers is the leg, the others are hung up (docs/adr/0010).
//
// Phones that ring do so together. A phone that is to answer by itself is called alone, or all would: the one at which the
// agent answered last, else the best; the next one when it fails or says nothing.
type ring struct {
	leg    *leg
	params sipua.InviteParams

	mu    sync.Mutex
	rest  []sipua.Contact // not called yet
	calls []*ringCall
	won   *ringCall
	hung  bool           // nobody is to answer any more
	told  bool           // the leg has ended without an answer
	best  sipua.Rejected // of the refusals
	timer *time.Timer    // calls the next one
}

// ringCall is the call to one contact. Its fields are guarded by the ring.
type ringCall struct {
	contact sipua.Contact
	dialog  *sipua.Dialog // nil until Invite has returned
	since   time.Time
	heard   bool // it rings
	gone    bool
}

func newRing(l *leg, params sipua.InviteParams, local *offer.Local) *ring {
	params.Offer = local
	return &ring{leg: l, params: params}
}

func (r *ring) start() {
	contacts := r.leg.desk.bestFirst(r.leg.d.stack.Contacts(r.params.Phone))
	if len(contacts) == 0 {
		r.leg.onDialog(sipua.Rejected{Reason: sipua.ErrNoPhone.Error()})
		return
	}
	r.mu.Lock()
	r.rest = contacts
	r.mu.Unlock()
	for r.next() && !r.params.AutoAnswer {
	}
}

// next calls another contact; false when there is none or somebody has answered.
func (r *ring) next() bool {
	r.mu.Lock()
	if len(r.rest) == 0 || r.hung || r.won != nil {
		r.mu.Unlock()
		return false
	}
	c := &ringCall{contact: r.rest[0], since: time.Now()}
	r.rest, r.calls = r.rest[1:], append(r.calls, c)
	n := len(r.calls)
	if len(r.rest) > 0 && r.params.AutoAnswer {
		r.timer = time.AfterFunc(deviceSilence, r.silent)
	}
	r.mu.Unlock()

	params := r.params
	params.Contact, params.OnFarewell = &c.contact, r.leg.farewellOf(n)
	d := r.leg.d.stack.Invite(params, func(ev sipua.DialogEvent) { r.on(c, ev) })

	r.mu.Lock()
	c.dialog = d
	mine, late := r.won == c, r.hung || r.won != nil && r.won != c
	r.mu.Unlock()
	if mine {
		r.leg.setDialog(d)
	}
	if late {
		d.Hangup("")
	}
	return true
}

// silent: the newest call has not answered for a while. One that rings is waited for.
func (r *ring) silent() {
	if !r.rings() {
		r.next()
	}
}

func (r *ring) rings() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.calls {
		if c.heard && !c.gone {
			return true
		}
	}
	return false
}

// on takes an event of one of the calls to the leg, if it is the leg's.
func (r *ring) on(c *ringCall, ev sipua.DialogEvent) {
	switch e := ev.(type) {
	case sipua.Ringing:
		r.alerts(c, e)
	case sipua.Early: // nobody hears a phone that rings
		r.alerts(c, sipua.Ringing{Status: e.Status})
	case sipua.Answered:
		r.answered(c, e)
	case sipua.Rejected:
		r.failed(c, e)
	case sipua.Ended:
		if !r.failed(c, sipua.Rejected{Status: 487}) {
			r.leg.onDialog(e)
		}
	default:
		r.mu.Lock()
		mine := r.won == c
		r.mu.Unlock()
		if mine {
			r.leg.onDialog(e)
		}
	}
}

func (r *ring) alerts(c *ringCall, e sipua.Ringing) {
	r.mu.Lock()
	c.heard = true
	over := r.hung || r.won != nil
	r.mu.Unlock()
	if !over {
		r.leg.onDialog(e)
	}
}

// answered makes a call the leg, unless another one is or the leg was hung up: then this one is too.
func (r *ring) answered(c *ringCall, e sipua.Answered) {
	r.mu.Lock()
	won := r.won == nil && !r.hung
	if won {
		r.won = c
	}
	d, others := c.dialog, r.stopLocked(r.won)
	r.mu.Unlock()
	if !won {
		if d != nil {
			d.Hangup("")
		}
		return
	}
	if d != nil {
		r.leg.setDialog(d)
	}
	for _, o := range others {
		o.Hangup("Call completed elsewhere") // RFC 3326 §2: no missed call
	}
	r.leg.desk.answeredAt(c.contact)
	r.leg.onDialog(e)
}

// stopLocked calls nobody more and gives the dialogs that have not ended, but one.
func (r *ring) stopLocked(but *ringCall) (live []*sipua.Dialog) {
	r.rest = nil
	if r.timer != nil {
		r.timer.Stop()
	}
	for _, c := range r.calls {
		if !c.gone && c != but && c.dialog != nil {
			live = append(live, c.dialog)
		}
	}
	return live
}

// failed: a call has ended that nobody answered, or that answered too late. false: it is the one that has answered.
func (r *ring) failed(c *ringCall, e sipua.Rejected) bool {
	r.mu.Lock()
	if r.won == c {
		r.mu.Unlock()
		return false
	}
	c.gone = true
	if weight(e.Status) > weight(r.best.Status) || r.best.Status == 0 && r.best.Reason == "" {
		r.best = e
	}
	var others []*sipua.Dialog
	if e.Status >= 600 && !r.hung && r.won == nil { // RFC 3261 §16.7 step 5: a person refuses it for all
		r.hung = true
		others = r.stopLocked(nil)
	}
	over, best := r.overLocked(), r.best
	r.mu.Unlock()
	for _, d := range others {
		d.Hangup("")
	}
	switch {
	case over:
		r.leg.onDialog(best)
	case !r.rings():
		r.next()
	}
	return true
}

// weight orders refusals: a person's word counts more than what a machine says.
func weight(status int) int {
	switch {
	case status >= 600:
		return 3
	case status == 486:
		return 2
	case status >= 300 && status != 408:
		return 1
	}
	return 0
}

// overLocked reports, once, that nobody will answer. After a hang-up a phone that never said a word is not waited for: it does
// not ring, and should it still answer it is hung up.
func (r *ring) overLocked() bool {
	if r.told || r.won != nil || len(r.rest) > 0 {
		return false
	}
	for _, c := range r.calls {
		if dead := r.hung && !c.heard && time.Since(c.since) >= deviceSilence; !c.gone && !dead {
			return false
		}
	}
	r.told = true
	return true
}

// hangup ends the leg in whatever state it is.
func (r *ring) hangup(reason string) {
	r.mu.Lock()
	r.hung = true
	live := r.stopLocked(nil)
	over := r.overLocked()
	r.mu.Unlock()
	for _, d := range live {
		d.Hangup(reason)
	}
	if over {
		r.leg.onDialog(sipua.Rejected{Status: 487})
	}
}
