package mediamix

import "math"

// Generator makes steady tones for tests and demonstrations: on multiples of DetectBin a detector sees them alone.
type Generator struct {
	cycle []int16 // one window; every multiple of DetectBin is periodic in it
	pos   int
}

// NewGenerator makes a generator of the sum of freqs (Hz, rounded to multiples of DetectBin), each at level dBFS. A sum
// beyond full scale is saturated.
func NewGenerator(level float64, freqs ...float64) *Generator {
	g := &Generator{cycle: make([]int16, DetectWindow)}
	amp := 32767 * math.Pow(10, level/20)
	for i := range g.cycle {
		var v float64
		for _, f := range freqs {
			// The phase is taken modulo a turn in whole numbers, which keeps it exact.
			turn := int(math.Round(f/DetectBin)) * i % DetectWindow
			v += amp * math.Sin(2*math.Pi*float64(turn)/DetectWindow)
		}
		g.cycle[i] = int16(math.Round(min(max(v, math.MinInt16), math.MaxInt16)))
	}
	return g
}

// Fill writes the next samples to dst.
func (g *Generator) Fill(dst []int16) {
	for len(dst) > 0 {
		n := copy(dst, g.cycle[g.pos:])
		dst = dst[n:]
		g.pos = (g.pos + n) % len(g.cycle)
	}
}
