package daemon

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cordboard/callcontrol"
	"cordboard/configs"
	"cordboard/journal"
)

// run opens the journal and the commands of a daemon in a folder; the returned function ends both without a word.
func openRun(t *testing.T, dir string) (*commands, func()) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	store, err := journal.Open(ctx, journal.Config{Dir: filepath.Join(dir, "journal")})
	if err != nil {
		t.Fatal(err)
	}
	d := &Daemon{cfg: &configs.Config{}, store: store}
	d.cfg.StateDir = configs.Path(dir)
	c, err := d.openCommands(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return c, func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}
}

// nowhere is telephony and media where nothing ever happens.
type nowhere struct{}

func (nowhere) Invite(callcontrol.Invite)                                                           {}
func (nowhere) Ring(callcontrol.AgentID, callcontrol.LegID, bool)                                   {}
func (nowhere) Answer(callcontrol.AgentID, callcontrol.LegID)                                       {}
func (nowhere) Reject(callcontrol.AgentID, callcontrol.LegID, callcontrol.Cause)                    {}
func (nowhere) Hangup(callcontrol.AgentID, callcontrol.LegID, callcontrol.Cause)                    {}
func (nowhere) Refer(callcontrol.AgentID, callcontrol.LegID, callcontrol.Number, callcontrol.LegID) {}
func (nowhere) Info(callcontrol.AgentID, callcontrol.LegID, callcontrol.Digits)                     {}
func (nowhere) Identify(callcontrol.AgentID, callcontrol.LegID, callcontrol.Identity)               {}
func (nowhere) Reoffer(callcontrol.AgentID, callcontrol.LegID, callcontrol.Direction)               {}
func (nowhere) ReferReply(callcontrol.AgentID, callcontrol.LegID, int)                              {}
func (nowhere) Patch(_ callcontrol.AgentID, _ callcontrol.Patch, done func())                       { done() }
func (nowhere) Digits(callcontrol.AgentID, callcontrol.LegID, callcontrol.Digits, func(error))      {}

func withBoard(t *testing.T, c *commands, f func(*callcontrol.Switchboard)) {
	t.Helper()
	sw, err := callcontrol.New(callcontrol.Config{Desks: []callcontrol.DeskConfig{{Agent: "anna"}}}, callcontrol.Deps{
		Log: slog.New(slog.DiscardHandler), Telephony: nowhere{}, Media: nowhere{}, Journal: journal.NewMemory[callcontrol.Event]("e", 100), Commands: c,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- sw.Run(ctx) }()
	f(sw)
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// Results of commands come back from the journal of a run before, and nothing that was dialled or typed is in it.
func TestCommandsInTheJournal(t *testing.T) {
	dir := t.TempDir()
	status := callcontrol.Command{ID: "crm/1", Kind: callcontrol.KindStatus, Agent: "anna", Status: callcontrol.StatusPause}
	digits := callcontrol.Command{ID: "crm/2", Kind: callcontrol.KindDigits, Agent: "anna", Digits: "4929123412341234"}
	c, end := openRun(t, dir)
	withBoard(t, c, func(sw *callcontrol.Switchboard) {
		if r, err := sw.Do(t.Context(), status); err != nil || r.Replayed {
			t.Errorf("%+v, %v", r, err)
		}
		if _, err := sw.Do(t.Context(), digits); !errors.Is(err, &callcontrol.Refusal{Code: callcontrol.CodeNoSuchCall}) {
			t.Errorf("digits: %v", err)
		}
	})
	c.Keep(callcontrol.CommandRecord{ID: "crm/3", Body: "x", Begun: time.Now()}) // killed while it was carried out
	c.Keep(callcontrol.CommandRecord{ID: "crm/4", Body: "x", Begun: time.Now()})
	c.Forget("crm/4")
	end()
	searchFolder(t, dir, digits.Digits)

	c, end = openRun(t, dir)
	defer end()
	kept := map[callcontrol.CommandID]bool{}
	for _, r := range c.Kept() {
		kept[r.ID] = r.Done.IsZero()
	}
	if len(kept) != 3 || kept["crm/1"] || !kept["crm/3"] {
		t.Errorf("kept: %v", kept)
	}
	withBoard(t, c, func(sw *callcontrol.Switchboard) {
		if r, err := sw.Do(t.Context(), status); err != nil || !r.Replayed {
			t.Errorf("%+v, %v", r, err)
		}
		status.Reason = "lunch"
		if _, err := sw.Do(t.Context(), status); !errors.Is(err, &callcontrol.Refusal{Code: callcontrol.CodeConflict}) {
			t.Errorf("another body: %v", err)
		}
		var r *callcontrol.Refusal
		if _, err := sw.Do(t.Context(), digits); !errors.As(err, &r) || !r.Replayed || r.Moment == nil {
			t.Errorf("a refusal: %+v", r)
		}
	})
}

// searchFolder fails where a text is in a file.
func searchFolder(t *testing.T, dir, text string) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		files++
		b, err := os.ReadFile(path)
		if err == nil && strings.Contains(string(b), text) {
			t.Errorf("%s has it", path)
		}
		return err
	})
	if err != nil || files == 0 {
		t.Errorf("%d files, %v", files, err)
	}
}
