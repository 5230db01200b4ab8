package line

import "time"

// The chart of one line (golden table: testdata/chart.golden).
//
//	          start                    ok
//	  Idle ──────────▶ Registering ─────────▶ Registered ◀─────┐ ok
//	                   ▲   │     │              │ due, flow     │
//	               due │   │     │ refused      ▼ lost, retry   │
//	                   │   │     └─────┐     Refreshing ────────┘
//	       lost, busy  │   ▼           ▼        │ lost, busy, refused
//	                BackingOff      Parked ◀────┴──▶ BackingOff
//
//	abandon, from anywhere ──▶ Gone
//	stop, from anywhere: bound ──▶ Unregistering ──▶ Gone, else ──▶ Gone
//
// Registering, Refreshing and Unregistering have exactly one REGISTER under
// way (queued at the pacer or sent); the other phases have none. A challenge
// that can be answered, a 423 and a further target keep the phase and send
// again. BackingOff and Parked may still be bound: the registrar was not
// reached for a refresh, but the old binding has not run out.
type machine struct {
	phase    Phase
	bound    bool      // a binding may exist at the registrar
	stop     bool      // unregister once the REGISTER under way is done
	revive   bool      // register again once unregistered
	brief    bool      // a 423 was already followed in this round
	tried    uint8     // targets that failed in this round
	failures uint16    // rounds that failed in a row
	losses   uint16    // flows lost in a row, each soon after the one before
	lost     time.Time // the last of them
	until    time.Time // the binding runs out
	next     time.Time // the next attempt or refresh
	since    time.Time // phase entered
	asked    time.Duration
	status   int
	reason   string
}

type kind uint8

const (
	inStart      kind = iota + 1 // the line is wanted
	inDue                        // the armed time has come
	inOK                         // 2xx; granted 0 means that our contact is not in it
	inChallenged                 // 401 or 407 which can be answered
	inBrief                      // 423 with minExpires
	inLost                       // no answer, transport error or 503: another target may do
	inBusy                       // temporary failure of the registrar
	inRefused                    // permanent failure, or a challenge that must not be answered
	inFlowLost                   // the flow that the binding is on has ended
	inRetry                      // the operator or a changed password asks for an attempt now
	inStop                       // the line is wanted no more
	inAbandon                    // the manager stops and the registrar is silent
)

// input is everything that a step depends on.
type input struct {
	kind       kind
	now        time.Time
	roll       float64       // random in [0,1)
	granted    time.Duration // inOK
	minExpires time.Duration // inBrief
	retryAfter time.Duration // inLost, inBusy, inRefused
	targets    int           // inLost: targets the server's name has
	queued     bool          // inStop: the REGISTER under way has not left yet and can be dropped
	status     int
	reason     string
}

// limits is the part of the trunk's settings that the machine needs.
type limits struct {
	expires, backoffBase, backoffMax, slowRetry time.Duration
}

// effect is what the owner has to do after a step.
type effect struct {
	send    bool          // queue a REGISTER
	urgent  bool          // before others: it continues an exchange
	drop    bool          // forget the queued REGISTER
	fresh   bool          // a new round: forget which targets failed
	expires time.Duration // of the REGISTER; 0 unregisters
	arm     time.Time     // wake with inDue then; zero: never
}

const (
	maxRetryAfter = time.Hour
	maxExpires    = 24 * time.Hour
)

// next is one step of a line. It has no clock and no randomness of its own.
func next(m machine, in input, lim limits) (machine, effect) {
	if m.asked == 0 {
		m.asked = lim.expires
	}
	var e effect
	was := m.phase
	if in.kind == inAbandon && was != Gone {
		m.phase, m.since = Gone, in.now
		return m, effect{drop: true}
	}
	switch m.phase {
	case Idle:
		m, e = m.idle(in)
	case Registering, Refreshing:
		m, e = m.underway(in, lim)
	case Registered, BackingOff, Parked:
		m, e = m.waiting(in, lim)
	case Unregistering:
		m, e = m.leaving(in)
	case Gone:
		return m, effect{}
	}
	if m.phase != was {
		m.since = in.now
	}
	e.arm = m.alarm()
	return m, e
}

// alarm is when the phase needs the clock: the next attempt, or the end of the
// binding, which changes what is reported.
func (m machine) alarm() time.Time {
	switch m.phase {
	case Registered:
		return m.next
	case Refreshing:
		return m.until
	case BackingOff, Parked:
		if m.bound && m.until.Before(m.next) {
			return m.until
		}
		return m.next
	}
	return time.Time{}
}

func (m machine) idle(in input) (machine, effect) {
	switch in.kind {
	case inStart, inRetry:
		return m.begin()
	case inStop:
		m.phase = Gone
	}
	return m, effect{}
}

// begin starts a round.
func (m machine) begin() (machine, effect) {
	m.phase = Registering
	if m.bound {
		m.phase = Refreshing
	}
	m.tried, m.brief, m.next = 0, false, time.Time{}
	return m, effect{send: true, fresh: true, expires: m.asked}
}

// waiting is Registered, BackingOff and Parked.
func (m machine) waiting(in input, lim limits) (machine, effect) {
	m.lapse(in.now)
	if m.phase == Registered && !m.bound && in.kind != inStop {
		return m.begin() // woken too late for a refresh
	}
	switch in.kind {
	case inDue:
		if !in.now.Before(m.next) {
			return m.begin()
		}
	case inRetry:
		return m.begin()
	case inFlowLost:
		if m.phase == Registered {
			return m.flowLost(in, lim)
		}
	case inStop:
		return m.depart()
	}
	return m, effect{}
}

// flowLost registers again at once, unless the flow before did not hold for
// long either: then the waits double (RFC 5626 §4.5), lest a registrar that
// closes connections is asked without end.
func (m machine) flowLost(in input, lim limits) (machine, effect) {
	again := !m.lost.IsZero() && in.now.Sub(m.lost) < 2*lim.backoffMax
	m.lost = in.now
	if !again {
		m.losses = 0
		return m.begin()
	}
	m.reason = in.reason
	if at := in.now.Add(backoff(lim, m.losses, in.roll)); at.Before(m.next) {
		m.next = at
		m.losses = min(m.losses+1, 31)
	}
	return m, effect{}
}

// lapse forgets a binding that has run out.
func (m *machine) lapse(now time.Time) {
	if m.bound && !now.Before(m.until) {
		m.bound, m.until = false, time.Time{}
	}
}

// depart unregisters, or ends at once when there is nothing to unregister.
func (m machine) depart() (machine, effect) {
	m.next, m.stop = time.Time{}, false
	if !m.bound {
		m.phase = Gone
		return m, effect{}
	}
	m.phase = Unregistering
	return m, effect{send: true, fresh: true, expires: 0}
}
