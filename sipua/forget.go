package sipua

// Forget drops the dialog without a word to the peer, who gets 481 to its next request (RFC 3261 §12.2.2). It is for what
// plays a peer that restarts; a call is ended by Hangup.
func (d *Dialog) Forget() { d.box.put(wireClose{}, false) }
