package mediamix

import "math"

// rampSamples is the 5 ms over which sound comes in or goes out at a join, a leave, a change of patch or the edge of a
// tone: short enough not to be heard as a fade, long enough not to click.
const rampSamples = SampleRate * 5 / 1000

// rampIn rises from 0 to 1 (1<<15) as a raised cosine.
var rampIn = func() (t [rampSamples]int32) {
	for i := range t {
		t[i] = int32(math.Round((1 << 15) * (1 - math.Cos(math.Pi*(float64(i)+0.5)/rampSamples)) / 2))
	}
	return t
}()

// fadeIn lets a frame begin from silence.
func fadeIn(pcm []int16) {
	for i := range min(rampSamples, len(pcm)) {
		pcm[i] = int16(int32(pcm[i]) * rampIn[i] >> 15)
	}
}

// add sums pcm into acc at full level.
func add(acc *[FrameSamples]int32, pcm *[FrameSamples]int16) {
	for i, s := range pcm {
		acc[i] += int32(s)
	}
}

// addIn sums pcm into acc, coming in over the first 5 ms.
func addIn(acc *[FrameSamples]int32, pcm *[FrameSamples]int16) {
	for i, r := range rampIn {
		acc[i] += int32(pcm[i]) * r >> 15
	}
	for i := rampSamples; i < FrameSamples; i++ {
		acc[i] += int32(pcm[i])
	}
}

// addOut sums the first 5 ms of pcm into acc, going out.
func addOut(acc *[FrameSamples]int32, pcm *[FrameSamples]int16) {
	for i, r := range rampIn {
		acc[i] += int32(pcm[i]) * (1<<15 - r) >> 15
	}
}

// saturate writes acc to dst, held within 16 bits: an overload is loud, never wrapped.
func saturate(dst *[FrameSamples]int16, acc *[FrameSamples]int32) {
	for i, v := range acc {
		dst[i] = int16(min(max(v, math.MinInt16), math.MaxInt16))
	}
}

// add2 is the saturated sum of two frames.
func add2(dst, x, y *[FrameSamples]int16) {
	for i := range dst {
		dst[i] = int16(min(max(int32(x[i])+int32(y[i]), math.MinInt16), math.MaxInt16))
	}
}
