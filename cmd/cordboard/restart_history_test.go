package main

import (
	"errors"
	"fmt"
	"time"

	"cordboard/callcontrol"
	"cordboard/plugins/control"
)

// once gives a command with an id, as somebody does who got no answer before.
func (p *killing) once(run int, reason string) (callcontrol.Result, error) {
	return p.client.Do(p.ctx, callcontrol.Command{
		ID: callcontrol.CommandID(fmt.Sprint("once-", run)), Kind: callcontrol.KindStatus, Agent: name(0), Status: callcontrol.StatusReady, Reason: reason,
	})
}

// remembered: a command of the run that was killed is answered with its result.
func (p *killing) remembered(run int) {
	p.t.Helper()
	if r, err := p.once(run, "back"); err != nil || !r.Replayed {
		p.t.Errorf("done before the restart: %+v, %v", r, err)
	}
	if _, err := p.once(run, "lunch"); !errors.Is(err, &callcontrol.Refusal{Code: callcontrol.CodeConflict}) {
		p.t.Errorf("another command with its id: %v", err)
	}
}

// closed: every call that was alive when the daemon was killed has one record, and its parts are the whole.
func (p *killing) closed(alive callcontrol.Snapshot) {
	p.t.Helper()
	records := map[callcontrol.CallID][]callcontrol.HistoryRecord{}
	p.until("every call is in the history", func() bool {
		clear(records)
		all, err := p.client.History(p.ctx, control.HistoryQuery{Limit: 500})
		p.must(err)
		for _, r := range all {
			records[r.Call] = append(records[r.Call], r)
		}
		for _, c := range alive.Calls {
			if len(records[c.ID]) == 0 {
				return false
			}
		}
		return true
	})
	for id, rs := range records {
		if whole := rs[0].Ended.Sub(rs[0].Started); len(rs) != 1 || (whole-rs[0].Parts.Sum()).Abs() > 20*time.Millisecond {
			p.t.Errorf("call %s lasted %s: %+v", id, whole, rs)
		}
	}
	for _, c := range alive.Calls {
		r := records[c.ID][0]
		if r.Cause != callcontrol.CauseGatewayRestart || r.EndedBy != callcontrol.EnderGateway || !r.Started.Equal(c.Started) || !r.Answered.Equal(c.Answered) {
			p.t.Errorf("%s call %+v: %+v", c.Phase, c, r)
		}
	}
}
