package daemon

import (
	"slices"
	"testing"
	"time"

	"cordboard/callcontrol"
	"cordboard/mediamix"
	"cordboard/sim"
	"cordboard/sipua"
)

// TestMedia are what parties hear and are told, with real parties, side by side.
func TestMedia(t *testing.T) {
	gate(t)
	t.Run("music_per_queue", musicPerQueue)
	t.Run("music_goes_on", musicGoesOn)
	t.Run("hold_reminder", holdReminder)
	t.Run("inbound_identity", inboundIdentity)
	t.Run("late_offer", lateOffer)
}

// sound is d of tones.
func sound(d time.Duration, hz ...float64) []int16 {
	pcm := make([]int16, int(d.Seconds()*mediamix.SampleRate))
	sim.Tone(-20, hz...)(pcm)
	return pcm
}

// fromQueue is a customer of a queue in a call with agent0.
func (w *world) fromQueue(queue string) *sim.Party {
	w.t.Helper()
	c := w.call(sipua.Header{Name: "X-Queue", Value: queue})
	w.do(callcontrol.Command{Kind: callcontrol.KindAnswer})
	w.phase(callcontrol.PhaseTalking, 1)
	return c
}

// Customers on hold hear the music of their queue; those of queues without their own, the default.
func musicPerQueue(t *testing.T) {
	w := newWorld(t, setup{
		parallel: true,
		music:    "queues: {Sales: sales.wav, Support: support.wav}",
		wavs:     map[string][]int16{"sales.wav": sound(2*time.Second, tones["target"]...), "support.wav": sound(2*time.Second, tones["other"]...)},
	})
	for _, q := range []struct{ queue, music string }{{"Sales", "target"}, {"Support", "other"}, {"Billing", "music"}} {
		c := w.fromQueue(q.queue)
		w.do(callcontrol.Command{Kind: callcontrol.KindHold})
		w.hears(c, q.music)
		c.Hangup()
		w.ended(c)
		w.free()
	}
}

// scale is a music file that tells its position: another tone each second.
func scale(seconds int) (pcm []int16, hz []float64) {
	for i := range seconds {
		f := 500 + 150*float64(i)
		hz = append(hz, f)
		pcm = append(pcm, sound(time.Second, f)...)
	}
	return pcm, hz
}

// note is which tone of the scale a party hears now; -1: none.
func (w *world) note(p *sim.Party, hz []float64) int {
	w.t.Helper()
	pcm, err := p.Sound.Listen(w.ctx, 200*time.Millisecond)
	w.must(err)
	levels := mediamix.Detect(pcm, hz)
	loudest := slices.Max(levels)
	if loudest < -30 {
		return -1
	}
	return slices.Index(levels, loudest)
}

// The music of a second hold goes on where that of the first one stopped, for each customer by itself.
func musicGoesOn(t *testing.T) {
	pcm, hz := scale(16)
	w := newWorld(t, setup{parallel: true, music: "queues: {Sales: scale.wav}", wavs: map[string][]int16{"scale.wav": pcm}})
	c, a := w.talk()
	w.do(callcontrol.Command{Kind: callcontrol.KindHold})
	last := -1
	w.until("the music is at its third tone", func() bool { last = max(last, w.note(c, hz)); return last >= 2 })
	w.do(callcontrol.Command{Kind: callcontrol.KindRetrieve})
	w.hears(c, "agent", a, "customer")
	w.do(callcontrol.Command{Kind: callcontrol.KindHold})
	again := -1
	w.until("there is music again", func() bool { again = w.note(c, hz); return again >= 0 })
	if again < last || again > last+2 {
		t.Errorf("the second hold began with tone %d, the first one ended with %d", again, last)
	}
	c.Hangup()
	w.ended(c, a)
	w.free()
	c = w.fromQueue("Sales")
	w.do(callcontrol.Command{Kind: callcontrol.KindHold})
	first := -1
	w.until("the next customer has music", func() bool { first = w.note(c, hz); return first >= 0 })
	if first > 1 {
		t.Errorf("the next customer's music began with tone %d", first)
	}
	c.Hangup()
	w.ended(c)
}

// While a customer is held the agent hears a soft beep each tones.hold_beep, and nothing once retrieved.
func holdReminder(t *testing.T) {
	w := newWorld(t, setup{parallel: true, tones: "hold_beep: 2s"})
	c, a := w.talk()
	w.do(callcontrol.Command{Kind: callcontrol.KindHold})
	beeps := func(d time.Duration) int {
		pcm, err := a.Sound.Listen(w.ctx, d)
		w.must(err)
		n, on := 0, false
		for at := 0; at+mediamix.DetectWindow <= len(pcm); at += mediamix.DetectWindow / 4 {
			now := mediamix.Detect(pcm[at:at+mediamix.DetectWindow], []float64{440})[0] > -45
			if now && !on {
				n++
			}
			on = now
		}
		return n
	}
	if n := beeps(4500 * time.Millisecond); n != 2 {
		t.Errorf("%d beeps in 4.5 s, want 2", n)
	}
	w.hears(c, "music")
	w.do(callcontrol.Command{Kind: callcontrol.KindRetrieve})
	w.hears(c, "agent", a, "customer")
	if n := beeps(2500 * time.Millisecond); n != 0 {
		t.Errorf("%d beeps after the retrieve", n)
	}
	c.Hangup()
	w.ended(c, a)
	w.whole(c, a)
}

// Who calls is taken from P-Asserted-Identity, else Remote-Party-ID, else From; who was called before from Diversion and
// History-Info.
func inboundIdentity(t *testing.T) {
	w := newWorld(t, setup{parallel: true, manual: true})
	const (
		asserted  = `"Asserted" <sip:380440000001@pbx.test>`
		remote    = `"Remote" <sip:380440000002@pbx.test>;party=calling;screen=yes`
		diversion = `"Front desk" <sip:5000@pbx.test>;reason=no-answer;counter=1`
		history   = `<sip:5001@pbx.test?Reason=SIP%3Bcause%3D486>;index=1, <sip:1001@pbx.test>;index=1.1`
	)
	who := func(display, number string) callcontrol.Identity {
		return callcontrol.Identity{Display: display, Number: callcontrol.Number(number)}
	}
	for _, c := range []struct {
		name    string
		headers []sipua.Header
		remote  callcontrol.Identity
		before  []callcontrol.Identity
	}{
		{"from", nil, who("Olena", "380441234567"), nil},
		{"remote_party_id", []sipua.Header{{Name: "Remote-Party-ID", Value: remote}}, who("Remote", "380440000002"), nil},
		{"asserted", []sipua.Header{{Name: "Remote-Party-ID", Value: remote}, {Name: "P-Asserted-Identity", Value: asserted}}, who("Asserted", "380440000001"), nil},
		{"diversion", []sipua.Header{{Name: "Diversion", Value: diversion}}, who("Olena", "380441234567"), []callcontrol.Identity{who("Front desk", "5000")}},
		{"history", []sipua.Header{{Name: "History-Info", Value: history}}, who("Olena", "380441234567"), []callcontrol.Identity{who("", "5001"), who("", "1001")}},
	} {
		p := w.raw(sim.RawConfig{From: `"Olena" <sip:380441234567@pbx.test>`, Headers: c.headers})
		w.phase(callcontrol.PhaseOffered, 1)
		call, ok := w.callOf(anna)
		if !ok || call.Remote != c.remote || !slices.Equal(call.Diversion, c.before) {
			t.Errorf("%s: remote %+v, diversion %+v; want %+v, %+v", c.name, call.Remote, call.Diversion, c.remote, c.before)
		}
		w.do(callcontrol.Command{Kind: callcontrol.KindReject})
		w.must(p.Wait(w.ctx, func(s sim.RawSeen) bool { return s.Status >= 400 }))
		w.free()
	}
}

// raw is a customer below the SIP stack that calls agent0's line.
func (w *world) raw(cfg sim.RawConfig) *sim.Raw {
	w.t.Helper()
	cfg.Addr, cfg.Server, cfg.Line = loopback, w.daemon.stack.Addr("udp"), user(0)
	c, err := sim.CallRaw(cfg)
	w.must(err)
	w.t.Cleanup(c.Close)
	return c
}

// A caller that does not offer gets our offer in the 200 and answers in its ACK.
func lateOffer(t *testing.T) {
	w := newWorld(t, setup{parallel: true})
	c, err := w.pbx.CallLate(sipua.Identity{Number: "380441234567"}, user(0), voice("customer")())
	w.must(err)
	w.phase(callcontrol.PhaseOffered, 1)
	w.do(callcontrol.Command{Kind: callcontrol.KindAnswer})
	w.must(c.Wait(w.ctx, sim.StateTalking))
	a := w.device()
	w.hears(c, "agent", a, "customer")
	w.do(callcontrol.Command{Kind: callcontrol.KindHold})
	w.hears(c, "music")
	w.do(callcontrol.Command{Kind: callcontrol.KindRetrieve})
	w.hears(c, "agent", a, "customer")
	c.Hangup()
	w.ended(c, a)
	w.whole(c, a)
}
