package rtp

import "time"

// Packet-loss robustness of G.711 (ITU-T G.113): with and without concealment.
const (
	bplConcealed = 25.1
	bplBare      = 4.3
)

// mos estimates the quality of G.711 by the E-model (ITU-T G.107, narrow band) on the scale of 1 to 4.5. loss is 0…1 and
// burst its burst ratio (1 = random), delay is mouth to ear, bpl the loss robustness.
func mos(loss, burst float64, delay time.Duration, bpl float64) float64 {
	ppl := 100 * min(max(loss, 0), 1)
	ie := 95 * ppl / (ppl/max(burst, 1) + bpl)
	ms := float64(delay) / float64(time.Millisecond)
	id := 0.024 * ms
	if ms > 177.3 {
		id += 0.11 * (ms - 177.3)
	}
	r := 93.2 - id - ie
	switch {
	case r <= 0:
		return 1
	case r >= 100:
		return 4.5
	}
	return max(1, 1+0.035*r+7e-6*r*(r-60)*(100-r))
}

// burstRatio compares the mean run of losses with that of random loss of the same ratio (G.107 §3.5).
func burstRatio(lost int64, gaps uint64, loss float64) float64 {
	if lost <= 0 || gaps == 0 {
		return 1
	}
	return max(1, float64(lost)/float64(gaps)*(1-loss))
}
