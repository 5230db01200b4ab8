// Package mediamix is the sound of the gateway: frames in, frames out, no sockets, no clock and no goroutines.
//
// A Board holds the legs of one desk, each in a slot, and a Patch says what each slot hears: other slots, music,
// a tone, or silence. Once per 20 ms tick the owner hands in what each slot sent (Frame), calls Tick, and takes what
// each slot hears (Mix). Where a slot hears exactly one other slot in its own codec the Board tells the owner to relay
// packets untouched instead (RelayFrom), and nothing is decoded.
//
// All sound is mono, 16-bit, 8 kHz. Levels are dBFS relative to a full-scale sine: a sine of amplitude 32767 is 0 dBFS.
package mediamix

// SampleRate is the rate of all sound in this package, in samples per second.
const SampleRate = 8000

// FrameSamples is the length of one 20 ms frame in samples, and of its G.711 payload in bytes.
const FrameSamples = 160
