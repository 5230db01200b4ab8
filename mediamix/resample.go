package mediamix

import "math"

// The resampler is a polyphase FIR low-pass: a Kaiser-windowed sinc with 32 zero crossings to each side, passing to
// 3.4 kHz and 80 dB down from 4 kHz on. Rates whose ratio to 8 kHz has up to maxPhases phases (all usual ones) are
// exact; for odd ones the two nearest phases are interpolated.
const (
	crossings  = 32
	maxPhases  = 320
	kaiserBeta = 7.857 // 80 dB
	cutoff     = 0.92  // of half the lower rate
)

// resampler turns one stream of samples at a fixed rate into 8 kHz.
type resampler struct {
	up, down int // out : in
	half     int // taps to each side
	phases   int
	bank     [][]float32 // one filter per phase, and one more for interpolation
	in       []float32   // not yet used up, from sample first on
	first    int         // may be negative: the silence before the beginning
	next     int         // next output sample
	total    int         // input samples so far
}

func newResampler(rate int) *resampler {
	g := gcd(rate, SampleRate)
	r := &resampler{up: SampleRate / g, down: rate / g}
	if rate == SampleRate {
		return r
	}
	scale := min(1, float64(SampleRate)/float64(rate))
	r.half = int(math.Ceil(crossings / scale))
	r.phases = min(r.up, maxPhases)
	r.bank = make([][]float32, r.phases+1)
	work := make([]float64, 2*r.half)
	for p := range r.bank {
		r.bank[p] = r.filter(work, float64(p)/float64(r.phases), scale*cutoff)
	}
	r.in = make([]float32, r.half-1, 4096+2*r.half)
	r.first = -(r.half - 1)
	return r
}

// filter computes the taps for an output sample that lies frac after an input sample. bandwidth is relative to half the
// input's rate; taps is room to work in.
func (r *resampler) filter(taps []float64, frac, bandwidth float64) []float32 {
	var sum float64
	for k := range taps {
		t := float64(k-(r.half-1)) - frac
		x := t / float64(r.half)
		taps[k] = sinc(t*bandwidth) * bessel0(kaiserBeta*math.Sqrt(max(1-x*x, 0)))
		sum += taps[k]
	}
	out := make([]float32, len(taps))
	for k, v := range taps {
		out[k] = float32(v / sum) // every phase passes a constant unchanged
	}
	return out
}

// write takes input and appends what comes out.
func (r *resampler) write(out, in []float32) []float32 {
	r.total += len(in)
	if r.bank == nil {
		return append(out, in...)
	}
	r.in = append(r.in, in...)
	return r.run(out)
}

// flush appends the rest, so that the whole is as long as the input was.
func (r *resampler) flush(out []float32) []float32 {
	if r.bank == nil {
		return out
	}
	total := r.total
	out = r.write(out, make([]float32, r.half+1))
	want := (total*r.up + r.down - 1) / r.down
	if extra := r.next - want; extra > 0 {
		out = out[:max(len(out)-extra, 0)]
	}
	return out
}

func (r *resampler) run(out []float32) []float32 {
	for ; ; r.next++ {
		at := r.next * r.down
		start := at/r.up - (r.half - 1) - r.first
		if start+2*r.half > len(r.in) {
			break
		}
		x := r.in[start : start+2*r.half]
		// The phase in parts of r.phases, and what is left over between two of them.
		num := at % r.up * r.phases
		v := dot(x, r.bank[num/r.up])
		if rest := num % r.up; rest != 0 {
			v += (dot(x, r.bank[num/r.up+1]) - v) * float32(rest) / float32(r.up)
		}
		out = append(out, v)
	}
	if used := min(r.next*r.down/r.up-(r.half-1)-r.first, len(r.in)); used > 0 {
		r.in = r.in[:copy(r.in, r.in[used:])]
		r.first += used
	}
	return out
}

func dot(a, b []float32) float32 {
	var s0, s1 float32
	b = b[:len(a)]
	for i := 0; i+1 < len(a); i += 2 {
		s0 += a[i] * b[i]
		s1 += a[i+1] * b[i+1]
	}
	return s0 + s1
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	return math.Sin(math.Pi*x) / (math.Pi * x)
}

// bessel0 is the modified Bessel function of order 0.
func bessel0(x float64) float64 {
	sum, term := 1.0, 1.0
	for k := 1.0; term > sum*1e-12; k++ {
		term *= (x / 2 / k) * (x / 2 / k)
		sum += term
	}
	return sum
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
