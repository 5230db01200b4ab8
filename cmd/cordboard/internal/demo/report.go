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

// Report is demo-out/report.json.
type Report struct {
	OK              bool     `json:"ok"`
	Steps           []Step   `json:"steps"`
	Streams         []Stream `json:"streams"`
	Digits          Digits   `json:"digits"`
	RegisteredLines int      `json:"registered_lines"`
	Events          uint64   `json:"events"`
}

// judge sets OK: every step, every stream, the digits.
func (r *Report) judge() {
	r.OK = len(r.Steps) > 0 && r.Digits.Sent == r.Digits.Received && r.RegisteredLines == agents && r.Events > 0 && len(r.Streams) > 0
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
