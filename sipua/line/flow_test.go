package line

import (
	"testing"
	"testing/synctest"
	"time"
)

// The lines of a connection that ended register at once, at the pace, and at the same target; others do nothing.
func TestConnLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pbx, where := newFakePBX(t), targets(2)
		for i := range where.list {
			where.list[i].Transport = "tcp"
		}
		m, stop := start(t, config(100, func(c *Trunk) { c.Rate = 20 }), Deps{Sender: pbx, Targets: where})
		defer stop()
		time.Sleep(time.Minute)
		if registered(m) != 100 {
			t.Fatalf("%v", phases(m))
		}
		n := pbx.count()
		m.ConnLost("tcp", where.list[1].Addr) // nobody is there
		m.ConnLost("tls", where.list[0].Addr)
		time.Sleep(20 * time.Second)
		if got := pbx.count() - n; got != 0 {
			t.Errorf("%d requests of lines on other connections", got)
		}
		n = pbx.count()
		m.ConnLost("tcp", where.list[0].Addr)
		time.Sleep(500 * time.Millisecond)
		if got := pbx.count() - n; got < 9 || got > 11 {
			t.Errorf("%d requests in the first half second", got)
		}
		time.Sleep(20 * time.Second)
		pbx.checkRate(20)
		if got := pbx.count() - n; got < 100 {
			t.Errorf("%d requests after the connection ended", got)
		}
		for _, s := range m.Snapshot() {
			if s.Phase != Registered || s.Target != where.list[0] || s.Reason != "" {
				t.Fatalf("%+v", s)
			}
		}
	})
}

// A registrar that closes each connection after its answer is not asked without end: the waits double.
func TestConnLostAgainAndAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pbx, where := newFakePBX(t), targets(1)
		where.list[0].Transport = "tcp"
		m, stop := start(t, config(1, func(c *Trunk) {
			c.BackoffBase, c.BackoffMax, c.Expires = 2*time.Second, 5*time.Minute, time.Hour
		}), Deps{Sender: pbx, Targets: where})
		defer stop()
		begin := time.Now()
		for time.Since(begin) < 20*time.Minute {
			n := pbx.count()
			for pbx.count() == n {
				time.Sleep(100 * time.Millisecond)
			}
			time.Sleep(time.Second)
			m.ConnLost("tcp", where.list[0].Addr)
			if s, _ := m.State("l0"); !s.Registered {
				t.Fatalf("not registered any more: %+v", s)
			}
		}
		if n := pbx.count(); n < 8 || n > 22 {
			t.Errorf("%d requests in 20 minutes", n)
		}
		time.Sleep(20 * time.Minute) // the connection holds
		n := pbx.count()
		m.ConnLost("tcp", where.list[0].Addr)
		time.Sleep(time.Second)
		if pbx.count() == n {
			t.Error("the next loss is not followed at once")
		}
	})
}
