package mediamix

// Concealment after ITU-T G.711 Appendix I: a lost frame is filled with the last pitch period (two of them from 10 ms
// on, three from 20 ms on, which sounds less like a buzzer), full for 10 ms, then 20 % weaker every 10 ms, silent after
// 60 ms. Where real sound comes back the two are cross-faded. Unlike the Appendix nothing is delayed by 3.75 ms: the
// first samples carry a correction that makes the seam continuous.
const (
	pitchMin     = 40  // 200 Hz
	pitchMax     = 120 // 66 2/3 Hz
	pitchWindow  = 160 // samples compared
	plcHistory   = 390 // 48.75 ms: three periods of the longest pitch and a quarter
	fullSamples  = SampleRate * 10 / 1000
	fadeSamples  = SampleRate * 50 / 1000
	seamSamples  = SampleRate * 4 / 1000
	maxCrossFade = SampleRate * 10 / 1000
)

// concealer knows what one slot last sent and goes on with it while packets are missing. The zero value has heard
// nothing and gives silence.
type concealer struct {
	hist  [plcHistory]int16   // the newest sample is the last
	loop  [plcHistory]int16   // hist as it was when the loss began, its end blended into the start of the loop
	tail  [pitchMax / 4]int16 // the end as it was
	pitch int
	turns int // pitch periods in the loop: 1 to 3
	at    int // next sample within them
	made  int // samples of this loss so far; beyond the fade there is silence
	seam  int32
	live  bool // hist holds sound of this stream
}

// forget drops the history: the stream was not listened to.
func (c *concealer) forget() { c.live, c.made = false, 0 }

// silent reports whether the last sample given was silence made here.
func (c *concealer) silent() bool { return !c.live || c.made >= fullSamples+fadeSamples }

// good takes a received frame, and smooths its beginning after a loss.
func (c *concealer) good(pcm *[FrameSamples]int16) {
	switch {
	case c.silent():
		fadeIn(pcm[:])
	case c.made > 0:
		// A quarter period, and 4 ms more for each 10 ms lost (Appendix I §I.2.7).
		n := min(c.pitch/4+seamSamples*(c.made/fullSamples), maxCrossFade)
		for i := range n {
			old := int32(c.next())
			pcm[i] = int16((old*int32(n-i) + int32(pcm[i])*int32(i)) / int32(n))
		}
	}
	c.made, c.live = 0, true
	c.remember(pcm)
}

// conceal fills a frame that did not come.
func (c *concealer) conceal(pcm *[FrameSamples]int16) {
	if c.silent() {
		clear(pcm[:])
		return
	}
	if c.made == 0 {
		c.begin()
	}
	for i := 0; i < FrameSamples; i += fullSamples {
		if k := c.made / fullSamples; c.made > 0 && k < 3 {
			c.lengthen(k+1, pcm[i:i+fullSamples])
		} else {
			c.fill(pcm[i : i+fullSamples])
		}
	}
	c.remember(pcm)
}

func (c *concealer) remember(pcm *[FrameSamples]int16) {
	copy(c.hist[:], c.hist[FrameSamples:])
	copy(c.hist[plcHistory-FrameSamples:], pcm[:])
}

// begin finds the pitch and prepares the loop.
func (c *concealer) begin() {
	c.loop = c.hist
	copy(c.tail[:], c.hist[plcHistory-len(c.tail):])
	c.pitch = pitchOf(&c.hist)
	c.at = 0
	c.setTurns(1)
	c.seam = int32(c.hist[plcHistory-1]) - int32(c.hist[plcHistory-1-c.pitch])
}

// setTurns makes the loop n periods long: the last quarter period is blended into what came before the loop's start.
func (c *concealer) setTurns(n int) {
	c.turns = n
	q := c.pitch / 4
	tail, lead, end := c.tail[len(c.tail)-q:], c.loop[plcHistory-n*c.pitch-q:], c.loop[plcHistory-q:]
	for i := range q {
		end[i] = int16((int32(tail[i])*int32(q-i) + int32(lead[i])*int32(i)) / int32(q))
	}
}

// lengthen makes the loop n periods long and fills pcm, blending from the shorter loop over a quarter period.
func (c *concealer) lengthen(n int, pcm []int16) {
	if n == c.turns {
		c.fill(pcm)
		return
	}
	q := c.pitch / 4
	at, made := c.at, c.made
	c.fill(pcm[:q])
	c.at, c.made = at%c.pitch, made
	c.setTurns(n)
	var longer [fullSamples]int16
	c.fill(longer[:])
	for i := range q {
		longer[i] = int16((int32(pcm[i])*int32(q-i) + int32(longer[i])*int32(i)) / int32(q))
	}
	copy(pcm, longer[:])
}

func (c *concealer) fill(pcm []int16) {
	for i := range pcm {
		pcm[i] = c.next()
	}
}

// next is the next sample of the loop, faded by the age of the loss.
func (c *concealer) next() int16 {
	v := int32(c.loop[plcHistory-c.turns*c.pitch+c.at])
	if c.at++; c.at == c.turns*c.pitch {
		c.at = 0
	}
	if c.made < seamSamples {
		v += c.seam * int32(seamSamples-c.made) / seamSamples
	}
	if late := int32(c.made - fullSamples); late > 0 {
		v = v * max(fadeSamples-late, 0) / fadeSamples
	}
	c.made++
	return int16(min(max(v, -32768), 32767))
}

// pitchOf gives the lag at which the end of the history is most like itself: coarse by every second sample, then exact.
func pitchOf(hist *[plcHistory]int16) int {
	best, at := float32(-1), pitchMax
	for lag := pitchMin; lag <= pitchMax; lag += 2 {
		if v := likeness(hist, lag, 2); v > best {
			best, at = v, lag
		}
	}
	best, coarse := -1, at
	for lag := max(coarse-1, pitchMin); lag <= min(coarse+1, pitchMax); lag++ {
		if v := likeness(hist, lag, 1); v > best {
			best, at = v, lag
		}
	}
	return at
}

// likeness is the normalised correlation, signed square, of the last pitchWindow samples with those lag before them.
func likeness(hist *[plcHistory]int16, lag, stride int) float32 {
	var cross, energy float32 = 0, 1
	for i := plcHistory - pitchWindow; i < plcHistory; i += stride {
		a, b := float32(hist[i]), float32(hist[i-lag])
		cross += a * b
		energy += b * b
	}
	if cross <= 0 {
		return 0
	}
	return cross * cross / energy
}
