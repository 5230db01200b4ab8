package mediamix

import (
	"math"
	"slices"
	"testing"
)

// templates spares the tests computing the same filters again and again.
var templates = map[int]*resampler{}

func freshResampler(rate int) *resampler {
	if templates[rate] == nil {
		templates[rate] = newResampler(rate)
	}
	r := *templates[rate]
	r.in = slices.Clone(r.in)
	return &r
}

// resampled runs a sine of hz and amplitude 10000 at rate through the resampler, in uneven pieces.
func resampled(rate int, hz, seconds float64) []int16 {
	in := make([]float32, int(float64(rate)*seconds))
	for i := range in {
		in[i] = float32(10000 * math.Sin(2*math.Pi*hz*float64(i)/float64(rate)))
	}
	r := freshResampler(rate)
	var out []float32
	for size := 1; len(in) > 0; size = size*3%4001 + 1 {
		n := min(size, len(in))
		out = r.write(out, in[:n])
		in = in[n:]
	}
	out = r.flush(out)
	pcm := make([]int16, len(out))
	for i, v := range out {
		pcm[i] = int16(math.Round(float64(v)))
	}
	return pcm
}

var testRates = []int{4000, 6000, 8000, 11025, 12000, 16000, 22050, 24000, 32000, 44056, 44100, 48000, 96000, 192000, 47999}

// In the telephone band every rate passes level and waveform: compared sample by sample with the sine itself.
func TestResamplerPasses(t *testing.T) {
	for _, rate := range testRates {
		for _, hz := range []float64{60, 1000, 3300} {
			if hz > 0.8*float64(rate)/2 {
				continue
			}
			pcm := resampled(rate, hz, 0.25)
			if len(pcm) != 2000 {
				t.Fatalf("%d Hz: %d samples of 2000", rate, len(pcm))
			}
			mid := pcm[400:1600]
			want := make([]float64, len(mid))
			for i := range want {
				want[i] = 10000 * math.Sin(2*math.Pi*hz*float64(i+400)/SampleRate)
			}
			if db := snr(mid, want); db < 60 {
				t.Errorf("%v Hz at %d: %.1f dB", hz, rate, db)
			}
		}
	}
}

// What lies above the band does not fold into it.
func TestResamplerStops(t *testing.T) {
	for _, rate := range testRates {
		for _, hz := range []float64{4100, 4700, 15000} {
			if hz > float64(rate)/2-100 || rate <= SampleRate {
				continue
			}
			if level := Level(resampled(rate, hz, 0.25)[400:1600]); level > -10.3-60 {
				t.Errorf("%v Hz at %d: folds in at %.1f dBFS", hz, rate, level)
			}
		}
	}
}

func TestResamplerShort(t *testing.T) {
	for _, rate := range testRates {
		for _, n := range []int{1, 2, 7, 100} {
			r := freshResampler(rate)
			out := r.flush(r.write(nil, make([]float32, n)))
			if want := (n*SampleRate + rate - 1) / rate; len(out) != want {
				t.Errorf("%d samples at %d: %d out, want %d", n, rate, len(out), want)
			}
		}
	}
}
