package daemon

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"cordboard/callcontrol"
	"cordboard/journal"
)

// TestSippStories: sipp is customers, devices and targets; 500 whole stories, none failed.
func TestSippStories(t *testing.T) {
	need(t, "sipp")
	const stories, agents, rate, atOnce = 500, 200, 20, 60
	daemonPort, device, target, customer := freePort(t), freePort(t), freePort(t), freePort(t)
	var b strings.Builder
	fmt.Fprintf(&b, `sip: {listen: ["udp://127.0.0.1:%d"]}
rtp: {bind: 127.0.0.1, ports: 25000-27999, quarantine: 0s}
control: {socket: c.sock}
state_dir: state
journal: {memory: true}
limits: {dial: {allow: ["*"], per_second: 100}, edge: {per_source: 10000, total: 10000}}
trunks:
  - {name: pbx, server: "sip:127.0.0.1:%d;transport=udp", register: {enabled: false}}
agents:
`, daemonPort, target)
	lines := "SEQUENTIAL\n"
	for i := range agents {
		fmt.Fprintf(&b, "  - {name: a%[1]d, line: {trunk: pbx, user: \"%[1]d\", password: {file: none}}, device: {contact: \"sip:device%[1]d@127.0.0.1:%[2]d\"}}\n", 1001+i, device)
		lines += fmt.Sprintf("%d;\n", 1001+i)
	}
	w := bare(t, b.String(), map[string]string{"none": "unused"})
	dir := t.TempDir()
	w.must(os.WriteFile(filepath.Join(dir, "lines.csv"), []byte(lines), 0o600))
	t.Cleanup(func() { showErrors(t, dir) })
	scenarios, err := filepath.Abs("testdata")
	w.must(err)
	sipp := func(name string, port uint16, more ...string) *peer {
		media := freePort(t)
		for range 3 { // sipp binds the port two above as well, for video
			freePort(t)
		}
		return start(t, dir, "sipp", append([]string{
			"-sf", filepath.Join(scenarios, name+".xml"), "-i", "127.0.0.1", "-p", strconv.Itoa(int(port)),
			"-mi", "127.0.0.1", "-mp", strconv.Itoa(int(media)), "-nostdin", "-trace_err", "-trace_logs", "-trace_stat", "-stf", name + ".csv", "-fd", "1s",
		}, more...)...)
	}
	devices, targets := sipp("device", device, "-pause_msg_ign"), sipp("target", target, "-pause_msg_ign")

	ctx, cancel := context.WithCancel(t.Context())
	var played sync.WaitGroup
	t.Cleanup(func() { cancel(); played.Wait() })
	failures := make(chan error, stories)
	played.Go(func() { playStories(ctx, w.daemon, failures) })

	calls := sipp("customer", customer, "127.0.0.1:"+strconv.Itoa(int(daemonPort)), "-inf", "lines.csv", "-m", strconv.Itoa(stories),
		"-r", strconv.Itoa(rate), "-l", strconv.Itoa(atOnce), "-timeout", "120s", "-timeout_error")
	if err := calls.wait(150 * time.Second); err != nil {
		t.Errorf("sipp: %v", err)
	}
	w.within(40*time.Second, "nothing of a call is left", w.idle) // on a busy machine a BYE is sent again
	for _, p := range []*peer{devices, targets} {
		p.stop(syscall.SIGUSR1) // ends when its calls have
	}
	// The answering sides are told apart: sipp (3.6.1) gives up a call when a CANCEL comes again, as on a machine where it
	// does not run for half a second.
	for name, spare := range map[string]int{"customer": 0, "target": 5, "device": 5} {
		ok, failed := sippStat(t, filepath.Join(dir, name+".csv"))
		t.Logf("%s: %d calls ok, %d failed", name, ok, failed)
		if failed > spare || ok < stories-spare {
			t.Errorf("%s: want %d or more ok and 0 failed", name, stories)
		}
	}
	// A customer who is told first and hangs up at once may leave a target untold.
	if told := count(t, dir, "target_*_logs.log", "connected to"); told < stories*9/10 {
		t.Errorf("%d of %d targets were told whom they are connected to", told, stories)
	}
	for len(failures) > 0 {
		t.Errorf("story: %v", <-failures)
	}
}

// count is how often a text stands in sipp's files.
func count(t *testing.T, dir, pattern, text string) (n int) {
	files, _ := filepath.Glob(filepath.Join(dir, pattern))
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		n += strings.Count(string(b), text)
	}
	return n
}

// showErrors shows what sipp wrote of the first calls that failed.
func showErrors(t *testing.T, dir string) {
	files, _ := filepath.Glob(filepath.Join(dir, "*_errors.log"))
	for _, f := range files {
		if b, err := os.ReadFile(f); err == nil && t.Failed() {
			t.Logf("%s:\n%.5000s", filepath.Base(f), b)
		}
	}
}

// playStories is the controller: for every call offered it answers, holds, retrieves, consults and completes.
func playStories(ctx context.Context, d *Daemon, failures chan<- error) {
	sub := d.board.Subscribe(journal.Cursor{})
	var stories sync.WaitGroup
	defer stories.Wait()
	for {
		e, err := sub.Next(ctx)
		if err != nil {
			return
		}
		ev := e.Event
		if ev.Call == nil {
			continue
		}
		switch {
		case ev.Kind == callcontrol.EventCallStarted && ev.Call.Direction == callcontrol.Inbound:
			stories.Go(func() {
				if err := playStory(ctx, d, ev.Agent, ev.CallID); err != nil && ctx.Err() == nil {
					select {
					case failures <- fmt.Errorf("%s: %w", ev.Agent, err):
					default:
					}
				}
			})
		}
	}
}

func playStory(ctx context.Context, d *Daemon, agent callcontrol.AgentID, call callcontrol.CallID) error {
	for _, c := range []callcontrol.Command{
		{Kind: callcontrol.KindAnswer, Call: call}, {Kind: callcontrol.KindHold, Call: call}, {Kind: callcontrol.KindRetrieve, Call: call},
		{Kind: callcontrol.KindConsult, Call: call, Number: "2001"}, {Kind: callcontrol.KindComplete},
	} {
		c.Agent = agent
		if err := doSoon(ctx, d, c); err != nil {
			return fmt.Errorf("%s: %w", c.Kind, err)
		}
	}
	return nil
}

// doSoon does a command as soon as the call's state allows it, within 20 s.
func doSoon(ctx context.Context, d *Daemon, c callcontrol.Command) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for {
		_, err := d.board.Do(ctx, c)
		if err == nil || !errors.Is(err, &callcontrol.Refusal{Code: callcontrol.CodeNotAllowedInState}) {
			return err
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return err
		}
	}
}

// sippStat reads the last line of sipp's statistics.
func sippStat(t *testing.T, file string) (ok, failed int) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comma, r.FieldsPerRecord, r.LazyQuotes = ';', -1, true
	rows, err := r.ReadAll()
	if err != nil || len(rows) < 2 {
		t.Fatalf("sipp's statistics: %v (%d rows)", err, len(rows))
	}
	last := rows[len(rows)-1]
	column := func(name string) int {
		for i, h := range rows[0] {
			if h == name && i < len(last) {
				n, _ := strconv.Atoi(last[i])
				return n
			}
		}
		t.Fatalf("sipp's statistics have no column %s", name)
		return 0
	}
	return column("SuccessfulCall(C)"), column("FailedCall(C)")
}
