package daemon

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"cordboard/callcontrol"
	"cordboard/plugins/control"
)

// exampleAdapter builds the adapter of the guide.
func exampleAdapter(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "example")
	build := exec.Command("go", "build", "-trimpath", "-o", program, "cordboard/plugins/example")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // as make build, so that each package is compiled once for both
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

// heard is a line of the example's file.
type heard struct {
	Gap    bool
	Cursor struct{ Seq uint64 }
	Kind   callcontrol.EventKind
}

func readHeard(t *testing.T, file string) (out []heard) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		var h heard
		if json.Unmarshal(s.Bytes(), &h) == nil { // else killed in mid-line
			out = append(out, h)
		}
	}
	return out
}

// An adapter that is killed in mid-call costs the call nothing, and itself no event. One that hangs and ones that cannot run
// beside it cost neither of them anything, and are told.
func TestAdaptersBesideACall(t *testing.T) {
	program := exampleAdapter(t)
	w := newWorld(t, setup{parallel: true, durable: true, extra: fmt.Sprintf(`adapters:
  - {name: crm, command: %s, config: {file: events.jsonl, contacts: {"380441234567": Olena Boiko}}}
  - {name: broken, command: %[1]s, config: {fiel: x}}
  - {name: frozen, command: %[1]s, config: {file: frozen.jsonl, contacts: {"380441234567": Frozen}}}
  - {name: none, command: [/bin/sh, -c, "echo hello"]}`, program)})
	client, err := control.Dial(filepath.Join(w.dir, "c.sock"))
	w.must(err)
	defer client.Close()
	adapter := func(name string) control.AdapterStatus {
		st, err := client.Status(w.ctx)
		w.must(err)
		return st.Adapters[slices.IndexFunc(st.Adapters, func(a control.AdapterStatus) bool { return a.Name == name })]
	}
	runs := func() bool { return adapter("crm").State == control.AdapterRunning }
	w.within(time.Minute, "the adapters run", func() bool { return runs() && adapter("frozen").State == control.AdapterRunning })
	w.must(syscall.Kill(adapter("frozen").PID, syscall.SIGSTOP))
	for name, want := range map[string]string{"broken": "its config does not fit", "none": `"hello"`} {
		w.within(time.Minute, name+" is told", func() bool { return strings.Contains(adapter(name).LastError, want) })
	}
	dir, err := client.Directory(w.ctx)
	w.must(err)
	if len(dir.Agents) != 1 || dir.Agents[0].ID != anna || dir.Agents[0].User != "1001" || len(dir.Trunks) != 1 || !dir.Trunks[0].Registers {
		t.Errorf("directory %+v", dir)
	}

	c, a := w.talk()
	w.within(time.Minute, "the customer is known", func() bool { return w.snapshot().Calls[0].Contact.Name == "Olena Boiko" })
	w.within(time.Minute, "its place is known", func() bool { return adapter("crm").Lag == 0 }) // else it begins with a snapshot again
	families, err := w.daemon.metrics.registry.Gather()
	w.must(err)
	for _, f := range families {
		if h := f.GetMetric()[0]; f.GetName() == "cordboard_adapter_invite_acknowledged_seconds" {
			if n, sum := h.GetHistogram().GetSampleCount(), h.GetHistogram().GetSampleSum(); n != 1 || sum <= 0 || sum > 60 {
				t.Errorf("%d calls were acknowledged, after %.3f s in all", n, sum)
			}
			families = nil
		}
	}
	if families != nil {
		t.Error("no call was acknowledged")
	}
	for i, kind := range []callcontrol.Kind{callcontrol.KindHold, callcontrol.KindRetrieve} {
		pid := adapter("crm").PID
		w.must(syscall.Kill(pid, syscall.SIGKILL))
		w.do(callcontrol.Command{Kind: kind})
		w.within(time.Minute, "it is back", func() bool { s := adapter("crm"); return s.Restarts == i+1 && s.PID != pid && runs() })
	}
	w.hears(c, "agent", a, "customer")
	c.Hangup()
	w.ended(c, a)
	w.within(time.Minute, "the call's end is told", func() bool { return len(w.snapshot().Calls) == 0 })
	w.within(time.Minute, "it has taken every event", func() bool { return adapter("crm").Lag == 0 })
	last := adapter("crm").Acknowledged

	lines := readHeard(t, filepath.Join(w.dir, "events.jsonl"))
	kinds := map[callcontrol.EventKind]int{}
	seen, next := map[uint64]bool{}, uint64(0)
	for _, h := range lines {
		if h.Gap {
			next = h.Cursor.Seq + 1
			continue
		}
		if !seen[h.Cursor.Seq] {
			kinds[h.Kind]++
		}
		seen[h.Cursor.Seq] = true
	}
	for seq := next; seq <= last.Seq; seq++ {
		if !seen[seq] {
			t.Errorf("event %d of %d was not taken", seq, last.Seq)
		}
	}
	if kinds[callcontrol.EventCallStarted] != 1 || kinds[callcontrol.EventCallEnded] != 1 || kinds[callcontrol.EventLegHeld] == 0 {
		t.Errorf("events %v", kinds)
	}
	if s := adapter("crm"); !strings.Contains(s.LastError, "ended from outside") || s.Program != "example" {
		t.Errorf("%+v", s)
	}
}
