package main

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"cordboard/callcontrol"
	"cordboard/plugins/control"
	"cordboard/sim"
	"cordboard/sipua/offer"
)

// wholeKey makes the bars of adapters run as a whole, with their limits as they are: 20 kills under 50 calls, a minute of silence. Without it
// they are shorter, and forgive a busy host its delays.
const wholeKey = "CORDBOARD_ADAPTER_BARS"

func whole() bool { return os.Getenv(wholeKey) != "" }

// An adapter is killed with kill -9, again and again, under calls: no call is lost, the sound goes on, the adapter is back at once, and of
// the events behind its cursor none is missing and none comes twice.
func TestAdapterKilledUnderCalls(t *testing.T) {
	t.Parallel()
	calls, kills, window := 6, 3, time.Second
	gap, backLimit := 500*time.Millisecond, 20*time.Second
	if whole() {
		calls, kills, window = 50, 20, 10*time.Second
		gap, backLimit = 40*time.Millisecond, 2*time.Second
	}
	c := newCrowd(t, calls+1, 18400, 5*time.Minute)
	parties := c.talks(calls)
	first := c.adapter().Acknowledged
	feed, stopFeed := c.feed(calls)
	c.until("events flow", func() bool { return c.adapter().Acknowledged.Seq > first.Seq })

	straight := c.straight()
	c.pause(parties, straight)
	for until := time.Now().Add(window); time.Now().Before(until); c.wait(time.Second) { // the same without kills
		customer, device, _, err := c.setUp(calls)
		c.must(err)
		c.over(customer, device)
	}
	quiet, _ := c.pause(parties, straight)
	var slowest time.Duration
	for i := range kills {
		s := c.running()
		c.must(syscall.Kill(s.PID, syscall.SIGKILL))
		killed := time.Now()
		customer, device, _, err := c.setUp(calls) // a new call while it is away
		c.must(err)
		c.until("the adapter is back and takes events", func() bool {
			now := c.adapter()
			return now.Restarts == i+1 && now.PID != 0 && now.State == control.AdapterRunning && now.Acknowledged.Seq > s.Acknowledged.Seq
		})
		slowest = max(slowest, time.Since(killed))
		c.over(customer, device)
	}
	pause, host := c.pause(parties, straight)
	stopFeed()
	t.Logf("%d calls, %d kills, %d commands: back and taking events after at most %v; longest pause between two packets %v, before the kills %v, of streams past the daemon %v",
		calls, kills, <-feed, slowest.Round(time.Millisecond), pause.Round(time.Millisecond), quiet.Round(time.Millisecond), host.Round(time.Millisecond))
	if slowest > backLimit {
		t.Errorf("back after %v, and %v is the limit", slowest, backLimit)
	}
	// Packets are 20 ms apart; what keeps them back on a straight way, or without kills, is the host's doing.
	if limit := max(20*time.Millisecond, host, quiet) + gap; pause > limit {
		t.Errorf("a pause of %v between two packets, and %v is the limit", pause, limit)
	}
	c.allTalk(parties)
	c.over(parties...)
	c.checkLives(kills)
}

// feed changes calls all the time, so that there are events to lose, until it is stopped; then it tells how many commands were carried out.
func (c *crowd) feed(calls int) (done <-chan int, stop func()) {
	ctx, cancel := context.WithCancel(c.ctx)
	out := make(chan int, 1)
	go func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for n := 0; ; n++ {
			_, err := c.client.Do(c.ctx, callcontrol.Command{
				Kind: callcontrol.KindBind, Agent: name(n % calls), Variables: []callcontrol.Variable{{Name: "n", Value: fmt.Sprint(n)}},
			})
			if err != nil {
				c.t.Errorf("bind: %v", err)
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				out <- n + 1
				return
			}
		}
	}()
	return out, cancel
}

// wait lets time pass in which something is measured.
func (c *crowd) wait(d time.Duration) {
	c.t.Helper()
	select {
	case <-time.After(d):
	case <-c.ctx.Done():
		c.t.Fatal(c.ctx.Err())
	}
}

// straight are parties that talk to each other past the daemon: what delays their packets is this host alone.
func (c *crowd) straight() (out []*sim.Sound) {
	c.t.Helper()
	here := netip.MustParseAddr("127.0.0.1")
	for range 10 {
		s, err := sim.NewSound(here, sim.Tone(-20, 1000))
		c.must(err)
		c.t.Cleanup(s.Close)
		out = append(out, s)
	}
	for i, s := range out {
		to := out[i^1].Local(offer.SendRecv)
		s.Agree(offer.Negotiated{Remote: netip.AddrPortFrom(to.Addr, to.Port), Codec: offer.PCMA, Direction: offer.SendRecv})
	}
	return out
}

// pause is the longest time between two packets that any party received since it was asked last, and the same of streams past the daemon.
func (c *crowd) pause(parties []*sim.Party, straight []*sim.Sound) (longest, host time.Duration) {
	for _, p := range parties {
		longest = max(longest, p.Sound.Pause())
	}
	for _, s := range straight {
		host = max(host, s.Pause())
	}
	return longest, host
}

// allTalk checks that no call was lost and no stream has a hole.
func (c *crowd) allTalk(parties []*sim.Party) {
	c.t.Helper()
	for _, p := range parties {
		w := p.Sound.Wire()
		if p.State() != sim.StateTalking || w.Packets == 0 || w.SSRCChanges+w.SequenceGaps+w.TimestampErrors != 0 {
			c.t.Errorf("%s is %s, and received %+v", p.Name, p.State(), w)
		}
	}
	c.until("the daemon has these calls and no others", func() bool {
		s, err := c.client.Snapshot(c.ctx)
		c.must(err)
		return len(s.Calls) == len(parties)/2 && !slices.ContainsFunc(s.Calls, func(v callcontrol.CallView) bool { return v.Phase != callcontrol.PhaseTalking })
	})
}

// checkLives ends the daemon and reads what the adapter recorded: each life begins behind its acknowledged cursor, takes every event once,
// in order, and together they have all.
func (c *crowd) checkLives(kills int) {
	c.t.Helper()
	c.until("everything is acknowledged", func() bool { return c.adapter().Lag == 0 })
	last := c.adapter().Acknowledged.Seq
	c.stop()
	lives := c.lives()
	if len(lives) != kills+1 {
		c.t.Errorf("%d lives", len(lives))
	}
	seen := lives[0].from
	if len(lives[0].took) > 0 {
		seen = lives[0].took[0] - 1
		lives[0].from = seen
	}
	for i, l := range lives {
		at := l.from
		if at > seen {
			c.t.Errorf("life %d begins behind event %d, and %d was the last taken", i, at, seen)
		}
		for _, seq := range l.took {
			if seq != at+1 {
				c.t.Fatalf("life %d: event %d after %d", i, seq, at)
			}
			at = seq
		}
		seen = max(seen, at)
	}
	if seen < last {
		c.t.Errorf("%d of %d events were taken", seen, last)
	}
}

// An adapter that is stopped, floods, answers garbage or is none at all costs calls nothing: their set-up takes as long as beside one that
// is well, and the daemon's memory stays.
func TestAdapterInTheWay(t *testing.T) {
	t.Parallel()
	const agents = 4
	tries, silence := 6, 2*time.Second
	ratio, slack, memory := 4.0, 100*time.Millisecond, 250
	if whole() {
		tries, silence = 100, time.Minute
		ratio, slack, memory = 1.5, 5*time.Millisecond, 64
	}
	c := newCrowd(t, agents, 19000, 8*time.Minute)
	c.setUps(agents, 2*agents) // everything was done once
	var base []time.Duration
	for until := time.Now().Add(silence); len(base) == 0 || time.Now().Before(until); {
		base = append(base, c.setUps(agents, tries)...)
	}
	before, _ := c.memory()
	for _, m := range []string{"stopped", moodFlood, moodGarbage, moodNonsense} {
		until := time.Now()
		switch m {
		case "stopped":
			until = until.Add(silence)
		default:
			c.mood(m)
		}
		c.annoy(m)
		var took []time.Duration
		for first := true; first || time.Now().Before(until); first = false {
			if m == "stopped" {
				c.freeze()
			}
			took = append(took, c.setUps(agents, tries)...)
		}
		now, most := c.memory()
		t.Logf("%s: %d calls, set-up %s; beside one that is well %s; memory %d MiB, before %d, at most %d", m, len(took), figures(took), figures(base), now, before, most)
		if limit := time.Duration(ratio*float64(median(base))) + slack; median(took) > limit {
			t.Errorf("%s: the set-up takes %v, and may take %v", m, median(took), limit)
		}
		if most > before+memory {
			t.Errorf("%s: the daemon took %d MiB, and %d before", m, most, before)
		}
	}
	c.stop()
	if strings.Contains(c.log.String(), "panic") {
		t.Error("something of the daemon fell")
	}
}

// annoy makes the adapter what it is to be, and returns once it is.
func (c *crowd) annoy(m string) {
	c.t.Helper()
	switch m {
	case "stopped":
		c.freeze()
	case moodFlood:
		c.thaw()
		c.running()
		c.until("it floods", func() bool { return c.adapter().LinesDropped > 0 })
	case moodGarbage:
		c.must(syscall.Kill(c.running().PID, syscall.SIGKILL)) // a flood has no other end
		c.until("it is sick", func() bool { return c.adapter().State == control.AdapterDegraded })
	case moodNonsense:
		c.must(syscall.Kill(c.running().PID, syscall.SIGKILL))
		c.until("it is none", func() bool {
			s := c.adapter()
			return s.State == control.AdapterBackoff && !strings.Contains(s.LastError, "from outside")
		})
	}
}

// freeze stops the adapter's process, whichever it is.
func (c *crowd) freeze() {
	if pid := c.adapter().PID; pid != 0 {
		_ = syscall.Kill(pid, syscall.SIGSTOP) // it may have gone meanwhile
	}
}

func (c *crowd) thaw() {
	if pid := c.adapter().PID; pid != 0 {
		_ = syscall.Kill(pid, syscall.SIGCONT)
	}
}

// setUps sets calls up, one after the other, and tells how long each took.
func (c *crowd) setUps(agents, n int) (took []time.Duration) {
	c.t.Helper()
	for i := range n {
		customer, device, d, err := c.setUp(i % agents)
		c.must(err)
		took = append(took, d)
		c.over(customer, device)
		c.until("the agent is free", func() bool {
			s, err := c.client.Snapshot(c.ctx)
			c.must(err)
			return !s.Agents[i%agents].Busy
		})
		c.wait(50 * time.Millisecond) // dialogs that have ended linger for half a minute, and are bounded
	}
	return took
}

func median(d []time.Duration) time.Duration { return quantile(d, 0.5) }

func quantile(d []time.Duration, q float64) time.Duration {
	s := slices.Sorted(slices.Values(d))
	return s[int(q*float64(len(s)-1))]
}

func figures(d []time.Duration) string {
	return fmt.Sprintf("p50 %v, p90 %v, at most %v", median(d).Round(100*time.Microsecond), quantile(d, 0.9).Round(100*time.Microsecond), slices.Max(d).Round(100*time.Microsecond))
}
