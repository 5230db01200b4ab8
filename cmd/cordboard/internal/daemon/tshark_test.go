package daemon

import (
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"cordboard/callcontrol"
)

// TestTsharkSeesDigits: a capture of what customer and agent receive shows one whole stream for each leg, at its full rate
// through talk, digits, hold and retrieve, and the digits as they were sent (RFC 4733): one timestamp an event, rising
// duration, three end packets, the marker on the first packet only.
func TestTsharkSeesDigits(t *testing.T) {
	need(t, "tshark")
	w := newWorld(t, setup{})
	c, a := w.talk()
	customer, agent := strconv.Itoa(int(c.Sound.Local(0).Port)), strconv.Itoa(int(a.Sound.Local(0).Port))
	file := filepath.Join(t.TempDir(), "rtp.pcapng")
	capture := start(t, t.TempDir(), "tshark", "-i", "lo", "-q", "-w", file, "-f", "udp dst port "+customer+" or udp dst port "+agent)
	w.until("the capture runs", func() bool { return capture.ended() || strings.Contains(capture.out.String(), "Capturing on") })
	if capture.ended() && os.Getenv("INTEROP") != "required" {
		t.Skipf("SKIPPED: tshark may not capture here: %s", capture.out)
	}
	w.hears(c, "agent", a, "customer")
	w.do(callcontrol.Command{Kind: callcontrol.KindDigits, Digits: "42#"})
	w.until("the customer received the digits", func() bool { return c.Sound.Digits() == "42#" })
	w.hears(c, "agent")
	w.do(callcontrol.Command{Kind: callcontrol.KindHold})
	w.hears(c, "music", a, "")
	w.do(callcontrol.Command{Kind: callcontrol.KindRetrieve})
	w.hears(c, "agent", a, "customer")
	capture.stop(syscall.SIGINT)
	c.Hangup()
	w.ended(c, a)

	got := packets(t, file, customer, agent)
	continuous(t, "customer", got[customer])
	continuous(t, "agent", got[agent])
	digitsAsSent(t, got[customer], "4", "2", "11")
	if slices.ContainsFunc(got[agent], func(p packet) bool { return p.event != "" }) {
		t.Error("the agent's own digits came back to the agent")
	}
}

// packet is what tshark says of one RTP packet.
type packet struct {
	at          float64 // seconds
	ssrc        string
	seq         int
	ts          uint32
	marker, end bool
	event       string // RFC 4733 event; "": audio
	duration    int
}

// packets lets tshark read a capture; the packets are by destination port.
func packets(t *testing.T, file string, ports ...string) map[string][]packet {
	t.Helper()
	args := []string{"-r", file, "-Y", "rtp", "-T", "fields", "-o", "rtpevent.event_payload_type_value:101"}
	for _, p := range ports {
		args = append(args, "-d", "udp.port=="+p+",rtp")
	}
	for _, f := range []string{
		"udp.dstport", "frame.time_epoch", "rtp.ssrc", "rtp.seq", "rtp.timestamp", "rtp.marker", "rtpevent.event_id", "rtpevent.end_of_event", "rtpevent.duration",
	} {
		args = append(args, "-e", f)
	}
	out, err := exec.Command("tshark", args...).Output()
	if err != nil {
		t.Fatalf("tshark %v: %v", args, err)
	}
	got := map[string][]packet{}
	for line := range strings.Lines(string(out)) {
		f := strings.Split(strings.TrimRight(line, "\n"), "\t")
		if len(f) != 9 {
			t.Fatalf("tshark printed %q", line)
		}
		p := packet{ssrc: f[2], marker: yes(f[5]), event: f[6], end: yes(f[7])}
		var errs [3]error
		p.at, errs[0] = strconv.ParseFloat(f[1], 64)
		p.seq, errs[1] = strconv.Atoi(f[3])
		ts, err := strconv.ParseUint(f[4], 10, 32)
		p.ts, errs[2] = uint32(ts), err
		for _, err := range errs {
			if err != nil {
				t.Fatalf("tshark printed %q: %v", line, err)
			}
		}
		p.duration, _ = strconv.Atoi(f[8]) // absent from audio
		got[f[0]] = append(got[f[0]], p)
	}
	return got
}

func yes(flag string) bool { return flag == "1" || flag == "True" }

// continuous checks one leg's stream: one source, no number left out, timestamps of audio by the number, and after events
// by the clock, and as many packets as the time takes.
func continuous(t *testing.T, leg string, list []packet) {
	t.Helper()
	if len(list) < 100 {
		t.Fatalf("%s: %d packets captured", leg, len(list))
	}
	first, last := list[0], list[0]
	for _, p := range list[1:] {
		if p.ssrc != last.ssrc || p.seq != (last.seq+1)%65536 {
			t.Errorf("%s: source %s number %d after source %s number %d", leg, p.ssrc, p.seq, last.ssrc, last.seq)
		}
		// Frames are left out only where the machine was too late for them, and then the clock says so.
		if step := p.ts - last.ts; p.event == "" && last.event == "" && step != 160 &&
			(step%160 != 0 || step > 8000 || math.Abs(float64(step)/8000-(p.at-last.at)) > 0.06) {
			t.Errorf("%s: timestamp steps by %d at number %d", leg, step, p.seq)
		}
		last = p
	}
	took := last.at - first.at
	if off := float64(last.ts-first.ts)/8000 - took; math.Abs(off) > 0.3 {
		t.Errorf("%s: the timestamps are %.3f s off the clock after %.1f s", leg, off, took)
	}
	// An event's last packet is sent three times, so digits add a few packets. A sender that falls behind sends 40 a second
	// without a gap; a loaded machine costs the capture's ends a few.
	if rate := float64(len(list)-1) / took; rate < 45 || rate > 54 {
		t.Errorf("%s: %.1f packets a second", leg, rate)
	}
}

// digitsAsSent checks the events in a stream.
func digitsAsSent(t *testing.T, list []packet, want ...string) {
	t.Helper()
	type event struct {
		id string
		ts uint32
	}
	var order []event
	ends, marks, duration := map[event]int{}, map[event]int{}, map[event]int{}
	for _, p := range list {
		if p.event == "" {
			continue
		}
		e := event{p.event, p.ts}
		if len(order) == 0 || order[len(order)-1] != e {
			order = append(order, e)
			if !p.marker {
				t.Errorf("event %v begins without a marker", e)
			}
		}
		if p.duration < duration[e] {
			t.Errorf("event %v: duration falls from %d to %d", e, duration[e], p.duration)
		}
		duration[e] = p.duration
		if p.end {
			ends[e]++
		}
		if p.marker {
			marks[e]++
		}
	}
	if len(order) != len(want) {
		t.Fatalf("events %v, want %v", order, want)
	}
	for i, e := range order {
		if e.id != want[i] || ends[e] != 3 || marks[e] != 1 || duration[e] < 640 {
			t.Errorf("event %v: want id %s, 3 ends (%d), 1 marker (%d), duration ≥ 640 (%d)", e, want[i], ends[e], marks[e], duration[e])
		}
	}
}
