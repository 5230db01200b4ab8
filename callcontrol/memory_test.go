package callcontrol

import (
	"errors"
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

func TestMemoryGrowsWithDesks(t *testing.T) {
	for desks, want := range map[int]int{0: 16384, 256: 16384, 5000: 320000} {
		if got := newMemory(desks, nil).size; got != want {
			t.Errorf("%d desks: %d commands are remembered, want %d", desks, got, want)
		}
	}
}

// TestMemoryFull: what makes room is the oldest result; only when no command has one yet is a new one refused.
func TestMemoryFull(t *testing.T) {
	m := newMemory(0, nil)
	command := func(n int) Command { return Command{ID: CommandID(strconv.Itoa(n)), Kind: KindHold} }
	begin := func(n int) (*entry, bool) {
		t.Helper()
		e, first, r := m.begin(command(n))
		if r != nil {
			t.Fatalf("command %d: %v", n, r)
		}
		return e, first
	}
	slow, _ := begin(0)
	for n := 1; n < m.size; n++ {
		e, _ := begin(n)
		e.finish(Result{Call: CallID(e.cmd.ID)}, nil)
	}
	for n := m.size; n < 2*m.size; n++ { // far more than fit
		e, first := begin(n)
		if !first {
			t.Fatalf("command %d counts as repeated", n)
		}
		e.finish(Result{}, nil)
	}
	if len(m.byID) != m.size || len(m.done) != m.size-1 {
		t.Errorf("%d commands are remembered, %d of them finished", len(m.byID), len(m.done))
	}
	if again, first := begin(0); first || again != slow {
		t.Error("a command under way was forgotten")
	}
	if _, first := begin(2*m.size - 1); first {
		t.Error("the newest result was forgotten")
	}
	if e, first := begin(1); !first {
		t.Error("the oldest result is still there")
	} else {
		e.finish(Result{}, nil)
	}
	m = newMemory(0, nil)
	for n := range m.size {
		begin(n)
	}
	if _, _, r := m.begin(command(m.size)); !errors.Is(r, &Refusal{Code: CodeOverloaded}) {
		t.Errorf("with all under way: %v", r)
	}
	if _, _, r := m.begin(Command{Kind: KindHold}); r != nil {
		t.Errorf("without an id: %v", r)
	}
}

// TestMemoryTime: a result is kept for its time from when it was there, however long the command took.
func TestMemoryTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, c := newMemory(0, nil), Command{ID: "a", Kind: KindHold}
		e, _, _ := m.begin(c)
		time.Sleep(2 * CommandMemory)
		if _, first, _ := m.begin(c); first {
			t.Error("a command under way was forgotten")
		}
		e.finish(Result{}, nil)
		time.Sleep(CommandMemory - 1)
		if _, first, _ := m.begin(c); first {
			t.Error("forgotten too early")
		}
		time.Sleep(time.Nanosecond)
		if _, first, _ := m.begin(c); !first {
			t.Error("kept too long")
		}
	})
}
