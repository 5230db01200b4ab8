package callcontrol

import (
	"crypto/sha256"
	"time"
)

// CommandMemory is how long the result of a command is kept, so that its repetition is answered with it.
const CommandMemory = 10 * time.Minute

// Commands keeps what became of commands for the next run of the daemon. It is safe for concurrent use, and does not wait for a
// disk.
type Commands interface {
	// Digest tells the bodies of commands apart and gives nothing of them away: there may be digits in one.
	Digest(body []byte) string
	// Keep notes a command when it begins, and again when it is done, for CommandMemory each time.
	Keep(r CommandRecord)
	// Forget drops one before its time.
	Forget(id CommandID)
	// Kept are those that an earlier run noted.
	Kept() []CommandRecord
}

// CommandRecord is what is kept of a command.
type CommandRecord struct {
	ID      CommandID `json:"id"`
	Body    string    `json:"body"` // its digest
	Begun   time.Time `json:"begun"`
	Done    time.Time `json:"done,omitzero"` // zero: not yet
	Result  Result    `json:"result,omitzero"`
	Refusal *Refusal  `json:"refusal,omitempty"` // in place of the result
}

// noCommands keeps nothing.
type noCommands struct{}

func (noCommands) Digest(body []byte) string {
	sum := sha256.Sum256(body)
	return string(sum[:])
}
func (noCommands) Keep(CommandRecord)    {}
func (noCommands) Forget(CommandID)      {}
func (noCommands) Kept() []CommandRecord { return nil }
