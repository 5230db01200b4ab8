// Package conformance is the suite that every adapter must pass. A test hands it the adapter's command;
// the suite runs the process as the daemon would, with a call control of its own whose journal it holds:
//
//	func TestConformance(t *testing.T) {
//		conformance.Run(t, conformance.Target{Command: []string{build(t)}, Config: json.RawMessage(`{…}`)})
//	}
//
// It looks at the handshake and its versions, at Info and the configuration's schema, at the order of
// events, their replay after kill -9 and after a restart of the daemon, gaps, a journal that runs away,
// lookups and searches with odd questions, and the end.
package conformance
