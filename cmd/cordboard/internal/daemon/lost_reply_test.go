package daemon

import (
	"net"
	"path/filepath"
	"sync"
	"testing"

	"cordboard/callcontrol"
	"cordboard/plugins/control"
	"cordboard/sim"
)

// lossyWire is a socket in front of the control socket, on which answers can be lost.
type lossyWire struct {
	w    *world
	path string

	mu    sync.Mutex
	mute  bool
	lost  int // bytes of answers
	conns []net.Conn
}

func (w *world) lossyWire() *lossyWire {
	w.t.Helper()
	l := &lossyWire{w: w, path: filepath.Join(w.dir, "lossy.sock")}
	in, err := net.Listen("unix", l.path)
	w.must(err)
	var all sync.WaitGroup
	all.Go(func() {
		for {
			client, err := in.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("unix", filepath.Join(w.dir, "c.sock"))
			if err != nil {
				_ = client.Close()
				continue
			}
			l.mu.Lock()
			l.conns = append(l.conns, client, server)
			l.mu.Unlock()
			all.Go(func() { l.carry(server, client, false) })
			all.Go(func() { l.carry(client, server, true) })
		}
	})
	w.t.Cleanup(func() {
		_ = in.Close()
		l.cut()
		all.Wait()
	})
	return l
}

// carry copies what one side says to the other, or loses it.
func (l *lossyWire) carry(to, from net.Conn, answers bool) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if err != nil {
			_ = to.Close()
			return
		}
		l.mu.Lock()
		lose := answers && l.mute
		if lose {
			l.lost += n
		}
		l.mu.Unlock()
		if !lose {
			_, _ = to.Write(buf[:n])
		}
	}
}

// loses begins or ends the loss of answers.
func (l *lossyWire) loses(on bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mute, l.lost = on, 0
}

func (l *lossyWire) answered() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lost > 0
}

// cut ends every connection.
func (l *lossyWire) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.conns {
		_ = c.Close()
	}
	l.conns = nil
}

// thrice gives a command three times with the same id. Twice the connection is cut after the daemon has begun to answer, and before the client
// hears of it.
func (l *lossyWire) thrice(c callcontrol.Command, done func() bool) callcontrol.Result {
	w := l.w
	w.t.Helper()
	for range 2 {
		client := l.connect()
		l.loses(true)
		failed := make(chan error, 1)
		go func() {
			_, err := client.Do(w.ctx, c)
			failed <- err
		}()
		w.until("it is carried out", func() bool { return l.answered() && done() })
		l.cut()
		if err := <-failed; err == nil {
			w.t.Errorf("%s: the answer was not lost", c.Kind)
		}
		l.loses(false)
		w.must(client.Close())
	}
	client := l.connect()
	defer client.Close()
	r, err := client.Do(w.ctx, c)
	if err != nil || !r.Replayed {
		w.t.Errorf("%s, the third time: %+v, %v", c.Kind, r, err)
	}
	return r
}

func (l *lossyWire) connect() *control.Client {
	l.w.t.Helper()
	client, err := control.Dial(l.path)
	l.w.must(err)
	_, err = client.Snapshot(l.w.ctx)
	l.w.must(err)
	return client
}

// TestLostReplies: whoever does not hear the answer repeats the command. On the wire there is one INVITE and one set of digits.
func TestLostReplies(t *testing.T) {
	w := newWorld(t, setup{durable: true, trunk: "dtmf: rfc4733"})
	l := w.lossyWire()
	r := l.thrice(callcontrol.Command{ID: "crm/dial", Kind: callcontrol.KindDial, Agent: anna, Number: "2001"}, func() bool { return w.pbx.Calls("2001") > 0 })
	target := w.called("2001", sim.StateTalking)
	w.phase(callcontrol.PhaseTalking, 1)
	if calls := w.snapshot().Calls; len(calls) != 1 || r.Call != calls[0].ID {
		t.Errorf("the answer is about %q, calls are %+v", r.Call, calls)
	}
	l.thrice(callcontrol.Command{ID: "crm/digits", Kind: callcontrol.KindDigits, Agent: anna, Digits: "42#"},
		func() bool { return target.Sound.Digits() != "" })
	w.until("the digits are there", func() bool { return target.Sound.Digits() == "42#" })
	w.do(callcontrol.Command{Kind: callcontrol.KindDigits, Digits: "9"}) // after anything that was said twice
	w.until("the last one is there", func() bool { return len(target.Sound.Digits()) > 3 })
	if got := target.Sound.Digits(); got != "42#9" {
		t.Errorf("the target received %q", got)
	}
	target.Hangup()
	w.ended(target)
	w.free()
	if n, m := w.pbx.Calls("2001"), w.phones[0].Calls(); n != 1 || m != 1 {
		t.Errorf("2001 was called %d times, the phone %d times", n, m)
	}
}
