package main

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"cordboard/callcontrol"
	"cordboard/cmd/cordboard/internal/daemon"
	"cordboard/journal"
	"cordboard/plugins/control"
	"cordboard/sim"
	"cordboard/sipua"
)

const contactsAdapter = `adapters:
  - name: book
    kind: contacts
    env: {` + asCommand + `: "1"}
    lookup: {timeout: 5s}
    config:
      book: contacts.csv
      region: UA
      events: {file: events.jsonl}
      hook: {command: [./pop], concurrency: 1}
`

// call lets a customer ring at anna's and gives the call once it is as it should be.
func (p *process) call(number string, is func(callcontrol.CallView) bool) (*sim.Party, callcontrol.CallView) {
	p.t.Helper()
	customer, err := p.pbx.Call(sipua.Identity{Number: number}, "1001", sim.Tone(-20, 1000))
	p.must(err)
	var v callcontrol.CallView
	p.until("the call from "+number+" is as it should be", func() bool {
		calls, _, err := p.client.Calls(p.ctx, "anna")
		p.must(err)
		if len(calls) == 1 {
			v = calls[0]
		}
		return len(calls) == 1 && is(v)
	})
	return customer, v
}

func (p *process) over(customer *sim.Party) {
	p.t.Helper()
	customer.Hangup()
	p.until("the call is over", func() bool {
		calls, _, err := p.client.Calls(p.ctx, "anna")
		p.must(err)
		return len(calls) == 0
	})
}

func (p *process) book() control.AdapterStatus {
	p.t.Helper()
	s, err := p.client.Status(p.ctx)
	p.must(err)
	return s.Adapters[0]
}

// The adapter that comes with the daemon, as the daemon starts it: callers are known, of several contacts one is picked, the
// screen pops, and the events are in their file, each once, whatever becomes of the process.
func TestContacts(t *testing.T) {
	p := startProcessWith(t, contactsAdapter, map[string]string{
		"contacts.csv": "id,name,phone\n101,Olena Boiko,+380 44 000 10 00\n102,Ivan Petrenko,044 000-10-01\n103,Maria Petrenko,044 000 10 01\n",
		"pop":          "#!/bin/sh\necho \"$CORDBOARD_AGENT $CORDBOARD_NUMBER $CORDBOARD_CONTACT_NAME\" >> pops\n",
	})
	p.until("the adapter runs and has begun", func() bool {
		s := p.book()
		return s.State == control.AdapterRunning && s.Acknowledged != journal.Cursor{}
	})
	if s := p.book(); s.Version != daemon.Version() {
		t.Errorf("the adapter says that it is %s, and the daemon %s", s.Version, daemon.Version())
	}

	customer, _ := p.call("380440001000", func(v callcontrol.CallView) bool { return v.Contact.ID == "101" && len(v.Candidates) == 1 })
	p.over(customer)
	customer, v := p.call("0440001001", func(v callcontrol.CallView) bool { return len(v.Candidates) == 2 })
	if v.Contact != (callcontrol.Contact{}) {
		t.Errorf("bound to %+v before anyone picked", v.Contact)
	}
	for _, c := range []struct{ line, want string }{
		{"calls anna", "1? Ivan Petrenko, 2? Maria Petrenko"}, {"bind anna --pick 2", "ok: bind"}, {"calls anna", "Maria Petrenko"}, {"bind " + string(v.ID) + " 102", "ok: bind"},
	} {
		if code, out := runLine(t, c.line+" --socket "+filepath.Join(p.dir, "s")); code != exitOK || !strings.Contains(out, c.want) {
			t.Errorf("%s: exit %d, %s", c.line, code, out)
		}
	}
	p.must(syscall.Kill(p.book().PID, syscall.SIGKILL))
	p.over(customer)
	customer, _ = p.call("anonymous", func(v callcontrol.CallView) bool { return v.Phase == callcontrol.PhaseOffered })
	p.over(customer)
	p.until("the adapter is back and has taken everything", func() bool {
		s := p.book()
		return s.Restarts == 1 && s.State == control.AdapterRunning && s.Lag == 0
	})
	p.until("the screen has popped", func() bool {
		b, _ := os.ReadFile(filepath.Join(p.dir, "pops"))
		return strings.Contains(string(b), "anna 380440001000 Olena Boiko\nanna 0440001001 \n")
	})
	last := p.book().Acknowledged
	p.signal()
	if code := p.exit(); code != exitOK {
		t.Errorf("exit code %d", code)
	}
	p.checkEvents(last)
}

// checkEvents reads the adapter's file: every event up to last, each once, in order.
func (p *process) checkEvents(last journal.Cursor) {
	p.t.Helper()
	f, err := os.Open(filepath.Join(p.dir, "events.jsonl"))
	p.must(err)
	defer f.Close()
	var at journal.Cursor
	bound := map[string]bool{}
	for s := bufio.NewScanner(f); s.Scan(); {
		var l struct {
			Cursor   journal.Cursor
			Event    *callcontrol.Event
			Snapshot *callcontrol.Snapshot
		}
		p.must(json.Unmarshal(s.Bytes(), &l))
		if l.Snapshot == nil && l.Cursor.Seq != at.Seq+1 {
			p.t.Errorf("event %d after %d", l.Cursor.Seq, at.Seq)
		}
		at = l.Cursor
		if l.Event != nil && l.Event.Kind == callcontrol.EventCallEnded {
			bound[l.Event.Call.Contact.Name] = true
		}
	}
	if at.Seq < last.Seq || !bound["Olena Boiko"] || !bound["Ivan Petrenko"] || !bound[""] {
		p.t.Errorf("the last line is %d of %d; ended with %v", at.Seq, last.Seq, bound)
	}
}
