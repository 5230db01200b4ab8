package callcontrol

// signal takes an outcome from SIP or media to the leg it is about.
func (s *step) signal(sig *Signal) error {
	d := s.d
	switch sig.Kind {
	case SignalLine:
		if d.lineUp == sig.Up && d.lineWhy == sig.Reason {
			return errIgnored
		}
		d.lineUp, d.lineWhy = sig.Up, sig.Reason
		return nil
	case SignalDevice:
		return s.deviceState(sig)
	}
	if sig.Leg == "" {
		return errIgnored
	}
	if sig.Leg == d.device.ending {
		if sig.Kind != SignalEnded && sig.Kind != SignalRejected {
			return errIgnored
		}
		d.device.ending = ""
		return nil
	}
	if d.isDevice(sig.Leg) {
		return s.deviceSignal(d.device.leg, sig)
	}
	if c, l := d.legOf(sig.Leg); l != nil {
		return s.partySignal(c, l, sig)
	}
	if sig.Kind == SignalAnswered { // it crossed our hang-up: nobody is there for it
		s.act(Action{Kind: ActHangup, Leg: sig.Leg, Cause: CauseCancelled})
		return nil
	}
	return errIgnored
}

// deviceState: the device came or went. A device that comes back is called at once if it is missed.
func (s *step) deviceState(sig *Signal) error {
	d := s.d
	if d.device.reachable == sig.Up && d.device.why == sig.Reason {
		return errIgnored
	}
	d.device.reachable, d.device.why = sig.Up, sig.Reason
	if sig.Up {
		d.device.wait = 0
	}
	return nil
}
