package daemon

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
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
	heard, err := c.Sound.Listen(w.ctx, 6*time.Second)
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
