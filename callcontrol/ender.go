package callcontrol

// Ender is who ended a call.
type Ender string

// Those who may end a call.
const (
	EnderCustomer Ender = "customer"
	EnderAgent    Ender = "agent" // by command or on the phone
	EnderTarget   Ender = "target"
	EnderGateway  Ender = "gateway" // a time that was over, a lost device, a stop, a restart
	EnderTrunk    Ender = "trunk"   // the PBX or carrier, or the network to it
)

// ender is who ends a call with a cause, by what the step's input is.
func (s *step) ender(cause Cause) Ender {
	switch in := s.in; {
	case cause == CauseTransferred, in.Command != nil:
		return EnderAgent
	case in.Signal != nil:
		return s.signalEnder(in.Signal)
	}
	return EnderGateway
}

func (s *step) signalEnder(sig *Signal) Ender {
	if s.before.isDevice(sig.Leg) {
		if sig.Kind == SignalEnded && sig.ByPeer || sig.Kind == SignalRejected && byPerson(CauseOf(sig.Status)) {
			return EnderAgent
		}
		return EnderGateway
	}
	_, l := s.before.legOf(sig.Leg)
	switch {
	case l == nil, sig.Kind == SignalLost, sig.Cause == CauseDraining:
		return EnderGateway
	case sig.Kind == SignalEnded && !sig.ByPeer, sig.Kind == SignalRejected && !byPerson(causeAfter(l.state, sig.Status)):
		return EnderTrunk
	case l.role == RoleTarget:
		return EnderTarget
	}
	return EnderCustomer
}

// byPerson reports whether a call that is refused for a cause has reached whom it was for.
func byPerson(c Cause) bool { return c == CauseBusy || c == CauseRejected || c == CauseNoAnswer }
