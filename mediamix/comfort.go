package mediamix

// comfortNoise is 200 ms of faint noise, about -68 dBFS: two quantisation steps of G.711, so that a muted line does not sound
// dead. A fixed generator, so that tests and captures repeat.
var comfortNoise = func() (t [10 * FrameSamples]int16) {
	x := uint32(0x9e3779b9)
	for i := range t {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		t[i] = int16(x>>16&15) - int16(x>>24&15)
	}
	return t
}()
