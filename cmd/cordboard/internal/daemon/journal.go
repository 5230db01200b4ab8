package daemon

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"cordboard/callcontrol"
	"cordboard/configs"
	"cordboard/journal"
)

const (
	journalStart = 20 * time.Second // for the journal to open
	memoryRing   = 65536            // events that a journal in memory keeps
	durableRing  = 16384            // events in memory before the journal's disk: half a minute of a full house
)

// openJournal opens where events are kept. Its errors say what to do.
func (d *Daemon) openJournal() error {
	ctx, cancel := context.WithTimeout(context.Background(), journalStart)
	defer cancel()
	store, err := journal.Open(ctx, journalConfig(d.cfg, d.log))
	if err != nil {
		return err
	}
	d.store = store
	d.events, err = journal.OpenLog(ctx, store, journal.LogConfig[callcontrol.Event]{
		Name: "events", Ring: ringOf(d.cfg.Journal), Encode: encodeEvent, Decode: decodeEvent,
	})
	if err != nil {
		return err
	}
	return d.openRemains(ctx)
}

func journalConfig(cfg *configs.Config, log *slog.Logger) journal.Config {
	c := cfg.Journal
	return journal.Config{
		Dir: string(c.Dir), URL: c.URL, Credentials: string(c.Credentials), User: c.User, Password: c.Password.Reveal(), CA: string(c.CA), Memory: c.Memory,
		Replicas: c.Replicas, MaxBytes: int64(c.MaxBytes), MaxAge: c.MaxAge, Log: log,
	}
}

// openRemains opens what a killed run leaves to the next one.
func (d *Daemon) openRemains(ctx context.Context) error {
	var err error
	if d.commands, err = d.openCommands(ctx); err != nil {
		return err
	}
	if d.bindings, err = journal.OpenTable[bindingRow](ctx, d.store, "phones", 0); err != nil {
		return err
	}
	if err = d.openLegs(ctx, d.store); err != nil {
		return err
	}
	if d.calls, err = openHistory(ctx, d.store, d.cfg.Journal.MaxAge); err != nil {
		return err
	}
	d.living, err = openLiving(ctx, d.store, d.events, d.calls)
	return err
}

// closeJournal writes what waits and ends the journal's goroutines. It may be called without a journal.
func (d *Daemon) closeJournal() {
	if d.store == nil {
		return
	}
	if err := d.store.Close(); err != nil {
		d.log.Error("journal closed", "err", err)
	}
}

func ringOf(c configs.Journal) int {
	if c.Memory {
		return memoryRing
	}
	return durableRing
}

// encodeEvent and decodeEvent are the form of events on the disk: JSON with the names of the API, so that older events stay
// readable when fields are added.
func encodeEvent(e callcontrol.Event) ([]byte, error) { return json.Marshal(e) }

func decodeEvent(text []byte) (callcontrol.Event, error) {
	var e callcontrol.Event
	err := json.Unmarshal(text, &e)
	return e, err
}
