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
	"testing"
	"time"

	"cordboard/callcontrol"
	"cordboard/journal"
)

// TestSippStories: sipp is customers, devices and targets; 500 whole stories, none failed.
func TestSippStories(t *testing.T) {
	need(t, "sipp")
	const stories, agents, rate = 500, 60, 10
	daemonPort, device, target, customer := freePort(t), freePort(t), freePort(t), freePort(t)
	var b strings.Builder
	fmt.Fprintf(&b, `sip: {listen: ["udp://127.0.0.1:%d"]}
rtp: {bind: 127.0.0.1, ports: 26000-28999, quarantine: 0s}
control: {socket: c.sock}
state_dir: state
limits: {dial: {allow: ["*"], per_second: 100}, edge: {per_source: 10000, total: 10000}}
trunks:
  - {name: pbx, server: "sip:127.0.0.1:%d;transport=udp", register: {enabled: false}}
agents:
`, daemonPort, target)
	lines := "SEQUENTIAL\n"
	for i := range agents {
		fmt.Fprintf(&b, "  - {name: a%[1]d, line: {trunk: pbx, user: \"%[1]d\", password: {file: none}}, device: {contact: \"sip:device@127.0.0.1:%[2]d\"}}\n", 1001+i, device)
		lines += fmt.Sprintf("%d;\n", 1001+i)
	}
	w := bare(t, b.String(), map[string]string{"none": "unused"})
	dir := t.TempDir()
	w.must(os.WriteFile(filepath.Join(dir, "lines.csv"), []byte(lines), 0o600))
	scenarios, err := filepath.Abs("testdata")
	w.must(err)
	uas := func(port uint16) *peer {
		return start(t, dir, "sipp", "-sf", filepath.Join(scenarios, "answer.xml"), "-i", "127.0.0.1", "-p", strconv.Itoa(int(port)), "-mi", "127.0.0.1",
			"-nostdin", "-trace_err")
	}
	uas(device)
	uas(target)

	ctx, cancel := context.WithCancel(t.Context())
	var played sync.WaitGroup
	t.Cleanup(func() { cancel(); played.Wait() })
	failures := make(chan error, stories)
	played.Go(func() { playStories(ctx, w.daemon, failures) })

	calls := start(t, dir, "sipp", "127.0.0.1:"+strconv.Itoa(int(daemonPort)), "-sf", filepath.Join(scenarios, "customer.xml"),
		"-inf", "lines.csv", "-i", "127.0.0.1", "-p", strconv.Itoa(int(customer)), "-mi", "127.0.0.1", "-m", strconv.Itoa(stories), "-r", strconv.Itoa(rate),
		"-l", strconv.Itoa(agents-5), "-nostdin", "-trace_stat", "-stf", "stat.csv", "-fd", "1s", "-trace_err", "-timeout", "180s", "-timeout_error")
	if err := calls.wait(200 * time.Second); err != nil {
		t.Errorf("sipp: %v", err)
	}
	ok, failed := sippStat(t, filepath.Join(dir, "stat.csv"))
	t.Logf("stories: %d ok, %d failed", ok, failed)
	if ok != stories || failed != 0 {
		t.Errorf("want %d ok and 0 failed", stories)
	}
	for len(failures) > 0 {
		t.Errorf("story: %v", <-failures)
	}
	w.quiet()
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

// doSoon does a command as soon as the call's state allows it, within 10 s.
func doSoon(ctx context.Context, d *Daemon, c callcontrol.Command) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
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
