package rtp

import (
	"slices"
	"time"
)

// desk is a board with the legs that are patched through it. Only the shard's loop touches it.
type desk struct {
	shard *shard
	group string
	board Board
	taps  RelayObserver // the board, when it wants to know what is relayed; else nil
	legs  []*leg        // in no order
}

// deaf is the board of legs that were opened without one.
type deaf struct{ _ byte }

func (*deaf) RelayFrom(int) int       { return -1 }
func (*deaf) Wants(int) bool          { return false }
func (*deaf) Frame(int, []byte, bool) {}
func (*deaf) Tick()                   {}
func (*deaf) Mix(int, []byte) int     { return 0 }

// seat puts a leg at the desk of its group and board.
func (s *shard) seat(l *leg, group string, board Board) {
	for _, d := range s.desks {
		if d.group == group && d.board == board {
			l.desk = d
			d.legs = append(d.legs, l)
			return
		}
	}
	taps, _ := board.(RelayObserver)
	l.desk = &desk{shard: s, group: group, board: board, taps: taps, legs: []*leg{l}}
	s.desks = append(s.desks, l.desk)
}

// leave takes a leg away, and the desk when it was the last.
func (d *desk) leave(l *leg) {
	d.hush(l.slot)
	d.legs = slices.DeleteFunc(d.legs, func(x *leg) bool { return x == l })
	if len(d.legs) == 0 {
		d.shard.desks = slices.DeleteFunc(d.shard.desks, func(x *desk) bool { return x == d })
	}
}

// hush ends the relay runs from a slot whose packets stop or start anew.
func (d *desk) hush(slot int) {
	for _, l := range d.legs {
		if l.line.run.slot == slot {
			l.line.interrupt()
		}
	}
}

// relay sends a packet of from, which lies parsed in the scratch, to every leg that hears it untouched. A leg that did until
// the last packet ends its run now, not at the next tick: when the patch is back before that, its run would go on with a hole.
func (d *desk) relay(now time.Duration, from *leg, data []byte, event bool) {
	relayed := false
	for _, l := range d.legs {
		switch {
		case l == from:
		case d.board.RelayFrom(l.slot) == from.slot:
			l.relay(now, from.slot, data, event)
			relayed = true
		case l.line.run.slot == from.slot:
			l.line.interrupt()
		}
	}
	if in := &d.shard.scratch.in; relayed && !event && d.taps != nil {
		d.taps.Relayed(from.slot, data[in.off:in.end])
	}
}

// tick runs one 20 ms tick whose nominal time is at.
func (d *desk) tick(at time.Duration, n int64) {
	frame := d.shard.scratch.frame[:]
	for _, l := range d.legs {
		l.watch(at)
		if !d.board.Wants(l.slot) {
			continue
		}
		if l.pull(at, frame) {
			d.board.Frame(l.slot, frame, false)
		} else {
			d.board.Frame(l.slot, nil, true)
		}
	}
	d.board.Tick()
	for _, l := range d.legs {
		l.tick(at, n)
	}
}
