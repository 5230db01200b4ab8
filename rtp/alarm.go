package rtp

import (
	"log/slog"
	"sync/atomic"
)

// The range counts as nearly used up from alarmAt on, and as sufficient again below clearBelow; shares of its pairs that cannot
// be had now.
const alarmAt, clearBelow = 0.9, 0.8

// alarm tells once that the port range is nearly used up.
type alarm struct {
	log *slog.Logger
	on  atomic.Bool
}

// look is called with each leg that is opened: nobody else needs the ports.
func (a *alarm) look(u Usage) {
	figures := []any{"used", u.Used, "resting", u.Resting, "total", u.Total}
	switch ratio := u.Ratio(); {
	case ratio >= alarmAt && a.on.CompareAndSwap(false, true):
		a.log.Warn("media ports nearly used up", figures...)
	case ratio < clearBelow && a.on.CompareAndSwap(true, false):
		a.log.Info("media ports suffice again", figures...)
	}
}
