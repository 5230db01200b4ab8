package daemon

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"cordboard/callcontrol"
	"cordboard/sim"
)

// TestBaresipPhone: baresip is the agent's phone; it plays speech and records what it hears.
func TestBaresipPhone(t *testing.T) {
	need(t, "baresip", "espeak-ng", "sox")
	w := newWorld(t, setup{noPhone: true})
	dir := t.TempDir()
	speech := speechFile(t, dir)
	sip := freePort(t)
	rtpLow := 25000
	config := fmt.Sprintf(`sip_listen 127.0.0.1:%d
audio_source aufile,%s
audio_player aubridge,nil
audio_alert aubridge,nil
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
rtp_ports %d-%d
jitter_buffer_delay 2-10
module_path /usr/lib/baresip/modules
module g711.so
module aufile.so
module aubridge.so
module sndfile.so
module_tmp uuid.so
module_tmp account.so
module_app menu.so
snd_path %s
`, sip, speech, rtpLow, rtpLow+99, dir)
	account := fmt.Sprintf("<sip:phone1001@%s;transport=udp>;auth_user=phone1001;auth_pass=phone1001;regint=60;answermode=auto;audio_codecs=PCMA/8000/1,PCMU/8000/1\n",
		w.daemon.stack.Addr("udp"))
	w.must(os.WriteFile(filepath.Join(dir, "config"), []byte(config), 0o600))
	w.must(os.WriteFile(filepath.Join(dir, "accounts"), []byte(account), 0o600))
	phone := start(t, dir, "baresip", "-4", "-f", dir)
	w.until("baresip is registered", func() bool { return w.snapshot().Agents[0].Device.Reachable })

	c := w.dialIn()
	w.must(c.Wait(w.ctx, sim.StateTalking)) // baresip answers by itself
	heard, err := c.Sound.Listen(w.ctx, 6*time.Second)
	w.must(err)
	if r := likeness(heard, readPCM(t, speech)); r < 0.8 {
		t.Errorf("the customer's record resembles the speech by %.2f, want 0.8", r)
	}
	c.Hangup()
	w.ended(c)
	w.quiet()
	phone.stop(2)
	records, err := filepath.Glob(filepath.Join(dir, "*dec.wav"))
	w.must(err)
	if len(records) == 0 {
		t.Fatal("baresip recorded nothing")
	}
	pcm := readPCM(t, records[0])
	if got := tones.In(pcm[len(pcm)/3 : 2*len(pcm)/3]); len(got) != 1 || got[0] != "customer" {
		t.Errorf("baresip's recording holds %v, want the customer's tone", got)
	}
}

// speechFile is spoken text, 8 kHz mono, long enough that it does not end within the call.
func speechFile(t *testing.T, dir string) string {
	t.Helper()
	raw, out := filepath.Join(dir, "raw.wav"), filepath.Join(dir, "speech.wav")
	text := strings.Repeat("The operator puts a caller through, holds a line, talks privately, and joins three people. ", 12)
	for _, c := range [][]string{{"espeak-ng", "-w", raw, text}, {"sox", raw, "-r", "8000", "-c", "1", "-b", "16", out}} {
		if b, err := exec.Command(c[0], c[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v: %s", c, err, b)
		}
	}
	return out
}

func readPCM(t *testing.T, path string) []int16 {
	t.Helper()
	raw, err := exec.Command("sox", path, "-t", "raw", "-r", "8000", "-c", "1", "-b", "16", "-e", "signed", "-").Output()
	if err != nil {
		t.Fatalf("sox %s: %v", path, err)
	}
	out := make([]int16, len(raw)/2)
	for i := range out {
		out[i] = int16(uint16(raw[2*i]) | uint16(raw[2*i+1])<<8)
	}
	return out
}

// likeness is the best correlation of the loudness envelopes (20 ms steps) of heard anywhere within source.
func likeness(heard, source []int16) float64 {
	a, b := envelope(heard), envelope(source)
	best := 0.0
	for at := 0; at+len(a) <= len(b); at++ {
		best = math.Max(best, correlation(a, b[at:at+len(a)]))
	}
	return best
}

func envelope(pcm []int16) []float64 {
	var out []float64
	for len(pcm) >= 160 {
		sum := 0.0
		for _, v := range pcm[:160] {
			sum += math.Abs(float64(v))
		}
		out, pcm = append(out, sum), pcm[160:]
	}
	return out
}

func correlation(a, b []float64) float64 {
	var ma, mb float64
	for i := range a {
		ma += a[i] / float64(len(a))
		mb += b[i] / float64(len(a))
	}
	var ab, aa, bb float64
	for i := range a {
		ab += (a[i] - ma) * (b[i] - mb)
		aa += (a[i] - ma) * (a[i] - ma)
		bb += (b[i] - mb) * (b[i] - mb)
	}
	if aa == 0 || bb == 0 {
		return 0
	}
	return ab / math.Sqrt(aa*bb)
}

// TestTsharkSeesDigits: a capture of the customer's RTP shows one whole stream and the digits as they were sent (RFC 4733):
// one timestamp an event, rising duration, three end packets, the marker on the first packet only.
func TestTsharkSeesDigits(t *testing.T) {
	need(t, "tshark")
	w := newWorld(t, setup{})
	c, a := w.talk()
	port := strconv.Itoa(int(c.Sound.Local(0).Port))
	file := filepath.Join(t.TempDir(), "rtp.pcapng")
	capture := start(t, t.TempDir(), "tshark", "-i", "lo", "-q", "-w", file, "-f", "udp dst port "+port)
	w.until("the capture runs", func() bool { return strings.Contains(capture.out.String(), "Capturing on") })
	w.hears(c, "agent", a, "customer")
	w.do(callcontrol.Command{Kind: callcontrol.KindDigits, Digits: "42#"})
	w.until("the customer received the digits", func() bool { return c.Sound.Digits() == "42#" })
	w.hears(c, "agent")
	w.do(callcontrol.Command{Kind: callcontrol.KindHold})
	w.hears(c, "music")
	capture.stop(2)
	c.Hangup()
	w.ended(c, a)
	checkCapture(t, file, port)
}

func checkCapture(t *testing.T, file, port string) {
	t.Helper()
	fields := tshark(t, file, port, "-Y", "rtp", "-T", "fields", "-e", "rtp.ssrc", "-e", "rtp.seq", "-e", "rtp.timestamp", "-e", "rtp.marker",
		"-e", "rtpevent.event_id", "-e", "rtpevent.end_of_event", "-e", "rtpevent.duration")
	ssrc, last := "", -1
	type event struct{ id, ts string }
	var order []event
	ends, marks := map[event]int{}, map[event]int{}
	duration := map[event]int{}
	for line := range strings.Lines(fields) {
		f := strings.Split(strings.TrimRight(line, "\n"), "\t")
		if len(f) != 7 {
			t.Fatalf("tshark printed %q", line)
		}
		seq, err := strconv.Atoi(f[1])
		if err != nil {
			t.Fatal(err)
		}
		if ssrc != "" && (f[0] != ssrc || seq != (last+1)%65536) {
			t.Errorf("ssrc %s seq %d after ssrc %s seq %d", f[0], seq, ssrc, last)
		}
		ssrc, last = f[0], seq
		if f[4] == "" {
			continue
		}
		e := event{f[4], f[2]}
		if len(order) == 0 || order[len(order)-1] != e {
			order = append(order, e)
		}
		d, _ := strconv.Atoi(f[6])
		if d < duration[e] {
			t.Errorf("event %v: duration falls from %d to %d", e, duration[e], d)
		}
		duration[e] = d
		if f[5] == "1" || f[5] == "True" {
			ends[e]++
		}
		if f[3] == "1" || f[3] == "True" {
			marks[e]++
		}
	}
	if last < 0 {
		t.Fatal("nothing captured")
	}
	want := []string{"4", "2", "11"}
	if len(order) != len(want) {
		t.Fatalf("events %v, want %v", order, want)
	}
	for i, e := range order {
		if e.id != want[i] || ends[e] != 3 || marks[e] != 1 || duration[e] < 640 {
			t.Errorf("event %v: want id %s, 3 ends (%d), 1 marker (%d), duration ≥ 640 (%d)", e, want[i], ends[e], marks[e], duration[e])
		}
	}
}

func tshark(t *testing.T, file, port string, args ...string) string {
	t.Helper()
	all := append([]string{"-r", file, "-d", "udp.port==" + port + ",rtp", "-o", "rtpevent.event_payload_type_value:101"}, args...)
	out, err := exec.Command("tshark", all...).Output()
	if err != nil {
		t.Fatalf("tshark %v: %v", all, err)
	}
	return string(out)
}
