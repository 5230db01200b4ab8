package webhook

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"cordboard/callcontrol"
	"cordboard/journal"
	"cordboard/plugins/sdk"
)

// planned is a configuration that must be good. Files are those of secretFiles.
func planned(t *testing.T, config string) *plan {
	t.Helper()
	t.Chdir(secretFiles(t))
	p, err := settle(&sdk.Session{Config: []byte(config)})
	if err != nil {
		t.Fatal(err)
	}
	return &p
}

// genuine is a receiver's check, written from the documentation.
func genuine(secret string, h http.Header, body []byte) bool {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	m := hmac.New(sha256.New, key)
	fmt.Fprintf(m, "%s.%s.%s", h.Get("webhook-id"), h.Get("webhook-timestamp"), body)
	return err == nil && slices.Contains(strings.Split(h.Get("webhook-signature"), " "), "v1,"+base64.StdEncoding.EncodeToString(m.Sum(nil)))
}

// wire is a receiver in memory: it answers the n-th request as it is told, from 0.
type wire struct {
	answer func(n int, r *http.Request) (*http.Response, error)

	mu   sync.Mutex
	at   []time.Time
	sent []string // bodies
	ids  []string
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	stamp, err := strconv.ParseInt(r.Header.Get("webhook-timestamp"), 10, 64)
	if err != nil || !genuine(keyOne, r.Header, body) || !genuine(keyTwo, r.Header, body) || time.Since(time.Unix(stamp, 0)) > time.Second {
		return nil, errors.New("it is not signed now, with both keys")
	}
	w.mu.Lock()
	n := len(w.at)
	w.at, w.sent, w.ids = append(w.at, time.Now()), append(w.sent, string(body)), append(w.ids, r.Header.Get("webhook-id"))
	w.mu.Unlock()
	return w.answer(n, r)
}

func says(status int, header ...string) *http.Response {
	r := &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(""))}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

func (w *wire) waits() (out []time.Duration) {
	for i := 1; i < len(w.at); i++ {
		out = append(out, w.at[i].Sub(w.at[i-1]))
	}
	return out
}

const deliverConfig = `{"deliver": {"url": "https://crm.example.com/in?token=hunter2"}, "secrets": [{"file": "one"}, {"file": "two"}], "authorization": {"file": "auth"}`

func event(seq uint64) sdk.Event {
	return sdk.Event{Cursor: journal.Cursor{Epoch: "e1", Seq: seq}, Event: callcontrol.Event{Kind: callcontrol.EventCallStarted, Agent: "anna", Digit: "7"}}
}

// What a receiver answers, and when it is asked again: the table of docs/webhook.md.
func TestDeliveryPolicy(t *testing.T) {
	p := planned(t, deliverConfig+"}")
	second := time.Second
	doubling := []time.Duration{second / 2, second, 2 * second, 4 * second, 8 * second, 16 * second, 32 * second, 60 * second, 60 * second}
	for _, c := range []struct {
		name   string
		answer func() (*http.Response, error)
		skip   bool
		tries  int
		waits  []time.Duration
	}{
		{"200", func() (*http.Response, error) { return says(200), nil }, false, 1, nil},
		{"204", func() (*http.Response, error) { return says(204), nil }, false, 1, nil},
		{"500", func() (*http.Response, error) { return says(500), nil }, false, 10, doubling},
		{"404", func() (*http.Response, error) { return says(404), nil }, true, 10, doubling},
		{"401", func() (*http.Response, error) { return says(401), nil }, true, 10, doubling},
		{"400, waiting", func() (*http.Response, error) { return says(400), nil }, false, 10, doubling},
		{"400, skipping", func() (*http.Response, error) { return says(400), nil }, true, 1, nil},
		{"422, skipping", func() (*http.Response, error) { return says(422), nil }, true, 1, nil},
		{"refused", func() (*http.Response, error) { return nil, errors.New("connection refused") }, false, 10, doubling},
		{"302", func() (*http.Response, error) { return says(302, "Location", "https://evil.example.com/"), nil }, false, 10, doubling},
		{"410", func() (*http.Response, error) { return says(410), nil }, false, 3, []time.Duration{time.Hour, time.Hour}},
		{"429", func() (*http.Response, error) { return says(429, "Retry-After", "120"), nil }, false, 3, []time.Duration{2 * time.Minute, 2 * time.Minute}},
		{"503, for a year", func() (*http.Response, error) { return says(503, "Retry-After", "31536000"), nil }, false, 3, []time.Duration{time.Hour, time.Hour}},
		{"503, at once", func() (*http.Response, error) { return says(503, "Retry-After", "0"), nil }, false, 3, []time.Duration{second / 2, second / 2}},
		{"503, nonsense", func() (*http.Response, error) { return says(503, "Retry-After", "-1"), nil }, false, 3, doubling[:2]},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				w := &wire{}
				w.answer = func(n int, _ *http.Request) (*http.Response, error) {
					if n+1 == c.tries && len(c.waits) > 0 {
						return says(200), nil
					}
					return c.answer()
				}
				q := *p
				if c.skip {
					q.Deliver.Refused = "skip"
				}
				d := newDelivery(&q, w, quiet())
				if err := d.events(ctx, []sdk.Event{event(17)}); err != nil {
					t.Fatal(err)
				}
				if got := w.waits(); !slices.Equal(got, c.waits) || len(w.at) != c.tries {
					t.Errorf("%d tries, waits %v, want %v", len(w.at), got, c.waits)
				}
				for i := range w.at {
					if w.ids[i] != "e1-17" || w.sent[i] != w.sent[0] {
						t.Errorf("try %d: %s %s", i, w.ids[i], w.sent[i])
					}
				}
				if err := d.trouble(); err != nil {
					t.Errorf("taken, and still %v", err)
				}
			})
		})
	}
}

// A Retry-After may be a date.
func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{"90": 90 * time.Second, "Sun, 01 Mar 2026 09:01:00 GMT": time.Minute, "": -1, "soon": -1, "-5": -1, "99999999999999999999": -1} {
		got, ok := retryAfter(text, now)
		if ok != (want >= 0) || ok && got != want {
			t.Errorf("%q: %s %v", text, got, ok)
		}
	}
}

// A stop does not break off the answer under way, and ends a wait at once.
func TestDeliveryStops(t *testing.T) {
	p := planned(t, deliverConfig+"}")
	for _, c := range []struct {
		name         string
		answers      time.Duration // 0: it has refused before
		after, until time.Duration
		taken        bool
	}{
		{"answer comes", 5 * time.Second, 4 * time.Second, 5 * time.Second, true},
		{"answer does not come", 9 * time.Second, 4 * time.Second, 6 * time.Second, false},
		{"waiting", 0, 100 * time.Millisecond, 100 * time.Millisecond, false},
		{"timeout", 20 * time.Second, 14 * time.Second, 16 * time.Second, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				w := &wire{answer: func(_ int, r *http.Request) (*http.Response, error) {
					if c.answers == 0 {
						return says(503), nil
					}
					select {
					case <-time.After(c.answers):
						return says(200), nil
					case <-r.Context().Done():
						return nil, r.Context().Err()
					}
				}}
				d := newDelivery(p, w, quiet())
				begun := time.Now()
				time.AfterFunc(c.after, cancel)
				err := d.events(ctx, []sdk.Event{event(1)})
				if took := time.Since(begun); (err == nil) != c.taken || took != c.until {
					t.Errorf("%v after %s", err, took)
				}
				synctest.Wait()
			})
		})
	}
}

// A batch is what was handed over, without what is not wanted; a gap tells what is true.
func TestMessages(t *testing.T) {
	p := planned(t, deliverConfig+"}")
	c := newContract(t)
	w := &wire{answer: func(int, *http.Request) (*http.Response, error) { return says(200), nil }}
	d := newDelivery(p, w, quiet())
	other := event(3)
	other.Kind = callcontrol.EventDigit
	send := func(events ...sdk.Event) {
		t.Helper()
		if err := d.events(t.Context(), events); err != nil {
			t.Fatal(err)
		}
	}
	send(event(1))
	c.schema("Message", []byte(w.sent[0]))
	if strings.Contains(w.sent[0], "digit") {
		t.Errorf("a key is told: %s", w.sent[0])
	}
	p.Deliver.Batch, p.kinds = 10, map[callcontrol.EventKind]bool{callcontrol.EventCallStarted: true}
	send(other)
	send(event(2), other, event(4))
	send(other, event(5))
	if want := []string{"e1-1", "e1-2-4", "e1-5"}; !slices.Equal(w.ids, want) {
		t.Fatalf("%v, want %v", w.ids, want)
	}
	for _, text := range w.sent[1:] {
		c.schema("Batch", []byte(text))
	}
	var b batch
	if err := json.Unmarshal([]byte(w.sent[1]), &b); err != nil || len(b.Messages) != 2 || b.Messages[1].ID != "e1-4" {
		t.Errorf("%v %s", err, w.sent[1])
	}
	now := callcontrol.Snapshot{Cursor: journal.Cursor{Epoch: "e2", Seq: 9}, Calls: []callcontrol.CallView{{ID: "c", Direction: callcontrol.Inbound, Phase: callcontrol.PhaseHeld}}}
	for _, g := range []journal.Gap{{}, {From: journal.Cursor{Epoch: "e1", Seq: 5}, To: journal.Cursor{Epoch: "e2", Seq: 7}}} {
		if err := d.gap(t.Context(), g, now); err != nil {
			t.Fatal(err)
		}
		last := len(w.sent) - 1
		c.schema("Message", []byte(w.sent[last]))
		if w.ids[last] != "e2-9" || strings.Contains(w.sent[last], "null") || strings.Contains(w.sent[last], `"type":"gap"`) != (g != journal.Gap{}) {
			t.Errorf("%s %s", w.ids[last], w.sent[last])
		}
	}
}

// Nothing secret reaches a log, an error or another server: the URL's query, the signature's keys, the authorization.
func TestSecretsStay(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { t.Errorf("a request went elsewhere: %v", r.Header) }))
	defer elsewhere.Close()
	seen := make(chan http.Header, 100)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen <- r.Header.Clone()
		switch len(seen) % 3 {
		case 0:
			http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
		case 1:
			http.Error(w, "hunter3", http.StatusInternalServerError)
		default:
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			_ = conn.Close()
		}
	}))
	p := planned(t, strings.Replace(deliverConfig, "https://crm.example.com/in", receiver.URL+"/path-hunter4", 1)+"}")
	log := &testLog{}
	transport := newTransport(p)
	d := newDelivery(p, transport, slog.New(slog.NewTextHandler(log, nil)))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- d.events(ctx, []sdk.Event{event(1)}) }()
	until(t, "each was tried", func() bool { return len(seen) >= 3 })
	said := []string{fmt.Sprint(d.trouble())}
	receiver.Close()
	until(t, "nobody listens", func() bool { return strings.Contains(fmt.Sprint(d.trouble()), "refused") })
	said = append(said, fmt.Sprint(d.trouble()))
	cancel()
	said = append(said, fmt.Sprint(<-done), log.String())
	transport.CloseIdleConnections()
	for _, text := range said {
		for _, secret := range []string{"hunter", "crm-password", strings.TrimPrefix(keyOne, "whsec_")} {
			if strings.Contains(text, secret) {
				t.Errorf("%s is told: %s", secret, text)
			}
		}
	}
	if h := <-seen; h.Get("Authorization") != "Bearer crm-password" || h.Get("Content-Type") != "application/json" {
		t.Errorf("%v", h)
	}
}
