package sipua

import "time"

// sessionTimer is what RFC 4028 agreed on for a dialog.
type sessionTimer struct {
	interval time.Duration // 0: none
	ours     bool          // we refresh
}

// wait is how long after the last refresh something must be done: the refresher refreshes at half the interval, the
// other side gives up min(32 s, interval/3) before its end (RFC 4028 §10).
func (t sessionTimer) wait() time.Duration {
	if t.ours {
		return t.interval / 2
	}
	return t.interval - min(32*time.Second, t.interval/3)
}

// sessionOffer is the session timer part of an INVITE or UPDATE of the peer.
type sessionOffer struct {
	expires   time.Duration // Session-Expires, 0: not said
	minSE     time.Duration
	refresher string // "uac", "uas" or ""
	supported bool   // Supported: timer
}

// acceptSession decides as UAS: RFC 4028 §9. tooSmall asks for a 422. wanted 0 means that we do not want timers.
func acceptSession(o sessionOffer, wanted, minSE time.Duration) (t sessionTimer, tooSmall bool) {
	if o.expires != 0 && o.expires < minSE && o.supported {
		return sessionTimer{}, true
	}
	switch {
	case o.expires != 0:
		t.interval = max(o.expires, o.minSE)
	case wanted > 0:
		t.interval = max(wanted, o.minSE, minSE)
	default:
		return sessionTimer{}, false
	}
	if wanted > 0 && wanted < t.interval {
		t.interval = max(wanted, o.minSE, minSE)
	}
	t.ours = !o.supported || o.refresher == "uas"
	return t, false
}

// agreeSession decides as UAC from a 2xx: RFC 4028 §7.2. Without Session-Expires in the answer the peer knows no session
// timers, and we refresh alone.
func agreeSession(answer sessionOffer, wanted time.Duration) sessionTimer {
	if answer.expires == 0 {
		return sessionTimer{interval: wanted, ours: true}
	}
	return sessionTimer{interval: answer.expires, ours: answer.refresher != "uas"}
}
