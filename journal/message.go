package journal

import (
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
)

// Headers of our messages.
const (
	headerLife = "Cordboard-Life" // of the process that wrote it
)

// message is what is stored under one sequence. Empty data stands for an entry that was lost.
type message struct {
	seq  uint64
	at   time.Time
	life string
	data []byte
}

// received reads a message of a batch.
func received(m *nats.Msg) (message, error) {
	seq, err := strconv.ParseUint(m.Header.Get("Nats-Sequence"), 10, 64)
	if err != nil {
		return message{}, fmt.Errorf("a message without its sequence: %w", err)
	}
	at, _ := time.Parse(time.RFC3339Nano, m.Header.Get("Nats-Time-Stamp"))
	return message{seq: seq, at: at, life: m.Header.Get(headerLife), data: m.Data}, nil
}
