package callcontrol

// settle brings what follows from the calls into line with them: the device's leg, the timers, the
// patch, and last the events, so that those are published after the patch of the state they tell.
func (s *step) settle() {
	s.settleConfig()
	s.settleDevice()
	s.settleName()
	s.settleDigits()
	s.settleTimers()
	s.settlePatch()
	s.publish()
	switch {
	case s.serial != 0:
		s.act(Action{Kind: ActDefer, Serial: s.serial})
	case s.result != nil:
		s.act(Action{Kind: ActReply, Result: *s.result})
	}
	s.acts = append(s.acts, s.late...)
	s.forget()
}

func (s *step) settlePatch() {
	p := patchOf(s.d)
	if !p.equal(s.d.patch) {
		s.d.patch = p
		s.act(Action{Kind: ActPatch, Patch: p})
	}
}

// forget drops what has ended, once its end is told.
func (s *step) forget() {
	calls := s.d.calls[:0]
	for _, c := range s.d.calls {
		if c.phase != PhaseEnded {
			calls = append(calls, c)
		}
	}
	s.d.calls = calls
	transfers := s.d.transfer[:0]
	for _, t := range s.d.transfer {
		if !t.final() {
			transfers = append(transfers, t)
		}
	}
	s.d.transfer = transfers
}
