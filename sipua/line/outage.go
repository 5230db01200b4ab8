package line

import (
	"context"
	"log/slog"
	"slices"
	"time"
)

const (
	// gather is how long failures are gathered before they are told: as one line if they are many.
	gather = 2 * time.Second
	// few is how many failing lines of a trunk are told one by one.
	few = 3
	// silence is how many rounds in a row nobody answers until the trunk counts as lost.
	silence = 2
)

// told is what the log knows of a line. Owned by the goroutine of Run.
type told struct {
	known, tried bool
	failing      bool
	unheard      bool // nobody answered its last round
	alone        bool // it has a warning of its own
	reason       string
}

// cause is why a line fails.
type cause struct {
	reason  string
	unheard bool
}

// level is what the log has said of a trunk's lines taken together.
type level uint8

const (
	well level = iota // lines that fail are told one by one
	many              // told: more than a few fail, though the trunk answers
	lost              // told: the trunk does not answer
)

// watch makes of what happens to the lines of a trunk what an operator wants to read: one line when thousands fail together,
// one when that is over, and a warning of its own for a line that fails alone. Owned by the goroutine of Run.
type watch struct {
	log   *slog.Logger
	trunk string

	lines, untried, failing, unheard int
	reasons                          map[cause]int // of those that fail
	silent                           int           // rounds without an answer since the last answer
	fresh                            []event       // failures that may have to be told
	decide                           time.Time     // gathering ends; zero: nothing is gathered

	level    level
	began    time.Time // what the level says
	returned int       // lines since then
	started  time.Time // untried lines were seen
}

// note takes one change of a line.
func (w *watch) note(e event, now time.Time) {
	t := &e.entry.told
	if e.Phase == Unregistering || e.Phase == Gone {
		w.forget(t)
		return
	}
	if !t.known {
		if t.known = true; w.untried == 0 {
			w.started = now
		}
		w.lines++
		w.untried++
	}
	switch {
	case e.entered && (e.Phase == BackingOff || e.Phase == Parked):
		w.failed(e, now)
	case e.Phase == Registered && e.Reason == "":
		w.succeeded(e, now)
	}
}

// failed takes a round that failed.
func (w *watch) failed(e event, now time.Time) {
	t := &e.entry.told
	w.log.Debug("line not registered", "line", e.Line, "trunk", w.trunk, "phase", e.Phase.String(), "reason", e.Reason, "next", e.Next)
	w.clear(t)
	t.failing, t.unheard, t.reason = true, e.Status == 0, e.Reason
	w.failing++
	w.reasons[cause{t.reason, t.unheard}]++
	if t.unheard {
		w.unheard++
		w.silent++
	} else {
		w.silent = 0
	}
	w.over(now)
	fresh := w.level == well && !t.alone
	if fresh {
		w.fresh = append(w.fresh, e)
	}
	if w.decide.IsZero() && (fresh || t.unheard && w.level != lost) {
		w.decide = now.Add(gather)
	}
	w.round(t, now)
}

// succeeded takes a round that made or kept a binding.
func (w *watch) succeeded(e event, now time.Time) {
	t := &e.entry.told
	w.silent = 0
	severity := slog.LevelDebug
	if t.alone {
		severity = slog.LevelInfo
	}
	if t.failing || e.gained {
		w.log.Log(context.Background(), severity, "line registered", "line", e.Line, "trunk", w.trunk, "remote", e.Target.String())
	}
	if t.failing {
		w.returned++
	}
	w.clear(t)
	t.alone = false
	w.over(now)
	if len(w.fresh) > 0 && w.decide.IsZero() {
		w.decide = now // the trunk answers: who was not answered is told alone
	}
	w.round(t, now)
}

// clear takes a line out of those that fail.
func (w *watch) clear(t *told) {
	if !t.failing {
		return
	}
	w.failing--
	if t.unheard {
		w.unheard--
	}
	c := cause{t.reason, t.unheard}
	if w.reasons[c]--; w.reasons[c] == 0 {
		delete(w.reasons, c)
	}
	t.failing, t.unheard, t.reason = false, false, ""
}

// forget drops a line that is no more wanted, which tells nothing about the trunk.
func (w *watch) forget(t *told) {
	if !t.known {
		return
	}
	w.clear(t)
	w.lines--
	if !t.tried {
		w.untried--
	}
	*t = told{}
	if w.failing == 0 {
		w.level = well
	}
}

// round is the end of a line's first round. After the last line's it is told how many work, unless none does.
func (w *watch) round(t *told, now time.Time) {
	if t.tried {
		return
	}
	t.tried = true
	if w.untried--; w.untried == 0 && w.failing < w.lines && w.level != lost {
		w.tell(slog.LevelInfo, "lines registered", "lines", w.lines-w.failing, "of", w.lines, "seconds", int(now.Sub(w.started).Seconds()))
	}
}

// over looks whether what the level says is over. A trunk is back when each line of the outage has been answered: those that
// are refused now are told as left.
func (w *watch) over(now time.Time) {
	message := "trunk back"
	switch {
	case w.level == lost && w.unheard == 0:
	case w.level == many && w.failing <= few/2:
		message = "lines back"
	default:
		return
	}
	severity := slog.LevelInfo
	if w.level = well; w.failing > few {
		w.level, severity = many, slog.LevelWarn
	}
	args := []any{"lines", w.returned, "seconds", int(now.Sub(w.began).Seconds())}
	if w.failing > 0 {
		args = append(args, "left", w.failing)
	}
	w.tell(severity, message, args...)
	w.returned = 0
}

// settle tells what was gathered.
func (w *watch) settle() {
	switch {
	case w.failing == 0:
		w.fresh = nil
	case w.level != lost && (w.silent >= silence || w.silent > 0 && w.lines == 1):
		w.enter(lost, "trunk lost: lines not registered", w.unheard)
	case w.level == well && w.failing > few:
		w.enter(many, "lines not registered", w.failing)
	case w.level == well:
		w.fresh = slices.DeleteFunc(w.fresh, w.alone)
	}
	w.decide = time.Time{}
}

// alone tells of a line that fails alone; false while it may still be the trunk that does not answer.
func (w *watch) alone(e event) bool {
	t := &e.entry.told
	if !t.failing || t.alone {
		return true
	}
	if t.unheard && w.silent > 0 {
		return false
	}
	t.alone = true
	w.log.Warn("line not registered", "line", e.Line, "trunk", w.trunk, "phase", e.Phase.String(), "reason", t.reason, "next", e.Next)
	return true
}

func (w *watch) enter(l level, message string, lines int) {
	w.level, w.began, w.returned = l, w.decide.Add(-gather), 0
	if len(w.fresh) > 0 {
		w.began = w.fresh[0].Since
	}
	w.fresh = nil
	w.tell(slog.LevelWarn, message, "lines", lines, "of", w.lines)
}

// tell writes one line about the trunk, with the reason that most of the failing lines have.
func (w *watch) tell(severity slog.Level, message string, args ...any) {
	args = append([]any{"trunk", w.trunk}, args...)
	most, have := cause{}, 0
	for c, n := range w.reasons {
		if w.level == lost && !c.unheard {
			continue
		}
		if n > have || n == have && c.reason < most.reason {
			most, have = c, n
		}
	}
	if have > 0 {
		args = append(args, "reason", most.reason)
	}
	w.log.Log(context.Background(), severity, message, args...)
}

// report notes a change for the log and calls back.
func (m *Manager) report(e event) {
	w := e.entry.trunk.watch
	w.note(e, time.Now())
	if !w.decide.IsZero() && !slices.Contains(m.gathering, w) {
		m.gathering = append(m.gathering, w)
	}
	m.deps.OnState(e.State)
}

// settle lets trunks tell what was gathered, and gives the time to the next that will.
func (m *Manager) settle(now time.Time) time.Duration {
	wait := time.Hour
	m.gathering = slices.DeleteFunc(m.gathering, func(w *watch) bool {
		if left := w.decide.Sub(now); left > 0 {
			wait = min(wait, left)
			return false
		}
		w.settle()
		return true
	})
	return wait
}
