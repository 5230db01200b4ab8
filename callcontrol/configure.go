package callcontrol

// closed reports whether the desk takes no new calls.
func (d *Desk) closed() bool { return d.draining || d.retired }

// idle reports whether the desk has no call. A persistent device may be connected all the same.
func (d *Desk) idle() bool {
	for i := range d.calls {
		if d.calls[i].phase != PhaseEnded {
			return false
		}
	}
	return true
}

// retire takes no new calls from now on; what goes on goes on.
func (s *step) retire() error {
	if s.d.retired {
		return errIgnored
	}
	s.d.retired, s.d.wanted = true, nil
	return nil
}

// configure takes other settings. What may be dialled counts at once, for running calls too. All else waits until the desk has no
// call: one that runs goes on as it began.
func (s *step) configure(c *DeskConfig) error {
	d := s.d
	wanted := c.withDefaults()
	wanted.Agent, wanted.Status = d.config.Agent, d.config.Status
	d.retired, d.wanted = false, &wanted
	d.config.Name, d.config.CallWaiting, d.config.Dial = wanted.Name, wanted.CallWaiting, wanted.Dial
	return nil
}

// settleConfig brings into force what waited for the end of the last call.
func (s *step) settleConfig() {
	if d := s.d; d.wanted != nil && d.idle() {
		d.config, d.wanted = *d.wanted, nil
	}
}
