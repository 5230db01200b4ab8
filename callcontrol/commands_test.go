package callcontrol

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"cordboard/journal"
)

// kept is Commands by hand, which outlives a switchboard.
type kept struct {
	mu   sync.Mutex
	rows map[CommandID]CommandRecord
}

func (k *kept) Digest(body []byte) string { return noCommands{}.Digest(body) }

func (k *kept) Keep(r CommandRecord) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.rows[r.ID] = r
}

func (k *kept) Forget(id CommandID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.rows, id)
}

func (k *kept) Kept() (all []CommandRecord) {
	for _, r := range k.rows {
		all = append(all, r)
	}
	return all
}

// life is one run of a switchboard that ends as if it were killed.
func life(t *testing.T, boot string, k *kept, w *world, f func(sw *Switchboard)) {
	t.Helper()
	sw, err := New(Config{Boot: boot, Desks: []DeskConfig{{Agent: "anna", Line: "100", Trunk: "pbx"}}},
		Deps{Log: slog.New(slog.DiscardHandler), Telephony: w, Media: w, Journal: journal.NewMemory[Event](boot, 1000), Commands: k})
	if err != nil {
		t.Fatal(err)
	}
	w.sw = sw
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- sw.Run(ctx) }()
	sw.Signal("anna", Signal{Kind: SignalLine, Up: true})
	sw.Signal("anna", Signal{Kind: SignalDevice, Up: true})
	synctest.Wait()
	f(sw)
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestCommandsOverARestart: what was done is answered with the first result, what was begun and not done with a refusal, and
// nothing is done twice, for ten minutes.
func TestCommandsOverARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, w := &kept{rows: map[CommandID]CommandRecord{}}, &world{auto: true}
		dial := Command{ID: "dial", Kind: KindDial, Agent: "anna", Number: "200"}
		hold := Command{ID: "hold", Kind: KindHold, Agent: "anna"}
		swap := Command{ID: "swap", Kind: KindSwap, Agent: "anna"}
		digits := Command{ID: "digits", Kind: KindDigits, Agent: "anna", Digits: "4111"}
		var first Result
		var refused Refusal
		life(t, "a", k, w, func(sw *Switchboard) {
			first = must(t, sw, dial)
			must(t, sw, digits)
			refused = refusalOf(t, sw, t.Context(), swap)
			w.hold = true // music does not come, and the daemon is killed meanwhile
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			refusalOf(t, sw, ctx, hold)
		})
		w.hold, w.waiting = false, nil
		for _, r := range k.rows {
			if strings.Contains(r.Body, "4111") {
				t.Error("digits are kept")
			}
		}
		time.Sleep(CommandMemory / 2)
		life(t, "b", k, w, func(sw *Switchboard) {
			if r := must(t, sw, dial); !r.Replayed || r.Call != first.Call || r.Leg != first.Leg {
				t.Errorf("done before: %+v, want %+v", r, first)
			}
			if r := refusalOf(t, sw, t.Context(), swap); !r.Replayed || r.Code != refused.Code || r.Message != refused.Message {
				t.Errorf("refused before: %+v, want %+v", r, refused)
			}
			for range 2 {
				if r := refusalOf(t, sw, t.Context(), hold); r.Code != CodeGatewayRestart || !r.Replayed {
					t.Errorf("begun before: %+v", r)
				}
			}
			other := dial
			other.Number = "201"
			if r := refusalOf(t, sw, t.Context(), other); r.Code != CodeConflict {
				t.Errorf("another body: %+v", r)
			}
			if n := w.count("invite device=false"); n != 1 {
				t.Errorf("%d INVITEs", n)
			}
			time.Sleep(CommandMemory/2 + time.Second)
			if r := must(t, sw, dial); r.Replayed {
				t.Error("remembered for too long")
			}
		})
		life(t, "c", k, w, func(sw *Switchboard) {
			if r := refusalOf(t, sw, t.Context(), hold); r.Code != CodeGatewayRestart {
				t.Errorf("begun two runs before: %+v", r)
			}
		})
	})
}
