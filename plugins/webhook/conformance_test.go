package webhook

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"cordboard/plugins/conformance"
)

// program is the adapter as it is shipped: without the race detector, with which a start takes half a second.
func program(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "webhook")
	if out, err := exec.Command("go", "test", "-c", "-o", name, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return name
}

// crm is a receiver that keeps what it is sent, and knows one customer.
type crm struct {
	t     *testing.T
	mu    sync.Mutex
	taken []conformance.Taken
}

func (c *crm) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the adapter was killed
	}
	if !genuine(keyOne, r.Header, body) {
		c.t.Errorf("not signed: %v", r.Header)
	}
	if r.URL.Path == "/who" {
		c.answer(w, body)
		return
	}
	var b batch
	if err := json.Unmarshal(body, &b); err != nil {
		c.t.Error(err)
	}
	if b.Type != typeBatch {
		b.Messages = make([]message, 1)
		if err := json.Unmarshal(body, &b.Messages[0]); err != nil {
			c.t.Error(err)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range b.Messages {
		c.taken = append(c.taken, conformance.Taken{Cursor: m.Cursor, Gap: m.Snapshot != nil})
	}
	w.WriteHeader(http.StatusNoContent)
}

func (c *crm) answer(w http.ResponseWriter, question []byte) {
	var q struct{ Number, Text string }
	if json.Unmarshal(question, &q) != nil || !strings.HasSuffix(q.Number, "380441234567") && q.Text != "petr" {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	_, _ = w.Write([]byte(`{"contacts": [{"id": 7, "name": "Ivan Petrenko"}, {"id": 8, "name": "Maria Petrenko"}]}`))
}

// TestConformance puts the adapter through everything: among it five kill -9 in mid-stream, after which the receiver has each event, and
// those twice that it had not answered.
func TestConformance(t *testing.T) {
	c := &crm{t: t}
	receiver := httptest.NewServer(c)
	defer receiver.Close()
	config := `{"deliver": {"url": "` + receiver.URL + `/in", "batch": 16}, "lookup": {"url": "` + receiver.URL + `/who"}, "search": {"url": "` + receiver.URL + `/who"},
		"secrets": [{"file": "one"}], "api": {"listen": "127.0.0.1:0", "tokens": [{"name": "all", "secret": {"file": "all"}}]}}`
	conformance.Run(t, conformance.Target{
		Command: []string{program(t), serveWord}, Dir: secretFiles(t), Config: json.RawMessage(config), Known: "380441234567", Name: "petr", Kills: 5,
		Bad: []json.RawMessage{json.RawMessage(`{}`), json.RawMessage(`{"deliver": 7}`), json.RawMessage(`{"deliver": {"url": "crm"}}`)},
		Taken: func(*testing.T) []conformance.Taken {
			c.mu.Lock()
			defer c.mu.Unlock()
			return append([]conformance.Taken(nil), c.taken...)
		},
	})
}
