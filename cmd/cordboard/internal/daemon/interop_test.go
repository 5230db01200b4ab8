package daemon

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

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
	heard, err := c.Sound.Listen(w.ctx, 10*time.Second)
	w.must(err)
	r := likeness(heard, readPCM(t, speech))
	t.Logf("the customer's record resembles the speech by %.3f", r)
	if r < 0.8 {
		t.Errorf("want 0.8")
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

// TestLikeness: speech with a hole each second is itself, other speech is not, nor is the customer's tone.
func TestLikeness(t *testing.T) {
	need(t, "espeak-ng", "sox")
	dir := t.TempDir()
	source := readPCM(t, speechFile(t, dir))
	other := readPCM(t, spoken(t, dir, "other", strings.Repeat("Please stay on the line; your call is answered in the order in which it came. ", 4)))
	tone := make([]int16, 80000)
	sim.Tone(-20, 1000)(tone)
	var holed []int16
	for from, second := 50040, 0; second < 11; second++ {
		holed = append(holed, source[from+8000*second:from+8000*second+7840]...)
	}
	for name, c := range map[string]struct {
		heard       []int16
		least, most float64
	}{
		"itself": {source[50040:130040], 0.9, 1}, "with holes": {holed, 0.8, 1}, "other speech": {other[:80000], 0, 0.7}, "a tone": {tone, 0, 0.7},
		"silence": {make([]int16, 80000), 0, 0}, "nothing": {nil, 0, 0},
	} {
		if r := likeness(c.heard, source); r < c.least || r > c.most {
			t.Errorf("%s resembles the speech by %.3f, want %.1f to %.1f", name, r, c.least, c.most)
		}
	}
}

// speechFile is spoken text, 8 kHz mono, long enough that it does not end within the call.
func speechFile(t *testing.T, dir string) string {
	t.Helper()
	return spoken(t, dir, "speech", strings.Repeat("The operator puts a caller through, holds a line, talks privately, and joins three people. ", 12))
}

func spoken(t *testing.T, dir, name, text string) string {
	t.Helper()
	raw, out := filepath.Join(dir, name+"-raw.wav"), filepath.Join(dir, name+".wav")
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

// likeWindow is how much is compared at once: long enough to tell sentences apart, short enough that a busy host skips few frames
// in it.
const likeWindow = 12000 // 1.5 s

// likeness compares what was heard with its source, window by window by their loudness in steps of 20 ms. Each window is looked
// for anywhere in the source, since a skipped frame shifts all after it; the median is told, for a window may have lost more.
func likeness(heard, source []int16) float64 {
	whole := envelope(source)
	var all []float64
	for ; len(heard) >= likeWindow; heard = heard[likeWindow:] {
		part, best := envelope(heard[:likeWindow]), 0.0
		for at := 0; at+len(part) <= len(whole); at++ {
			best = math.Max(best, correlation(part, whole[at:at+len(part)]))
		}
		all = append(all, best)
	}
	if all == nil {
		return 0
	}
	slices.Sort(all)
	return all[len(all)/2]
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
