package alarm

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Whatever is armed, moved and disarmed: alarms come due in the order of their times, each once, and none before its time.
func TestHeapAgainstModel(t *testing.T) {
	epoch := time.Unix(1_700_000_000, 0)
	rapid.Check(t, func(t *rapid.T) {
		var h Heap[int]
		alarms := make([]Alarm[int], 8)
		model := map[int]int{} // owner: second
		for i := range alarms {
			alarms[i].Owner = i
		}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			n := rapid.IntRange(0, len(alarms)-1).Draw(t, "owner")
			switch second := rapid.IntRange(-3, 20).Draw(t, "second"); {
			case second < 0:
				h.Set(&alarms[n], time.Time{})
				delete(model, n)
			default:
				h.Set(&alarms[n], epoch.Add(time.Duration(second)*time.Second))
				model[n] = second
			}
			if rapid.IntRange(0, 4).Draw(t, "look") > 0 {
				continue
			}
			now := rapid.IntRange(0, 20).Draw(t, "now")
			var got []int
			for a := h.Due(epoch.Add(time.Duration(now) * time.Second)); a != nil; a = h.Due(epoch.Add(time.Duration(now) * time.Second)) {
				second, armed := model[a.Owner]
				if !armed || second > now {
					t.Fatalf("alarm of %d, armed %v for %d, is due at %d", a.Owner, armed, second, now)
				}
				got = append(got, second)
				delete(model, a.Owner)
			}
			if !slices.IsSorted(got) {
				t.Fatalf("due in the order %v", got)
			}
			for owner, second := range model {
				if second <= now {
					t.Fatalf("alarm of %d for %d is not due at %d", owner, second, now)
				}
			}
		}
	})
}

func TestWait(t *testing.T) {
	var h Heap[string]
	a := Alarm[string]{Owner: "a"}
	if d := h.Wait(time.Hour); d != time.Hour {
		t.Errorf("an empty heap waits %v", d)
	}
	h.Set(&a, time.Now().Add(time.Minute))
	if d := h.Wait(time.Hour); d > time.Minute || d < 50*time.Second {
		t.Errorf("one alarm in a minute: %v", d)
	}
	h.Set(&a, time.Now().Add(-time.Second))
	if d := h.Wait(time.Hour); d != 0 {
		t.Errorf("one alarm overdue: %v", d)
	}
}
