package daemon

import (
	"context"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"cordboard/callcontrol"
	"cordboard/journal"
	"cordboard/sim"
	"cordboard/sipua"
)

var loopbackAny = netip.AddrPortFrom(loopback, 0)

// sipCell is a cell of docs/outcomes.md with real parties on real sockets. Phones ring and are answered by the cell.
type sipCell struct {
	id   string
	s    setup
	tune func(*callcontrol.DeskConfig)
	run  func(*cellWorld)
}

// runSIPCells runs a section's cells, which must be those that the document lists, a few at a time. Legs, streams, ports and
// dialogs are gated by each world's close, goroutines at the end of the section.
func runSIPCells(t *testing.T, section string, cells []sipCell) {
	gate(t)
	var ids []string
	for _, c := range cells {
		ids = append(ids, c.id)
	}
	slices.Sort(ids)
	if want := cellIDs(t, section); !slices.Equal(ids, want) {
		t.Errorf("cells %v, docs/outcomes.md lists %v", ids, want)
	}
	for _, c := range cells {
		t.Run(c.id, func(t *testing.T) {
			t.Parallel()
			c.run(newCellWorld(t, c))
		})
	}
}

// cellIDs are those that a section lists: what is in backquotes and in the last column of a table, or has a slash.
func cellIDs(t *testing.T, section string) []string {
	t.Helper()
	b, err := os.ReadFile("../../../../docs/outcomes.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(b), "\nTest `"+section+"`.")
	text, _, _ = strings.Cut(text, "\n## ")
	var ids []string
	for line := range strings.Lines(text) {
		columns := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		last := len(columns) - 1
		for i, column := range columns {
			for n, word := range strings.Split(column, "`") {
				if n%2 == 1 && (i == last && last > 0 || strings.Contains(word, "/")) {
					ids = append(ids, word)
				}
			}
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// cellWorld is a world for one cell.
type cellWorld struct {
	*world
	c, a, target *sim.Party
}

func newCellWorld(t *testing.T, cell sipCell) *cellWorld {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	t.Cleanup(cancel)
	w := &cellWorld{world: &world{t: t, ctx: ctx, dir: t.TempDir(), force: make(chan struct{})}}
	t.Cleanup(w.close)
	s := cell.s
	s.agents, s.manual = 1, true
	var err error
	w.pbx, err = sim.NewPBX(sim.PBXConfig{
		Addr: loopbackAny, Plan: plan(s.plan), Accounts: []sim.Account{{User: user(0), Password: "line" + user(0)}},
	})
	w.must(err)
	w.background("pbx", w.pbx.Run)
	w.daemon = w.newDaemon(s)
	w.tuneDesk(cell.tune)
	w.background("daemon", func(ctx context.Context) error { return w.daemon.Run(ctx, nil, w.force) })
	w.addPhone(0, false)
	w.must(w.pbx.WaitRegistered(w.ctx, 1))
	w.until("the desk knows that it can work", func() bool {
		a := w.snapshot().Agents[0]
		return a.Registered && a.Device.Reachable
	})
	return w
}

// tuneDesk shortens what the configuration does not let be so short.
func (w *cellWorld) tuneDesk(tune func(*callcontrol.DeskConfig)) {
	w.t.Helper()
	d := w.daemon
	cfg := callcontrol.Config{}
	for _, a := range d.cfg.Agents {
		c := deskConfig(d.cfg, a)
		c.LostInterval = 200 * time.Millisecond
		if tune != nil {
			tune(&c)
		}
		cfg.Desks = append(cfg.Desks, c)
	}
	var err error
	d.board, err = callcontrol.New(cfg, d.boardDeps())
	w.must(err)
}

// talk is a customer and the agent in a call, picked up at the phone.
func (w *cellWorld) talk() *cellWorld {
	w.t.Helper()
	w.c = w.call()
	w.a = w.phone(1)
	w.pickUp(w.a)
	w.must(w.c.Wait(w.ctx, sim.StateTalking))
	return w
}

// phone is the n-th call of the agent's phone, ringing.
func (w *cellWorld) phone(n int) *sim.Party {
	w.t.Helper()
	p, err := w.phones[0].Call(w.ctx, n)
	w.must(err)
	return p
}

func (w *cellWorld) pickUp(p *sim.Party) {
	w.t.Helper()
	p.Answer()
	w.must(p.Wait(w.ctx, sim.StateTalking))
	w.phaseSome(callcontrol.PhaseTalking)
}

// phaseSome waits until a call is in the phase.
func (w *cellWorld) phaseSome(p callcontrol.Phase) {
	w.t.Helper()
	w.until("a call is "+string(p), func() bool {
		return slices.ContainsFunc(w.snapshot().Calls, func(c callcontrol.CallView) bool { return c.Phase == p })
	})
}

// consult calls number from the talk.
func (w *cellWorld) consult(number string, state sim.State) *cellWorld {
	w.t.Helper()
	w.do(callcontrol.Command{Kind: callcontrol.KindConsult, Number: callcontrol.Number(number)})
	w.target = w.called(number, state)
	if state == sim.StateTalking {
		w.transfer(callcontrol.TransferTalking)
	}
	return w
}

func (w *cellWorld) cmd(k callcontrol.Kind) { w.t.Helper(); w.do(callcontrol.Command{Kind: k}) }

// transfer waits until the newest word about a transfer is the status.
func (w *cellWorld) transfer(want callcontrol.TransferStatus) {
	w.t.Helper()
	w.until("the transfer is "+string(want), func() bool {
		e := w.newest(func(e *callcontrol.Event) bool { return e.Transfer != nil })
		return e != nil && e.Transfer.Status == want
	})
}

// newest is the last event of a kind.
func (w *cellWorld) newest(is func(*callcontrol.Event) bool) (found *callcontrol.Event) {
	w.t.Helper()
	last := w.daemon.events.Last()
	for sub := w.daemon.events.Subscribe(journal.Cursor{Epoch: last.Epoch}); last.Seq > 0; {
		e, err := sub.Next(w.ctx)
		w.must(err)
		if e.Gap == nil && is(&e.Event) {
			found = &e.Event
		}
		if e.Cursor.Seq >= last.Seq || e.Gap != nil && e.Gap.To.Seq >= last.Seq {
			break
		}
	}
	return found
}

// whole checks that each party received one stream without a hole. Cells run several at a time and keep the machine busy: the
// clock of streams is looked at by the stories, which run alone.
func (w *cellWorld) whole(parties ...*sim.Party) {
	w.t.Helper()
	for _, p := range parties {
		if wire := p.Sound.Wire(); wire.Packets == 0 || wire.SSRCChanges+wire.SequenceGaps > 0 {
			w.t.Errorf("%s received %+v", p.Name, wire)
		}
	}
}

// over ends what is left and waits for it.
func (w *cellWorld) over(parties ...*sim.Party) {
	w.t.Helper()
	for _, p := range parties {
		p.Hangup()
	}
	w.ended(parties...)
}

// refused checks with which status a party's call ended.
func (w *cellWorld) refused(p *sim.Party, status int) {
	w.t.Helper()
	w.ended(p)
	if got, _, _ := p.Outcome(); got != status {
		w.t.Errorf("%s got %d, want %d", p.Name, got, status)
	}
}

// restarts makes the phone forget the call; the daemon learns it at its next request within the dialog.
func (w *cellWorld) restarts(p *sim.Party) {
	w.t.Helper()
	p.Forget()
	w.ended(p)
	for _, l := range w.daemon.desk(anna).all() {
		if d, _, _ := l.current(); l.device && d != nil {
			d.Identity(sipua.Identity{Number: "1"})
		}
	}
}
