package line

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// book keeps what was logged.
type book struct {
	mu    sync.Mutex
	lines []slog.Record
}

func (b *book) Enabled(context.Context, slog.Level) bool { return true }
func (b *book) WithAttrs([]slog.Attr) slog.Handler       { return b }
func (b *book) WithGroup(string) slog.Handler            { return b }
func (b *book) Handle(_ context.Context, r slog.Record) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lines = append(b.lines, r)
	return nil
}

// told is what was logged at info and above since the last call: message and attributes, but for times and seconds.
func (b *book) told() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []string
	for _, r := range b.lines {
		if r.Level < slog.LevelInfo {
			continue
		}
		s := r.Level.String() + " " + r.Message
		r.Attrs(func(a slog.Attr) bool {
			if a.Key != "next" && a.Key != "seconds" && a.Key != "phase" && a.Key != "remote" {
				s += fmt.Sprintf(" %s=%v", a.Key, a.Value)
			}
			return true
		})
		out = append(out, s)
	}
	b.lines = nil
	return out
}

func (b *book) debug(message string) (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.lines {
		if r.Level == slog.LevelDebug && r.Message == message {
			n++
		}
	}
	return n
}

// expect compares what was told; a * at the end of a wanted line stands for anything.
func (b *book) expect(t *testing.T, want ...string) {
	t.Helper()
	got := b.told()
	if !slices.EqualFunc(got, want, func(g, w string) bool {
		open, any := strings.CutSuffix(w, "*")
		return g == w || any && strings.HasPrefix(g, open)
	}) {
		t.Errorf("logged\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func refuse(status int, reason string, user ...string) func(Request) *Response {
	return func(r Request) *Response {
		if len(user) > 0 && !slices.Contains(user, r.User) {
			return nil
		}
		return &Response{Status: status, Reason: reason, Peer: r.Trunk}
	}
}

func quick(t *Trunk) {
	t.Rate, t.Timeout, t.BackoffBase, t.BackoffMax = 50, 4*time.Second, 2*time.Second, time.Minute
}

// An outage is one line when it begins and one when it is over, whether lines notice at once or with their refreshes; each
// line keeps its own reason.
func TestOutageIsOneLine(t *testing.T) {
	for name, notice := range map[string]bool{"noticed by keep-alive": true, "noticed by refreshes": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const lines = 500
				pbx, log := newFakePBX(t), &book{}
				m, stop := start(t, config(lines, func(c *Trunk) {
					quick(c)
					c.Rate = 100
					if notice {
						c.KeepAlive = KeepAlive{Kind: KeepAliveOptions, Interval: 25 * time.Second}
					}
				}), Deps{Log: slog.New(log), InFlight: 500, StopTimeout: time.Minute, Sender: pbx, Targets: targets(1)})
				time.Sleep(30 * time.Second)
				if n := log.debug("line registered"); n != lines {
					t.Errorf("%d lines registered, at debug", n)
				}
				log.expect(t, "INFO lines registered trunk=pbx lines=500 of=500")

				pbx.set(func() { pbx.down, pbx.pingErr = true, context.DeadlineExceeded })
				time.Sleep(20 * time.Minute)
				if n := log.debug("line not registered"); n < lines {
					t.Errorf("%d lines not registered, at debug", n)
				}
				want := []string{"WARN trunk lost: lines not registered trunk=pbx lines=*"}
				if notice {
					want = slices.Insert(want, 0, "WARN keep-alive failed trunk=pbx *")
				}
				log.expect(t, want...)
				for _, s := range m.Snapshot() {
					if s.Registered || s.Reason != "no answer in time" {
						t.Fatalf("%+v", s)
					}
				}

				pbx.set(func() { pbx.down, pbx.pingErr = false, nil })
				time.Sleep(5 * time.Minute)
				if n := registered(m); n != lines {
					t.Fatalf("%d registered", n)
				}
				log.expect(t, "INFO trunk back trunk=pbx lines=500")
				stop()
				log.expect(t)
			})
		})
	}
}

// The line of an outage tells how many are concerned, of how many, and the reason that most of them have.
func TestOutageTellsCountAndReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pbx, log := newFakePBX(t), &book{}
		pbx.script = func(r Request) *Response {
			if r.User == "10000" {
				return &Response{Status: 403, Reason: "Forbidden"}
			}
			return &Response{} // connection refused
		}
		_, stop := start(t, config(20, quick), Deps{Log: slog.New(log), Sender: pbx, Targets: targets(1)})
		time.Sleep(10 * time.Second)
		log.expect(t, "WARN trunk lost: lines not registered trunk=pbx lines=19 of=20 reason=connection refused")
		stop()
		log.expect(t)
	})
}

// A line that fails for its own reason has a warning of its own, and a word when it is back.
func TestLineAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pbx, log := newFakePBX(t), &book{}
		pbx.script = refuse(403, "Forbidden", "10007")
		m, stop := start(t, config(20, quick), Deps{Log: slog.New(log), Sender: pbx, Targets: targets(1)})
		time.Sleep(time.Minute)
		log.expect(t,
			"INFO lines registered trunk=pbx lines=19 of=20 reason=403 Forbidden",
			"WARN line not registered line=l7 trunk=pbx reason=403 Forbidden")
		time.Sleep(time.Hour) // it fails again and again
		log.expect(t)
		pbx.set(func() { pbx.script = nil })
		m.Retry("l7")
		time.Sleep(time.Second)
		log.expect(t, "INFO line registered line=l7 trunk=pbx")

		pbx.set(func() { pbx.script = refuse(404, "Not Found", "10003") })
		time.Sleep(time.Hour)
		log.expect(t, "WARN line not registered line=l3 trunk=pbx reason=404 Not Found")
		stop()
	})
}

// The only line of a trunk that does not answer is an outage of the trunk; refused, it fails alone.
func TestOnlyLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pbx, log := newFakePBX(t), &book{}
		_, stop := start(t, config(1, quick), Deps{Log: slog.New(log), Sender: pbx, Targets: targets(1)})
		time.Sleep(time.Minute)
		log.expect(t, "INFO lines registered trunk=pbx lines=1 of=1")
		pbx.set(func() { pbx.down = true })
		time.Sleep(15 * time.Minute)
		log.expect(t, "WARN trunk lost: lines not registered trunk=pbx lines=1 of=1 reason=no answer in time")
		pbx.set(func() { pbx.down = false })
		time.Sleep(5 * time.Minute)
		log.expect(t, "INFO trunk back trunk=pbx lines=1")
		pbx.set(func() { pbx.script = refuse(403, "Forbidden") })
		time.Sleep(15 * time.Minute)
		log.expect(t, "WARN line not registered line=l0 trunk=pbx reason=403 Forbidden")
		stop()
	})
}

// A registrar that answers, but refuses everybody: a few lines are named, then one line tells of all. The same when they
// work again.
func TestManyAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pbx, log := newFakePBX(t), &book{}
		m, stop := start(t, config(200, quick), Deps{Log: slog.New(log), Sender: pbx, Targets: targets(1)})
		time.Sleep(time.Minute)
		log.expect(t, "INFO lines registered trunk=pbx lines=200 of=200")
		pbx.set(func() { pbx.script = refuse(503, "Overload") })
		time.Sleep(time.Hour)
		got := log.told()
		if len(got) > few+1 || !strings.HasPrefix(got[len(got)-1], "WARN lines not registered trunk=pbx lines=") || !strings.HasSuffix(got[len(got)-1], "of=200 reason=503 Overload") {
			t.Errorf("logged\n%s", strings.Join(got, "\n"))
		}
		alone := len(got) - 1
		pbx.set(func() { pbx.script = nil })
		time.Sleep(10 * time.Minute)
		if n := registered(m); n != 200 {
			t.Fatalf("%d registered", n)
		}
		got = log.told()
		if len(got) > 1+alone || !slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, "INFO lines back trunk=pbx lines=1") }) {
			t.Errorf("logged\n%s", strings.Join(got, "\n"))
		}
		stop()
	})
}

// Accounts that are refused for ever hide no outage, and do not hold up the word that it is over.
func TestOutageBesidesRefusedLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pbx, log := newFakePBX(t), &book{}
		var gone []string
		for i := range 10 {
			gone = append(gone, fmt.Sprintf("1%04d", i*9))
		}
		pbx.script = refuse(404, "Not Found", gone...)
		_, stop := start(t, config(100, quick), Deps{Log: slog.New(log), Sender: pbx, Targets: targets(1)})
		time.Sleep(time.Minute)
		got := log.told()
		if n := slices.Index(got, "INFO lines registered trunk=pbx lines=90 of=100 reason=404 Not Found"); n < 0 || len(got) > few+2 {
			t.Errorf("logged\n%s", strings.Join(got, "\n"))
		}
		pbx.set(func() { pbx.down = true })
		time.Sleep(30 * time.Minute)
		log.expect(t, "WARN trunk lost: lines not registered trunk=pbx lines=*")
		pbx.set(func() { pbx.down = false })
		time.Sleep(30 * time.Minute)
		log.expect(t, "WARN trunk back trunk=pbx lines=90 left=10 reason=404 Not Found")
		stop()
		log.expect(t)
	})
}

// A registrar that answers every second request with 503 for an hour does not fill the log.
func TestOverloadDoesNotFillTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pbx, log, n := newFakePBX(t), &book{}, 0
		m, stop := start(t, config(200, quick), Deps{Log: slog.New(log), Sender: pbx, Targets: targets(1)})
		time.Sleep(time.Minute)
		log.told()
		pbx.set(func() {
			pbx.script = func(r Request) *Response {
				pbx.mu.Lock()
				defer pbx.mu.Unlock()
				if n++; n%2 == 0 {
					return &Response{Status: 503, Reason: "Overload"}
				}
				return nil
			}
		})
		time.Sleep(time.Hour)
		if got := log.told(); len(got) > 60 { // 2,400 failures and returns
			t.Errorf("%d lines, first\n%s", len(got), strings.Join(got[:20], "\n"))
		}
		pbx.set(func() { pbx.script = nil })
		time.Sleep(10 * time.Minute)
		if n := registered(m); n != 200 {
			t.Fatalf("%d registered", n)
		}
		stop()
	})
}

// Lines that are no more wanted are not told as back, nor as lost; what is added is.
func TestOutageAndReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pbx, log := newFakePBX(t), &book{}
		pbx.twice = true
		m, stop := start(t, config(50, quick), Deps{Log: slog.New(log), Sender: pbx, Targets: targets(1)})
		time.Sleep(time.Minute)
		pbx.set(func() { pbx.down = true })
		time.Sleep(20 * time.Minute)
		log.told()
		if err := m.Update(config(0, quick)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Minute)
		log.expect(t)
		pbx.set(func() { pbx.down = false })
		if err := m.Update(config(5, quick)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		log.expect(t, "INFO lines registered trunk=pbx lines=5 of=5")
		stop()
	})
}
