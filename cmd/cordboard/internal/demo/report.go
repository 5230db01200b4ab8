package demo

import (
	"encoding/json"
	"os"
	"path/filepath"

	"cordboard/sim"
)

// Heard is what the parties of a call hear: the names of the tones.
type Heard struct {
	Agent    []string `json:"agent"`
	Customer []string `json:"customer"`
	Target   []string `json:"target"`
}

// Step is one step of the story.
type Step struct {
	Name     string `json:"name"`
	State    string `json:"state"`
	Expected Heard  `json:"expected"`
	Heard    Heard  `json:"heard"`
	OK       bool   `json:"ok"`
	Error    string `json:"error,omitempty"`

	silent bool // nobody listens
}

// Stream is one RTP stream as a party received it.
type Stream struct {
	Leg string `json:"leg"`
	sim.Wire
}

// Digits are the keys sent by command and those the customer received.
type Digits struct {
	Sent     string `json:"sent"`
	Received string `json:"received"`
}

// Adapter is how the contacts adapter fared, which was killed in mid-call.
type Adapter struct {
	Contact  string `json:"contact"`  // whom the first customer was found to be, and the agent picked
	Events   int    `json:"events"`   // that it took
	Missed   int    `json:"missed"`   // events that it never took
	Doubled  int    `json:"doubled"`  // events that it took twice
	Calls    int    `json:"calls"`    // whose end it was told
	Restarts int    `json:"restarts"` // of its process: one for each kill
	Kill     Kill   `json:"kill"`
}

// Kill is what kill -9 of the adapter's process did.
type Kill struct {
	PID       int `json:"pid"`
	BackPID   int `json:"back_pid"`
	BackAfter int `json:"back_after_ms"`
	// Pause is the longest time between two packets that a party of the call received while the adapter was
	// down; 20 is a stream without any.
	Pause int `json:"longest_pause_ms"`
}

// Report is demo-out/report.json.
type Report struct {
	OK              bool     `json:"ok"`
	Steps           []Step   `json:"steps"`
	Streams         []Stream `json:"streams"`
	Digits          Digits   `json:"digits"`
	RegisteredLines int      `json:"registered_lines"`
	Events          uint64   `json:"events"`
	Adapter         Adapter  `json:"adapter"`
}

// judge sets OK: every step, every stream, the digits, and that the adapter lost nothing.
func (r *Report) judge() {
	r.OK = len(r.Steps) > 0 && r.Digits.Sent == r.Digits.Received && r.RegisteredLines == agents && r.Events > 0 && len(r.Streams) > 0
	a := r.Adapter
	r.OK = r.OK && a.Contact != "" && a.Events > 0 && a.Missed == 0 && a.Doubled == 0 && a.Restarts == 1 && a.Kill.PID != 0 && a.Kill.BackPID != 0
	for _, s := range r.Steps {
		r.OK = r.OK && s.OK
	}
	for _, s := range r.Streams {
		r.OK = r.OK && s.Packets > 0 && s.SSRCChanges == 0 && s.SequenceGaps == 0 && s.TimestampErrors == 0
	}
}

func (r *Report) write(dir string) error {
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "report.json"), append(b, '\n'), 0o644)
}
