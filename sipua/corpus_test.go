package sipua

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestCorpus sends every message of RFC 4475 and RFC 5118 to a live stack, as its trunk, and compares what comes back with
// the table in docs/sip.md.
func TestCorpus(t *testing.T) {
	files, err := filepath.Glob("testdata/sip-corpus/*/*")
	if err != nil || len(files) < 60 {
		t.Fatalf("%d corpus files: %v", len(files), err)
	}
	slices.Sort(files)
	r := newRig(t, func(c *Config) { c.Trunks[0].AnyUser = true })
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case c := <-r.calls:
				c.d.Reject(486, "")
			case <-stop:
				return
			}
		}
	}()
	t.Cleanup(func() { close(stop); <-stopped })
	var b strings.Builder
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		name, _ := filepath.Rel("testdata/sip-corpus", f)
		fmt.Fprintf(&b, "| %s | %s | %s |\n", name, startLine(raw), r.observe(raw))
	}
	checkTable(t, b.String())
	l := r.pbx.leg("1001") // whatever came, the stack lives
	l.send("OPTIONS", "", "")
	r.pbx.response(200, "OPTIONS")
}

func startLine(raw []byte) string {
	line, _, _ := bytes.Cut(bytes.TrimLeft(raw, "\r\n"), []byte("\r\n"))
	s := string(line)
	if len(s) > 48 {
		s = s[:48] + "…"
	}
	return strings.NewReplacer("|", "/", "`", "'").Replace(regexp.MustCompile(`[^ -~…]`).ReplaceAllString(s, "?"))
}

// observe sends one message and lists the final statuses that answer it.
func (r *rig) observe(raw []byte) string {
	drain(r.pbx.in)
	if _, err := r.pbx.conn.WriteToUDPAddrPort(raw, r.pbx.to); err != nil {
		return "too large for a datagram"
	}
	probe := r.pbx.leg("1001")
	probe.send("OPTIONS", "", "")
	var got []string
	end := time.After(10 * time.Second)
	for {
		select {
		case m := <-r.pbx.in:
			if m.header("Call-ID") == probe.callID {
				end = time.After(60 * time.Millisecond) // wire order: the answer, if any, is under way
				continue
			}
			s := m.status()
			if s >= 300 && strings.HasSuffix(m.header("CSeq"), "INVITE") {
				r.pbx.ackRaw(m)
			}
			_, method, _ := strings.Cut(m.header("CSeq"), " ")
			if s >= 200 && bytes.Contains(raw, []byte(m.header("Call-ID"))) && bytes.Contains(raw, []byte(method)) && !slices.Contains(got, fmt.Sprint(s)) {
				got = append(got, fmt.Sprint(s))
			}
		case <-end:
			if len(got) == 0 {
				return "silence"
			}
			slices.Sort(got)
			return strings.Join(got, ", ")
		}
	}
}

// ackRaw stops the repetition of a refusal.
func (p *rawPeer) ackRaw(m rawMsg) {
	p.send(fmt.Sprintf("ACK sip:x@127.0.0.1 SIP/2.0\r\nVia: %s\r\nMax-Forwards: 70\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %d ACK\r\nContent-Length: 0\r\n\r\n",
		m.headers("Via")[0], m.header("From"), m.header("To"), m.header("Call-ID"), m.cseq()))
}

func drain(ch chan rawMsg) {
	for {
		select {
		case <-ch:
		default:
			return
		}
	}
}

const (
	tableBegin = "<!-- corpus: begin -->\n"
	tableEnd   = "<!-- corpus: end -->\n"
)

func checkTable(t *testing.T, got string) {
	t.Helper()
	const doc = "../docs/sip.md"
	text, err := os.ReadFile(doc)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(text), tableBegin)
	_, tail, ok2 := strings.Cut(rest, tableEnd)
	if !ok || !ok2 {
		t.Fatalf("no table in %s", doc)
	}
	want := head + tableBegin + "| message | start line | answer |\n|---|---|---|\n" + got + tableEnd + tail
	if *update {
		if err := os.WriteFile(doc, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want == string(text) {
		return
	}
	for l := range strings.SplitSeq(got, "\n") {
		if !strings.Contains(string(text), l) {
			t.Errorf("not in %s: %s", doc, l)
		}
	}
}
