package sipua

import (
	"time"

	"cordboard/sipua/offer"
)

// Dialog is one call's signalling. All methods are asynchronous, never block, may be called in any state any number of
// times from any goroutine; outcomes come as DialogEvents.
type Dialog struct {
	*core
}

// Handle sets the handler of an incoming dialog's events. It must be called inside Deps.OnInvite; events before it are
// kept.
func (d *Dialog) Handle(h func(DialogEvent)) { d.setHandler(h) }

// OnFarewell sets who is told what would end an incoming dialog at its peer, as InviteParams.OnFarewell does for an
// outgoing one. It must be called inside Deps.OnInvite.
func (d *Dialog) OnFarewell(f func(Farewell)) { d.setFarewell(f) }

// ID returns the dialog's id; RemoteTag is empty until the peer has given one.
func (d *Dialog) ID() DialogID { return d.id() }

// Ring tells the caller that we ring: 180, or 183 with early media when early is given. It is sent reliably if the
// caller wants that (RFC 3262).
func (d *Dialog) Ring(early *offer.Local) { d.post(cmdRing{early: early}) }

// Answer accepts an incoming call with our side of the media.
func (d *Dialog) Answer(l offer.Local) { d.post(cmdAnswer{local: l}) }

// Reject refuses an incoming call with a final status (300–699, else 480).
func (d *Dialog) Reject(status int, reason string) { d.post(cmdReject{status: status, reason: reason}) }

// Hangup ends the call in the way that is right now: CANCEL, BYE, or a final response. Never BYE before the ACK
// (RFC 3261 §15). The reason goes into a Reason header (RFC 3326) when not empty: a text, or a whole value that begins with
// "SIP;".
func (d *Dialog) Hangup(reason string) { d.post(cmdHangup{reason: reason}) }

// Reoffer changes our side of the media by a re-INVITE. While another change is under way the newest wanted state is
// kept and sent when it may be; glare is handled inside (RFC 3261 §14.1).
func (d *Dialog) Reoffer(l offer.Local) { d.post(cmdReoffer{local: l}) }

// Identity tells the peer who it talks to now, by UPDATE where the peer allows it, else by re-INVITE, in the header that
// the trunk wants; a trunk that wants none hears nothing.
func (d *Dialog) Identity(i Identity) { d.post(cmdIdentity{who: i}) }

// AllowsInfo reports whether the peer takes digits by INFO as far as is known: its newest Allow names the method, or it
// sent none, and it has not refused them for good.
func (d *Dialog) AllowsInfo() bool { return !d.noInfo.Load() && !d.noDigits.Load() }

// Digit sends one digit, 0-9 * # A-D, by SIP INFO (RFC 6086 §1, legacy use): as application/dtmf-relay, or as application/dtmf
// once the peer has said 415 to that. InfoAccepted or InfoFailed follows unless the dialog ends first.
func (d *Dialog) Digit(digit rune, duration time.Duration) {
	d.post(cmdDigit{digit: digit, duration: duration})
}

// Refer asks the peer to call target, and to replace the dialog given, whose tags are as seen by us (RFC 3515, RFC 3891).
func (d *Dialog) Refer(target URI, replaces *DialogID) {
	d.post(cmdRefer{target: target, replaces: replaces})
}
