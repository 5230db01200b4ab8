package daemon

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"

	"cordboard/callcontrol"
	"cordboard/journal"
)

// commands keeps the results of commands in a table of the journal.
type commands struct {
	table *journal.Table[callcontrol.CommandRecord]
	key   []byte
}

// openCommands opens the table. Bodies are told apart by digests under the installation's key: whoever reads the journal cannot try
// what short strings of digits they may be of. That a command has begun outlives the process from before anything is done for it.
func (d *Daemon) openCommands(ctx context.Context) (*commands, error) {
	table, err := journal.OpenAhead[callcontrol.CommandRecord](ctx, d.store, "commands", callcontrol.CommandMemory)
	if err != nil {
		return nil, err
	}
	return &commands{table: table, key: d.key}, nil
}

// Digest implements callcontrol.Commands.
func (c *commands) Digest(body []byte) string {
	h := hmac.New(sha256.New, c.key)
	h.Write([]byte("command\n"))
	h.Write(body)
	return base64.RawStdEncoding.EncodeToString(h.Sum(nil)[:16])
}

// Keep implements callcontrol.Commands.
func (c *commands) Keep(r callcontrol.CommandRecord) { c.table.Put(string(r.ID), r) }

// Forget implements callcontrol.Commands.
func (c *commands) Forget(id callcontrol.CommandID) { c.table.Delete(string(id)) }

// Kept implements callcontrol.Commands.
func (c *commands) Kept() []callcontrol.CommandRecord {
	var out []callcontrol.CommandRecord
	for _, r := range c.table.All() {
		out = append(out, r)
	}
	return out
}
