package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"cordboard/callcontrol"
	"cordboard/internal/freeport"
	"cordboard/journal"
	"cordboard/plugins/control"
	"cordboard/sim"
)

const (
	webhookToken  = "0123456789abcdef0123456789abcdef"
	webhookSecret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
)

// moodyCRM is a receiver at a port of its own, which is up, down, slow or refuses.
type moodyCRM struct {
	t    *testing.T
	addr string

	mu     sync.Mutex
	srv    *http.Server
	mood   func(w http.ResponseWriter) bool // true: the event was taken, whatever was answered
	ids    []string                         // of requests that were taken
	cursor []journal.Cursor
	ended  int
	named  int // lookups
}

func newMoodyCRM(t *testing.T) *moodyCRM {
	t.Helper()
	port, err := freeport.Deal()
	if err != nil {
		t.Fatal(err)
	}
	c := &moodyCRM{t: t, addr: fmt.Sprintf("127.0.0.1:%d", port)}
	t.Cleanup(c.down)
	return c
}

func (c *moodyCRM) up() {
	c.t.Helper()
	l, err := net.Listen("tcp", c.addr)
	if err != nil {
		c.t.Fatal(err)
	}
	srv := &http.Server{Handler: c, ReadHeaderTimeout: time.Minute}
	c.mu.Lock()
	c.srv = srv
	c.mu.Unlock()
	go func() { _ = srv.Serve(l) }()
}

func (c *moodyCRM) down() {
	c.mu.Lock()
	srv := c.srv
	c.mu.Unlock()
	if srv != nil {
		_ = srv.Close()
	}
}

func (c *moodyCRM) is(mood func(http.ResponseWriter) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mood = mood
}

func (c *moodyCRM) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	var m struct {
		ID, Type string
		Cursor   journal.Cursor
	}
	if err := json.Unmarshal(body, &m); err != nil {
		c.t.Error(err)
	}
	c.mu.Lock()
	mood := c.mood
	if m.Type == "lookup" {
		c.named++
		mood = nil
	}
	c.mu.Unlock()
	if m.Type == "lookup" {
		_, _ = w.Write([]byte(`{"contacts": [{"id": 101, "name": "Olena Boiko", "kind": "contact"}]}`))
		return
	}
	if r.Header.Get("Webhook-Id") != m.ID || !strings.HasPrefix(r.Header.Get("Webhook-Signature"), "v1,") {
		c.t.Errorf("headers of %s: %v", m.ID, r.Header)
	}
	if mood != nil && !mood(w) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ids, c.cursor = append(c.ids, m.ID), append(c.cursor, m.Cursor)
	if m.Type == string(callcontrol.EventCallEnded) {
		c.ended++
	}
}

func (c *moodyCRM) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.ids)
}

// check looks at what was taken: every event in order; twice, under the same id, only where it had to be.
func (c *moodyCRM) check(last journal.Cursor, doubled int) {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	doubles := 0
	for i := 1; i < len(c.cursor); i++ {
		switch was, is := c.cursor[i-1].Seq, c.cursor[i].Seq; {
		case is == was+1:
		case is == was && c.ids[i] == c.ids[i-1]:
			doubles++
		default:
			c.t.Errorf("%s came after %s", c.ids[i], c.ids[i-1])
		}
	}
	if n := len(c.cursor); n == 0 || c.cursor[n-1].Seq < last.Seq {
		c.t.Errorf("%d events, not up to %d", n, last.Seq)
	}
	if doubles != doubled {
		c.t.Errorf("%d came twice, want %d", doubles, doubled)
	}
	if c.ended != 5 || c.named == 0 {
		c.t.Errorf("%d ends of calls, %d lookups", c.ended, c.named)
	}
}

// web asks the daemon's HTTP API.
func (p *process) web(base, method, path, body string, into any) int {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.ctx, method, base+path, strings.NewReader(body))
	p.must(err)
	req.Header.Set("Authorization", "Bearer "+webhookToken)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Idempotency-Key", method+path+body)
	resp, err := http.DefaultClient.Do(req)
	p.must(err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	p.must(err)
	if into != nil {
		p.must(json.Unmarshal(text, into))
	}
	return resp.StatusCode
}

// The adapter with the real daemon: a receiver that is down, answers 500, is slow, and takes an event without saying so before it and
// the adapter are killed. No event is lost, the order holds, and what comes twice says so. Meanwhile the API answers.
func TestWebhook(t *testing.T) {
	crm := newMoodyCRM(t)
	port, err := freeport.Deal()
	if err != nil {
		t.Fatal(err)
	}
	base := fmt.Sprintf("http://127.0.0.1:%d", port)
	p := startProcessWith(t, fmt.Sprintf(`adapters:
  - name: crm
    kind: webhook
    env: {`+asCommand+`: "1"}
    lookup: {timeout: 5s}
    config:
      secrets: [{file: signing}]
      deliver: {url: "http://%s/in?secret=hunter2", timeout: 1s, max_wait: 1s}
      lookup: {url: "http://%[1]s/who"}
      api: {listen: "127.0.0.1:%d", tokens: [{name: crm, secret: {file: token}}]}
`, crm.addr, port), map[string]string{"signing": webhookSecret, "token": webhookToken})

	// Down from the beginning: calls go on, and the daemon says what is wrong.
	p.until("the outage is told", func() bool {
		var h struct {
			State    string
			Problems []string
		}
		// The adapter may be just beginning.
		if conn, err := net.Dial("tcp", strings.TrimPrefix(base, "http://")); err != nil || conn.Close() != nil {
			return false
		}
		return p.web(base, "GET", "/v1/health", "", &h) == http.StatusOK && h.State == "degraded" && strings.Contains(h.Problems[0], "is not taken") && !strings.Contains(h.Problems[0], "hunter2")
	})
	customer, _ := p.call("380440001000", func(v callcontrol.CallView) bool { return v.Phase == callcontrol.PhaseOffered })
	p.over(customer)
	crm.is(func(w http.ResponseWriter) bool { w.WriteHeader(http.StatusInternalServerError); return false })
	crm.up()
	customer, v := p.call("380440001000", func(v callcontrol.CallView) bool { return v.Contact.Name == "Olena Boiko" })
	var res callcontrol.Result
	for range 2 { // the second gets the first one's result
		if status := p.web(base, "POST", "/v1/calls/"+string(v.ID)+"/answer", "", &res); status != http.StatusOK || res.Call != v.ID {
			t.Errorf("answer: %d %+v", status, res)
		}
	}
	if !res.Replayed {
		t.Error("the second answer is not the first one's")
	}
	p.must(customer.Wait(p.ctx, sim.StateTalking))
	var refused struct{ Code, State string }
	if status := p.web(base, "POST", "/v1/calls/"+string(v.ID)+"/retrieve", "", &refused); status != http.StatusConflict || refused.Code != "not_allowed_in_state" || refused.State != "talking" {
		t.Errorf("retrieve: %d %+v", status, refused)
	}
	p.over(customer)
	crm.is(func(http.ResponseWriter) bool { time.Sleep(50 * time.Millisecond); return true }) // slow
	p.until("events are taken", func() bool { return p.book().Lag == 0 && crm.count() > 10 })
	crm.is(func(w http.ResponseWriter) bool { w.WriteHeader(http.StatusTooManyRequests); return false })
	customer, _ = p.call("380440001000", func(v callcontrol.CallView) bool { return v.Phase == callcontrol.PhaseOffered })
	p.over(customer)

	// One event is taken and not answered; then receiver and adapter are killed.
	taken := make(chan struct{})
	var once sync.Once
	crm.is(func(w http.ResponseWriter) (first bool) {
		once.Do(func() { first = true })
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return false
		}
		t.Cleanup(func() { _ = conn.Close() }) // open until the end: neither an answer nor a reset
		if first {
			defer close(taken)
		}
		return first
	})
	select {
	case <-taken:
	case <-p.ctx.Done():
		t.Fatal("nothing came")
	}
	p.must(syscall.Kill(p.book().PID, syscall.SIGKILL))
	crm.down()
	customer, _ = p.call("380440001000", func(v callcontrol.CallView) bool { return v.Phase == callcontrol.PhaseOffered })
	p.over(customer)
	crm.is(nil)
	crm.up()
	p.until("the adapter is back", func() bool { return p.book().Restarts == 1 && p.book().State == control.AdapterRunning })
	customer, _ = p.call("380440001000", func(v callcontrol.CallView) bool { return v.Contact.ID == "101" })
	p.over(customer)
	p.until("everything is taken", func() bool { return p.book().Lag == 0 })
	last := p.book().Acknowledged
	p.webStream(base, last)
	var past struct{ Records []callcontrol.HistoryRecord }
	p.until("the history has the calls", func() bool {
		return p.web(base, "GET", "/v1/history?agent=anna", "", &past) == http.StatusOK && len(past.Records) == 5
	})
	if r := past.Records[3]; r.Call != v.ID || r.EndedBy != callcontrol.EnderCustomer || r.Answered.IsZero() || r.Contact.ID != "101" {
		t.Errorf("%+v", r)
	}
	p.signal()
	if code := p.exit(); code != exitOK {
		t.Errorf("exit code %d", code)
	}
	crm.check(last, 1)
}

// webStream reads the events again from the first one.
func (p *process) webStream(base string, last journal.Cursor) {
	p.t.Helper()
	ctx, cancel := context.WithCancel(p.ctx)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("%s/v1/events?from=%s-0", base, last.Epoch), nil)
	p.must(err)
	req.Header.Set("Authorization", "Bearer "+webhookToken)
	resp, err := http.DefaultClient.Do(req)
	p.must(err)
	defer resp.Body.Close()
	var all bytes.Buffer
	buf := make([]byte, 64<<10)
	for want := fmt.Sprintf("id: %s-%d\n", last.Epoch, last.Seq); !strings.Contains(all.String(), want); {
		n, err := resp.Body.Read(buf)
		all.Write(buf[:n])
		p.must(err)
	}
	for seq := uint64(1); seq <= last.Seq; seq++ {
		if n := strings.Count(all.String(), fmt.Sprintf("id: %s-%d\n", last.Epoch, seq)); n != 1 {
			p.t.Errorf("event %d is in the stream %d times", seq, n)
		}
	}
}
