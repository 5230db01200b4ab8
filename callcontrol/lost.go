package callcontrol

// A lost device: its leg ended without the agent's intent. The talk's customer hears music (the patch
// sees to it), the device is called back with auto-answer, LostTries times with LostInterval between;
// then the customers are told by cause and released. A conference goes on without the agent meanwhile.

// deviceGone begins the recovery where the agent is needed, else nothing is lost.
func (s *step) deviceGone() {
	d := s.d
	if wantDevice(d) != wantUp || !d.engaged("") {
		if d.config.Connect == Persistent {
			s.redialLater()
		}
		return
	}
	if d.config.LostTries < 0 {
		s.lostAll()
		return
	}
	d.device.lost = 1
}

// lostTry counts a failed call to the lost device.
func (s *step) lostTry() {
	d := s.d
	d.device.lost++
	if d.device.lost <= d.config.LostTries {
		s.redialLater()
		return
	}
	s.lostAll()
}

// lostAll gives the device up for every call that needs it.
func (s *step) lostAll() {
	d := s.d
	d.device.lost = 0
	for i := range d.calls {
		c := &d.calls[i]
		if !c.agent || c.waiting() || c.phase == PhaseEnded {
			continue
		}
		s.lostForGood(c)
	}
	if d.config.Connect == Persistent {
		s.redialLater()
	}
}

// lostForGood ends the agent's part in a call.
func (s *step) lostForGood(c *call) {
	switch {
	case c.phase == PhaseConference:
		s.leaveConference(c)
	case c.phase == PhaseReferring:
		c.agent = false
	case (c.phase == PhaseTalking || c.phase == PhaseHeld) && c.customer() != nil:
		if t := s.d.transferOf(c); t != nil {
			if c.id == t.consult { // the target is let go, the customer is told
				s.endTransfer(t, TransferFailed, CauseDeviceLost)
				s.endCall(c, CauseDeviceLost)
				return
			}
			s.abandonConsult(t, CauseDeviceLost)
		}
		s.tellCustomer(c, CauseDeviceLost)
	default:
		if t := s.d.transferOf(c); t != nil && c.id == t.consult {
			s.endTransfer(t, TransferFailed, CauseDeviceLost)
		}
		s.endCall(c, CauseDeviceLost)
	}
}

// abandonConsult ends the consult call of a transfer, whatever its phase.
func (s *step) abandonConsult(t *transfer, c Cause) {
	s.endTransfer(t, TransferFailed, c)
	if k := s.d.call(t.consult); k != nil && k.id != t.call {
		s.endCall(k, c)
	}
}
