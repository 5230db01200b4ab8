package line

import (
	"math"
	"time"
)

// underway is Registering and Refreshing: one REGISTER is queued or sent.
func (m machine) underway(in input, lim limits) (machine, effect) {
	if m.lapse(in.now); !m.bound {
		m.phase = Registering
	}
	switch in.kind {
	case inStart:
		m.stop = false
		return m, effect{}
	case inStop:
		m.stop = true
		if in.queued {
			m, e := m.depart()
			e.drop = true
			return m, e
		}
		return m, effect{}
	case inOK:
		return m.granted(in, lim)
	case inChallenged:
		if m.stop { // the nonce is cached: unregistering starts with it
			return m.depart()
		}
		return m, effect{send: true, urgent: true, expires: m.asked}
	case inBrief, inLost, inBusy, inRefused:
		return m.failed(in, lim)
	}
	return m, effect{}
}

// granted takes a 2xx.
func (m machine) granted(in input, lim limits) (machine, effect) {
	if in.granted <= 0 {
		in.kind, in.reason = inBusy, "registrar granted no binding"
		return m.failed(in, lim)
	}
	life := min(in.granted, maxExpires)
	m.bound, m.until = true, in.now.Add(life)
	m.failures, m.status, m.reason = 0, 0, ""
	if m.stop {
		return m.depart()
	}
	m.phase = Registered
	m.next = in.now.Add(scale(life, 0.5+0.4*in.roll))
	return m, effect{}
}

// failed takes anything but a 2xx or an answerable challenge.
func (m machine) failed(in input, lim limits) (machine, effect) {
	m.status, m.reason = in.status, in.reason
	if m.stop {
		return m.depart()
	}
	again := effect{send: true, expires: m.asked}
	if in.kind == inBrief {
		if !m.brief && in.minExpires > m.asked && in.minExpires <= maxExpires {
			m.brief, m.asked = true, in.minExpires
			again.expires = m.asked
			return m, again
		}
		in.kind = inRefused
	}
	if in.kind == inLost {
		if m.tried++; int(m.tried) < in.targets {
			return m, again
		}
	}
	m.failures = uint16(min(int(m.failures)+1, math.MaxUint16))
	after := min(in.retryAfter, maxRetryAfter)
	after = scale(after, 1+0.1*in.roll) // spreads lines that were told the same
	if in.kind == inRefused {
		m.phase = Parked
		m.next = in.now.Add(max(scale(lim.slowRetry, 0.9+0.2*in.roll), after))
		return m, effect{}
	}
	m.phase = BackingOff
	m.next = in.now.Add(max(backoff(lim, m.failures, in.roll), after))
	return m, effect{}
}

// leaving is Unregistering: whatever the answer is, the line ends.
func (m machine) leaving(in input) (machine, effect) {
	switch in.kind {
	case inChallenged:
		return m, effect{send: true, urgent: true, expires: 0}
	case inStart:
		m.revive = true
	case inStop:
		m.revive = false
	case inOK, inBrief, inLost, inBusy, inRefused:
		m.bound, m.until = false, time.Time{}
		m.status, m.reason = in.status, in.reason
		if m.revive {
			m.revive = false
			return m.begin()
		}
		m.phase = Gone
	}
	return m, effect{}
}

// backoff is RFC 5626 §4.5: between 50 and 100 % of
// min(max-time, base-time * 2^failures).
func backoff(lim limits, failures uint16, roll float64) time.Duration {
	bound := lim.backoffMax
	if failures < 32 {
		if d := lim.backoffBase << failures; d > 0 && d>>failures == lim.backoffBase {
			bound = min(bound, d)
		}
	}
	return scale(bound, 0.5+0.5*roll)
}

func scale(d time.Duration, by float64) time.Duration { return time.Duration(float64(d) * by) }
