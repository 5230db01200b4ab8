package mediamix

import (
	"math"
	"slices"
	"testing"
)

func TestDetectLevels(t *testing.T) {
	pcm := make([]int16, 5*DetectWindow+123)
	NewGenerator(-23, 500, 1005, 3400).Fill(pcm)
	levels := Detect(pcm, []float64{500, 505, 1000, 1005, 3400})
	for i, want := range []float64{-23, floorLevel, floorLevel, -23, -23} {
		if want == floorLevel && levels[i] < -85 {
			continue
		}
		if math.Abs(levels[i]-want) > 0.1 {
			t.Errorf("%d: %.2f dBFS, want %.2f", i, levels[i], want)
		}
	}
	if got := Heard(pcm, []float64{500, 700, 1005}, -40); !slices.Equal(got, []float64{500, 1005}) {
		t.Errorf("heard %v", got)
	}
}

func TestDetectIsAMedian(t *testing.T) {
	pcm := make([]int16, 5*DetectWindow)
	NewGenerator(-20, 700).Fill(pcm)
	clear(pcm[DetectWindow : DetectWindow+900])
	if l := Detect(pcm, []float64{700})[0]; math.Abs(l+20) > 0.1 {
		t.Errorf("one spoilt window of five: %.1f dBFS", l)
	}
}

func TestDetectOfNothing(t *testing.T) {
	if l := Detect(make([]int16, DetectWindow-1), []float64{500}); l[0] != floorLevel {
		t.Errorf("too short: %v", l)
	}
	if l := Detect(make([]int16, DetectWindow), []float64{500}); l[0] != floorLevel {
		t.Errorf("silence: %v", l)
	}
	if got := Heard(nil, nil, -60); got == nil || len(got) != 0 {
		t.Errorf("heard %v in nothing", got)
	}
	if Level(nil) != floorLevel {
		t.Error("level of nothing")
	}
}

func TestLevel(t *testing.T) {
	for _, want := range []float64{0, -6, -20, -50} {
		if got := Level(sine(1000, want, 8000)); math.Abs(got-want) > 0.1 {
			t.Errorf("%.2f dBFS, want %.2f", got, want)
		}
	}
}

// A generator goes on where it stopped, whatever the sizes asked for, and saturates.
func TestGenerator(t *testing.T) {
	whole := sine(885, -6, 4000)
	g := NewGenerator(-6, 885)
	var pieces []int16
	for _, n := range []int{1, 160, 39, 1600, 0, 2200} {
		piece := make([]int16, n)
		g.Fill(piece)
		pieces = append(pieces, piece...)
	}
	if !slices.Equal(pieces, whole) {
		t.Error("pieces differ from the whole")
	}
	loud := make([]int16, DetectWindow)
	NewGenerator(0, 400, 405).Fill(loud)
	if slices.Max(loud) != math.MaxInt16 || slices.Min(loud) != math.MinInt16 {
		t.Error("the sum of two full-scale tones is not at full scale")
	}
}
