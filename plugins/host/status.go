package host

import (
	"slices"
	"time"

	"cordboard/callcontrol"
	"cordboard/journal"
	"cordboard/plugins/adapter"
	"cordboard/plugins/control"
)

// Status is how the adapter is now.
func (h *Host) Status() control.AdapterStatus {
	h.mu.Lock()
	s, info := h.status, h.info
	h.mu.Unlock()
	s.Acknowledged = h.track.acknowledged()
	s.LinesDropped, s.CallsFailed = h.dropped.Load(), h.failed.Load()
	if slices.Contains(info.Capabilities, adapter.CanEvents) {
		s.Lag = h.track.lag(h.last())
	}
	return s
}

func (h *Host) last() journal.Cursor {
	if h.deps.Last == nil {
		return journal.Cursor{}
	}
	return h.deps.Last()
}

func (h *Host) change(f func(*control.AdapterStatus)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f(&h.status)
}

// setState notes a running adapter's state; a trouble that changes is logged.
func (h *Host) setState(state control.AdapterState, trouble string) {
	trouble = shorten(trouble)
	h.mu.Lock()
	was, said := h.status.State, h.status.LastError
	h.status.State = state
	if trouble != "" && (trouble != said || was != state) {
		h.status.LastError, h.status.LastErrorAt = trouble, time.Now()
	}
	h.mu.Unlock()
	switch {
	case was == state && (trouble == "" || trouble == said):
	case trouble != "":
		h.log.Warn("adapter is not well", "state", string(state), "error", trouble)
	case was == control.AdapterDegraded || was == control.AdapterHung:
		h.log.Info("adapter is well again")
	}
}

// running is the instance to ask, if it can do what is wanted.
func (h *Host) running(c adapter.Capability) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now != nil && slices.Contains(h.info.Capabilities, c)
}

type noMetrics struct{}

func (noMetrics) Acknowledged(string, callcontrol.Event)      {}
func (noMetrics) Asked(string, string, string, time.Duration) {}
func (noMetrics) Started(string)                              {}
func (noMetrics) Ended(string)                                {}
