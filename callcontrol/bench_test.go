package callcontrol

import "testing"

// BenchmarkCall is a whole inbound call in the machine: offered, answered, held, retrieved, hung up.
func BenchmarkCall(b *testing.B) {
	s := newScene()
	b.ReportAllocs()
	for b.Loop() {
		s.all = s.all[:0]
		s.talk().hold()
		s.cmd(KindRetrieve)
		agentHangsUp(s)
		s.signal(SignalEnded, s.d.device.ending)
	}
}

// BenchmarkIdleSignal is what costs nothing much: a signal that changes nothing.
func BenchmarkIdleSignal(b *testing.B) {
	s := newScene()
	in := Input{Signal: &Signal{Kind: SignalDigit, Leg: "l-stranger"}}
	b.ReportAllocs()
	for b.Loop() {
		_, _, _ = next(s.d, in)
	}
}
