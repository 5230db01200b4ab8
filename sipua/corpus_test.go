package sipua

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestCorpus sends every message of RFC 4475 and RFC 5118, each to a stack of its own, as its trunk, and compares what comes
// back with the table in docs/sip.md. Some share a branch and a Call-ID: in one stack they would be each other's repetitions.
func TestCorpus(t *testing.T) {
	files, err := filepath.Glob("testdata/sip-corpus/*/*")
	if err != nil || len(files) < 60 {
		t.Fatalf("%d corpus files: %v", len(files), err)
	}
	slices.Sort(files)
	rows, expected := make([]string, len(files)), tableRows(t)
	t.Run("messages", func(t *testing.T) {
		for i, f := range files {
			name, _ := filepath.Rel("testdata/sip-corpus", f)
			t.Run(name, func(t *testing.T) {
				raw, err := os.ReadFile(f)
				if err != nil {
					t.Fatal(err)
				}
				r := newRig(t, func(c *Config) { c.Trunks[0].AnyUser = true })
				head := fmt.Sprintf("| %s | %s | ", name, startLine(raw))
				rows[i] = head + r.observe(raw, expected[head]) + " |\n"
			})
		}
	})
	if !t.Failed() {
		checkTable(t, strings.Join(rows, ""))
	}
}

// tableRows are the answers that the document has, by what stands before them in their row.
func tableRows(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile(corpusDoc)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for l := range strings.SplitSeq(string(text), "\n") {
		if i := strings.LastIndex(l, "| "); i > 0 {
			out[l[:i+2]] = strings.TrimSuffix(l[i+2:], " |")
		}
	}
	return out
}

func startLine(raw []byte) string {
	line, _, _ := bytes.Cut(bytes.TrimLeft(raw, "\r\n"), []byte("\r\n"))
	s := string(line)
	if len(s) > 48 {
		s = s[:48] + "…"
	}
	return strings.NewReplacer("|", "/", "`", "'").Replace(regexp.MustCompile(`[^ -~…]`).ReplaceAllString(s, "?"))
}

// observe sends one message and lists the final statuses that answer it. It waits long for an answer that is expected, and a
// while for any other.
func (r *rig) observe(raw []byte, expected string) string {
	if _, err := r.pbx.conn.WriteToUDPAddrPort(raw, r.pbx.to); err != nil {
		return "too large for a datagram"
	}
	probe := r.pbx.leg("1001")
	probe.send("OPTIONS", "", "")
	alive := false
	var got []string
	end := time.After(10 * time.Second)
	for {
		select {
		case c := <-r.calls:
			c.d.Reject(486, "")
		case m := <-r.pbx.in:
			if m.header("Call-ID") == probe.callID {
				alive = m.status() == 200
			} else if status := r.answerTo(raw, m); status != "" && !slices.Contains(got, status) {
				got = append(got, status)
				slices.Sort(got)
			}
			switch { // wire order: an answer, if any, is under way
			case !alive:
			case expected == strings.Join(got, ", "):
				end = time.After(60 * time.Millisecond)
			case expected == "" || expected == "silence":
				end = time.After(500 * time.Millisecond)
			default:
				end = time.After(5 * time.Second)
			}
		case <-end:
			if !alive {
				r.t.Error("the stack does not answer any more")
			}
			if len(got) == 0 {
				return "silence"
			}
			return strings.Join(got, ", ")
		}
	}
}

// answerTo is the status of a message that answers raw finally; a refusal is acknowledged.
func (r *rig) answerTo(raw []byte, m rawMsg) string {
	_, method, _ := strings.Cut(m.header("CSeq"), " ")
	if m.status() >= 300 && method == "INVITE" {
		r.pbx.ackRaw(m)
	}
	if m.status() < 200 || !bytes.Contains(raw, []byte(m.header("Call-ID"))) || !bytes.Contains(raw, []byte(method)) {
		return ""
	}
	return strconv.Itoa(m.status())
}

// ackRaw stops the repetition of a refusal.
func (p *rawPeer) ackRaw(m rawMsg) {
	p.send(fmt.Sprintf("ACK sip:x@127.0.0.1 SIP/2.0\r\nVia: %s\r\nMax-Forwards: 70\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %d ACK\r\nContent-Length: 0\r\n\r\n",
		m.headers("Via")[0], m.header("From"), m.header("To"), m.header("Call-ID"), m.cseq()))
}

const (
	corpusDoc  = "../docs/sip.md"
	tableBegin = "<!-- corpus: begin -->\n"
	tableEnd   = "<!-- corpus: end -->\n"
)

func checkTable(t *testing.T, got string) {
	t.Helper()
	text, err := os.ReadFile(corpusDoc)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(text), tableBegin)
	_, tail, ok2 := strings.Cut(rest, tableEnd)
	if !ok || !ok2 {
		t.Fatalf("no table in %s", corpusDoc)
	}
	want := head + tableBegin + "| message | start line | answer |\n|---|---|---|\n" + got + tableEnd + tail
	if *update {
		if err := os.WriteFile(corpusDoc, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want == string(text) {
		return
	}
	for l := range strings.SplitSeq(got, "\n") {
		if !strings.Contains(string(text), l) {
			t.Errorf("not in %s: %s", corpusDoc, l)
		}
	}
}
