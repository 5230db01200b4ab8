package journal

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
)

func next(t *testing.T, s Subscription[int]) Entry[int] {
	t.Helper()
	e, err := s.Next(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func filled(capacity, n int) *Memory[int] {
	m := NewMemory[int]("e1", capacity)
	for i := 1; i <= n; i++ {
		_, _ = m.Append(context.Background(), i)
	}
	return m
}

func TestReadFromCursor(t *testing.T) {
	m := filled(10, 5)
	for _, c := range []struct {
		from Cursor
		want []int
	}{
		{Cursor{}, []int{1, 2, 3, 4, 5}},
		{Cursor{"e1", 0}, []int{1, 2, 3, 4, 5}},
		{Cursor{"e1", 3}, []int{4, 5}},
	} {
		s := m.Subscribe(c.from)
		for _, w := range c.want {
			if e := next(t, s); e.Event != w || e.Gap != nil || e.Cursor != (Cursor{"e1", uint64(w)}) {
				t.Errorf("from %v: got %+v, want %d", c.from, e, w)
			}
		}
	}
	if last := m.Last(); last != (Cursor{"e1", 5}) {
		t.Errorf("last is %v", last)
	}
}

// TestGap: what is not there any more, was never there, or belongs to another life is told.
func TestGap(t *testing.T) {
	for _, c := range []struct {
		id    string
		from  Cursor
		to    uint64
		first int
	}{
		{"trimmed", Cursor{"e1", 2}, 5, 6},
		{"from the beginning", Cursor{}, 5, 6},
		{"other epoch", Cursor{"e0", 7}, 5, 6},
		{"future", Cursor{"e1", 99}, 8, 9},
	} {
		t.Run(c.id, func(t *testing.T) {
			m := filled(3, 8)
			s := m.Subscribe(c.from)
			e := next(t, s)
			if e.Gap == nil || e.Gap.To != (Cursor{"e1", c.to}) {
				t.Fatalf("no gap to %d: %+v", c.to, e.Gap)
			}
			if _, err := m.Append(context.Background(), 9); err != nil {
				t.Fatal(err)
			}
			if c.first == 6 { // one more was trimmed meanwhile
				if e := next(t, s); e.Gap == nil || e.Gap.From.Seq != 5 || e.Gap.To.Seq != 6 {
					t.Fatalf("no second gap: %+v", e)
				}
				c.first++
			}
			if e := next(t, s); e.Event != c.first {
				t.Errorf("goes on at %d, want %d", e.Event, c.first)
			}
		})
	}
}

func TestWaitWakeClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewMemory[int]("e1", 4)
		var wg sync.WaitGroup
		got := make([][]int, 3)
		for i := range got {
			wg.Go(func() {
				s := m.Subscribe(Cursor{})
				for {
					e, err := s.Next(context.Background())
					if errors.Is(err, ErrClosed) {
						return
					}
					got[i] = append(got[i], e.Event)
				}
			})
		}
		for i := 1; i <= 6; i++ {
			_, _ = m.Append(context.Background(), i)
			synctest.Wait()
		}
		m.Close()
		wg.Wait()
		for _, g := range got {
			if len(g) != 6 {
				t.Errorf("a reader got %v", g)
			}
		}
		if _, err := m.Append(context.Background(), 7); !errors.Is(err, ErrClosed) {
			t.Errorf("append after close: %v", err)
		}
	})
}

func TestNextEndsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := NewMemory[int]("e1", 1).Subscribe(Cursor{}).Next(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
