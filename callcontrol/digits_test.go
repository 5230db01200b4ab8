package callcontrol

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func takesInfo(s *Signal) { s.Events, s.Info = false, true }

// infoTalk is a talk with a party that takes digits by INFO only, if at all.
func infoTalk() *scene {
	s := newScene().offer()
	s.cmd(KindAnswer)
	s.deviceAnswers()
	s.signal(SignalAnswered, s.customer, takesInfo)
	return s
}

// replies lists the answers to commands in the last input: of the command itself, and of earlier ones by serial.
func (s *scene) replies() string {
	out := ""
	for _, a := range s.acts {
		switch {
		case a.Kind == ActDefer:
			out += fmt.Sprintf("deferred:%d ", a.Serial)
		case a.Kind == ActReply && a.Refusal != nil:
			out += fmt.Sprintf("%d:%s ", a.Serial, a.Refusal.Code)
		case a.Kind == ActReply:
			out += fmt.Sprintf("%d:%s ", a.Serial, s.named(string(a.Result.Leg)))
		}
	}
	return out
}

// digits sends a string and returns its serial, 0 when the reply came at once.
func (s *scene) digits(t *testing.T, edit ...func(*Command)) uint64 {
	t.Helper()
	s.cmd(KindDigits, edit...)
	var serial uint64
	for _, a := range s.acts {
		if a.Kind == ActDefer {
			serial = a.Serial
		}
		if a.Kind == ActInfo && a.Digits.Serial == 0 || a.Kind == ActDigits && a.Digits.Serial != 0 {
			t.Errorf("%s with serial %d", a.Kind, a.Digits.Serial)
		}
	}
	return serial
}

func (s *scene) want(t *testing.T, replies string) {
	t.Helper()
	if got := s.replies(); got != replies {
		t.Errorf("replies %q, want %q", got, replies)
	}
}

// listed reports whether the actions of a leg have digits.
func (s *scene) listed(l LegID) bool {
	for _, c := range viewOf(&s.d).calls {
		for _, v := range c.Legs {
			if v.ID == l {
				return slices.Contains(v.Actions, KindDigits)
			}
		}
	}
	return false
}

func serial(n uint64) func(*Signal) { return func(s *Signal) { s.Serial, s.Info = n, true } }

func refusal(n uint64, status int, info bool) func(*Signal) {
	return func(s *Signal) {
		s.Serial, s.Status, s.Info, s.Cause, s.Reason = n, status, info, CauseOf(status), "the peer said no"
	}
}

// Digits by INFO are accepted when the peer has taken the first; after that at once.
func TestDigitsTaken(t *testing.T) {
	s := infoTalk()
	one, two := s.digits(t), s.digits(t)
	s.signal(SignalDigitsTaken, s.customer, serial(one))
	s.want(t, fmt.Sprintf("%d:C %d:C ", one, two))
	s.signal(SignalDigitsDone, s.customer, serial(one))
	s.want(t, "")
	s.signal(SignalDigitsDone, s.customer, refusal(two, 500, true)) // told by an event only
	s.want(t, "")
	if n := s.digits(t); n != 0 {
		t.Errorf("deferred to a peer that takes digits")
	}
	s.want(t, "0:C ")
	if len(s.d.untaken) != 0 || !s.listed(s.customer) {
		t.Errorf("%+v", s.d.untaken)
	}
}

// A peer that takes no INFO after all makes the command refused, and no more are sent.
func TestDigitsRefusedForGood(t *testing.T) {
	s := infoTalk()
	one, two := s.digits(t), s.digits(t)
	s.signal(SignalDigitsDone, s.customer, refusal(one, 405, false))
	s.want(t, fmt.Sprintf("%d:peer_refused ", one))
	if s.listed(s.customer) || s.listed(s.device) {
		t.Error("digits are among the actions still")
	}
	s.signal(SignalDigitsDone, s.customer, refusal(two, 405, false))
	s.want(t, fmt.Sprintf("%d:peer_refused ", two))
	err := s.do(Input{Command: &Command{Kind: KindDigits, Digits: "1"}})
	if !errors.Is(err, &Refusal{Code: CodeUnavailable}) || s.sent() != "" {
		t.Errorf("again: %v, sent %q", err, s.sent())
	}
	s.signal(SignalMedia, s.customer) // telephone-events came with a re-INVITE
	if n := s.digits(t); n != 0 || s.sent() != "digits:C" || !s.listed(s.customer) {
		t.Errorf("by telephone-events: deferred %d, sent %q", n, s.sent())
	}
}

// A refusal of one string says nothing of the next.
func TestDigitsRefusedOnce(t *testing.T) {
	s := infoTalk()
	one := s.digits(t)
	s.signal(SignalDigitsDone, s.customer, refusal(one, 500, true))
	s.want(t, fmt.Sprintf("%d:peer_refused ", one))
	two := s.digits(t)
	s.signal(SignalDigitsDone, s.customer, func(g *Signal) { g.Serial, g.Info, g.Cause = two, true, CauseCongestion })
	s.want(t, fmt.Sprintf("%d:busy ", two))
	if n := s.digits(t, func(c *Command) { c.Digits = ",42" }); n != 0 || s.sent() != "info:C" { // the caller does not wait for the end of a pause
		t.Errorf("deferred %d, sent %q", n, s.sent())
	}
	three := s.digits(t)
	s.signal(SignalEnded, s.customer, byPeer)
	s.want(t, fmt.Sprintf("%d:unavailable ", three))
	if len(s.d.untaken) != 0 {
		t.Errorf("%+v", s.d.untaken)
	}
}

// In a conference one party that takes the digits is enough; all must refuse for a refusal.
func TestDigitsToSeveral(t *testing.T) {
	conf := func(target func(*Signal)) *scene {
		s := infoTalk().startConsult()
		s.signal(SignalAnswered, s.target, target)
		return s.conference()
	}
	s := conf(func(*Signal) {})
	if n := s.digits(t); n != 0 || s.sent() != "info:C digits:T" && s.sent() != "digits:T info:C" {
		t.Errorf("deferred %d, sent %q", n, s.sent())
	}
	s = conf(takesInfo)
	n := s.digits(t)
	s.signal(SignalDigitsDone, s.customer, refusal(n, 501, false))
	s.want(t, "")
	s.signal(SignalDigitsTaken, s.target, serial(n))
	s.want(t, fmt.Sprintf("%d:T ", n))
	s = conf(takesInfo)
	n = s.digits(t)
	s.signal(SignalDigitsDone, s.target, refusal(n, 415, false))
	s.want(t, "")
	s.signal(SignalEnded, s.customer, byPeer)
	s.want(t, fmt.Sprintf("%d:unavailable ", n))
}

// The caller of the verb hears what the peer answered, also one that repeats the command; one who does not wait so long
// hears that.
func TestDigitsWaitForThePeer(t *testing.T) {
	withSwitchboard(t, func(t *testing.T, sw *Switchboard, w *world) {
		c := talkOn(t, sw, w)
		far := c.Legs[0].ID
		if c.Legs[0].Role == RoleDevice {
			far = c.Legs[1].ID
		}
		sw.Signal("anna", Signal{Kind: SignalMedia, Leg: far, Info: true})
		synctest.Wait()
		send := func(id CommandID, results chan error) {
			go func() {
				_, err := sw.Do(context.Background(), Command{ID: id, Kind: KindDigits, Call: c.ID, Digits: "42#"})
				results <- err
			}()
			synctest.Wait()
		}
		first := make(chan error, 2)
		send("k", first)
		send("k", first)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := sw.Do(ctx, Command{ID: "k", Kind: KindDigits, Call: c.ID, Digits: "42#"}); !errors.Is(err, &Refusal{Code: CodeTimeout}) {
			t.Errorf("one in haste: %v", err)
		}
		if len(first) != 0 || w.count("info") != 1 {
			t.Errorf("%d results, %d strings", len(first), w.count("info"))
		}
		var n uint64
		for n = range sw.roster.of("anna").deferred {
		}
		sw.Signal("anna", Signal{Kind: SignalDigitsDone, Leg: far, Serial: n, Status: 405, Cause: CauseOf(405), Reason: "INFO was answered 405"})
		for range 2 {
			err := <-first
			var r *Refusal
			if !errors.As(err, &r) || r.Code != CodePeerRefused || r.Message != "INFO was answered 405" || r.State != string(PhaseTalking) {
				t.Errorf("got %v", err)
			}
		}
		refused(t, sw, Command{Kind: KindDigits, Call: c.ID, Digits: "1"}, CodeUnavailable)
		if k := len(sw.roster.of("anna").deferred); k != 0 || w.count("info") != 1 {
			t.Errorf("%d commands without a result, %d strings", k, w.count("info"))
		}
	})
}
