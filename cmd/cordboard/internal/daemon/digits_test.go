package daemon

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"cordboard/callcontrol"
	"cordboard/journal"
	"cordboard/rtp"
	"cordboard/sim"
	"cordboard/sipua"
)

// digits sends a string and returns the event that tells its end.
func (w *world) digits(c callcontrol.Command) callcontrol.Event {
	w.t.Helper()
	from := w.daemon.events.Last()
	c.Kind = callcontrol.KindDigits
	w.do(c)
	return w.event(from, callcontrol.EventDigitsSent, callcontrol.EventDigitsFailed)
}

// event is the first of some kinds after from.
func (w *world) event(from journal.Cursor, kinds ...callcontrol.EventKind) callcontrol.Event {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, 20*time.Second)
	defer cancel()
	sub := w.daemon.board.Subscribe(from)
	for {
		e, err := sub.Next(ctx)
		w.must(err)
		if slices.Contains(kinds, e.Event.Kind) {
			return e.Event
		}
	}
}

func codes(keys []sim.InfoKey) string {
	var out []rune
	for _, k := range keys {
		out = append(out, k.Code)
	}
	return string(out)
}

// What media cannot send is refused when it is asked for, not told afterwards.
func TestDigitBounds(t *testing.T) {
	if callcontrol.MinDigitDuration != rtp.MinDigitDuration {
		t.Errorf("commands take %v, media sends from %v", callcontrol.MinDigitDuration, rtp.MinDigitDuration)
	}
	w := newWorld(t, setup{})
	c, _ := w.talk()
	for _, bad := range []callcontrol.Command{
		{DigitDuration: time.Millisecond}, {DigitDuration: 11 * time.Second}, {DigitGap: -time.Second}, {DigitGap: 11 * time.Second},
	} {
		bad.Kind, bad.Digits = callcontrol.KindDigits, "4"
		_, err := w.try(bad)
		if !errors.Is(err, &callcontrol.Refusal{Code: callcontrol.CodeBadArgument}) || bad.DigitGap == 0 && !strings.Contains(err.Error(), "40 ms to 10 s") {
			t.Errorf("%v, %v: %v", bad.DigitDuration, bad.DigitGap, err)
		}
	}
	for _, good := range []callcontrol.Command{{DigitDuration: 40 * time.Millisecond}, {DigitGap: time.Microsecond}} {
		good.Digits = "4"
		if e := w.digits(good); e.Kind != callcontrol.EventDigitsSent {
			t.Errorf("%v, %v: %s %s", good.DigitDuration, good.DigitGap, e.Kind, e.Reason)
		}
	}
	c.Hangup()
	w.ended(c)
}

// Digits by INFO arrive in order, with the length that was asked for and a pause where the string has one; two strings do
// not mix.
func TestDigitsByInfo(t *testing.T) {
	w := newWorld(t, setup{trunk: "dtmf: info"})
	c, a := w.talk()
	from := w.daemon.events.Last()
	w.do(callcontrol.Command{Kind: callcontrol.KindDigits, Digits: "4,2#", DigitDuration: 200 * time.Millisecond, DigitGap: 50 * time.Millisecond})
	w.do(callcontrol.Command{Kind: callcontrol.KindDigits, Digits: "77"})
	if e := w.event(from, callcontrol.EventDigitsSent, callcontrol.EventDigitsFailed); e.Kind != callcontrol.EventDigitsSent {
		t.Errorf("first string: %s %s %s", e.Kind, e.Cause, e.Reason)
	}
	w.until("the second string is there", func() bool { return codes(c.InfoKeys()) == "42#77" })
	keys := c.InfoKeys()
	if d := keys[0].Duration; d != 200*time.Millisecond {
		t.Errorf("duration %v", d)
	}
	// A pause is at least so long at the sender; an INFO that was slow to arrive may take some of it away here.
	if d := keys[1].At.Sub(keys[0].At); d < 1500*time.Millisecond {
		t.Errorf("the pause took %v", d)
	}
	if n := len(c.Sound.Digits()); n != 0 {
		t.Errorf("%d telephone-events came too", n)
	}
	c.Hangup()
	w.ended(c, a)
}

// Digits by telephone-event keep their length, gap and pauses.
func TestDigitsTimed(t *testing.T) {
	w := newWorld(t, setup{trunk: "dtmf: rfc4733"})
	c, a := w.talk()
	begin := time.Now()
	e := w.digits(callcontrol.Command{Digits: "4,2", DigitDuration: 400 * time.Millisecond, DigitGap: 300 * time.Millisecond})
	if e.Kind != callcontrol.EventDigitsSent {
		t.Errorf("told %s %s %s", e.Kind, e.Cause, e.Reason)
	}
	// Two digits of 400 ms, the gap between, the pause of 2 s.
	if d := time.Since(begin); d < 3000*time.Millisecond {
		t.Errorf("it took %v", d)
	}
	w.until("the customer received the digits", func() bool { return c.Sound.Digits() == "42" })
	c.Hangup()
	w.ended(c, a)
	w.whole(c, a)
}

// offersDigits reports whether any leg lists digits among its actions.
func (w *world) offersDigits() bool {
	w.t.Helper()
	for _, c := range w.snapshot().Calls {
		for _, l := range c.Legs {
			if slices.Contains(l.Actions, callcontrol.KindDigits) {
				return true
			}
		}
	}
	return false
}

// A peer that takes neither telephone-events nor INFO makes a refusal, also when it only says so of the first INFO.
func TestDigitsRefused(t *testing.T) {
	for _, s := range []struct {
		name  string
		setup setup
	}{
		{"no_way", setup{info: sipua.InfoRefused, noKeys: true}},
		{"info_not_allowed", setup{trunk: "dtmf: info", info: sipua.InfoRefused}},
		{"no_events", setup{trunk: "dtmf: rfc4733", noKeys: true}},
	} {
		t.Run(s.name, func(t *testing.T) {
			w := newWorld(t, s.setup)
			c, a := w.talk()
			_, err := w.try(callcontrol.Command{Kind: callcontrol.KindDigits, Digits: "42#"})
			if !errors.Is(err, &callcontrol.Refusal{Code: callcontrol.CodeUnavailable}) {
				t.Errorf("got %v", err)
			}
			c.Hangup()
			w.ended(c, a)
		})
	}
	t.Run("info_refused", func(t *testing.T) {
		w := newWorld(t, setup{trunk: "dtmf: info", info: sipua.InfoNoDTMF})
		c, a := w.talk()
		if !w.offersDigits() {
			t.Error("nothing is known against digits yet")
		}
		from := w.daemon.events.Last()
		_, err := w.try(callcontrol.Command{Kind: callcontrol.KindDigits, Digits: "42#"})
		var r *callcontrol.Refusal
		if !errors.As(err, &r) || r.Code != callcontrol.CodePeerRefused || r.Message != "the peer takes no digits by INFO: it answered 415" {
			t.Errorf("got %v", err)
		}
		if e := w.event(from, callcontrol.EventDigitsSent, callcontrol.EventDigitsFailed); e.Kind != callcontrol.EventDigitsFailed || e.Cause != callcontrol.CauseNotAcceptable {
			t.Errorf("told %s %s %s", e.Kind, e.Cause, e.Reason)
		}
		if w.offersDigits() {
			t.Error("digits are offered still")
		}
		_, err = w.try(callcontrol.Command{Kind: callcontrol.KindDigits, Digits: "1"})
		if !errors.Is(err, &callcontrol.Refusal{Code: callcontrol.CodeUnavailable}) {
			t.Errorf("again: %v", err)
		}
		c.Hangup()
		w.ended(c, a)
	})
	t.Run("leg_ends", func(t *testing.T) {
		w := newWorld(t, setup{trunk: "dtmf: info"})
		c, a := w.talk()
		w.do(callcontrol.Command{Kind: callcontrol.KindDigits, Digits: ",,,,,,42#"})
		c.Hangup() // the string is given up with its leg
		w.ended(c, a)
		w.free()
	})
}
