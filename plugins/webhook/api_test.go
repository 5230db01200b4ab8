package webhook

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/time/rate"

	"cordboard/callcontrol"
)

// Every operation, with what reaches the daemon. All traffic is as openapi.yaml says, and none of its operations is left out.
func TestOperations(t *testing.T) {
	w := newWorld(t, apiConfig, 100)
	c := newContract(t)
	w.client.Transport = c
	for _, path := range []string{"/openapi.json", "/v1/health", "/v1/status", "/v1/directory", "/v1/snapshot", "/v1/snapshot?agent=anna", "/v1/agents/anna", "/v1/calls/c-anna",
		"/v1/history", "/v1/history?agent=anna&limit=1&before=2026-03-01T09:00:00Z", "/v1/contacts?q=Olena", "/v1/contacts?q=nobody&agent=anna&limit=5"} {
		if a := w.request("GET", path, allToken, ""); a.status != 200 || a.header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	call := func(k callcontrol.Kind) callcontrol.Command { return callcontrol.Command{Kind: k, Call: "c-anna"} }
	with := func(c callcontrol.Command, f func(*callcontrol.Command)) callcontrol.Command { f(&c); return c }
	for _, op := range []struct {
		path, body string
		want       callcontrol.Command
	}{
		{"agents/anna/dial", `{"number": "+380441234567", "variables": [{"name": "a", "value": "b"}]}`,
			callcontrol.Command{Kind: callcontrol.KindDial, Agent: "anna", Number: "+380441234567", Variables: []callcontrol.Variable{{Name: "a", Value: "b"}}}},
		{"agents/anna/status", `{"status": "pause", "reason": "lunch"}`,
			callcontrol.Command{Kind: callcontrol.KindStatus, Agent: "anna", Status: callcontrol.StatusPause, Reason: "lunch"}},
		{"calls/c-anna/answer", "", call(callcontrol.KindAnswer)},
		{"calls/c-anna/reject", "{}", call(callcontrol.KindReject)},
		{"calls/c-anna/hangup", "", call(callcontrol.KindHangup)},
		{"calls/c-anna/hangup", `{"leg": "l-1"}`, with(call(callcontrol.KindHangup), func(c *callcontrol.Command) { c.Leg = "l-1" })},
		{"calls/c-anna/hold", "", call(callcontrol.KindHold)},
		{"calls/c-anna/retrieve", "", call(callcontrol.KindRetrieve)},
		{"calls/c-anna/mute", "", call(callcontrol.KindMute)},
		{"calls/c-anna/unmute", "", call(callcontrol.KindUnmute)},
		{"calls/c-anna/digits", `{"digits": "42#", "duration_ms": 80, "gap_ms": 90, "leg": "l-1"}`, with(call(callcontrol.KindDigits), func(c *callcontrol.Command) {
			c.Digits, c.DigitDuration, c.DigitGap, c.Leg = "42#", 80*time.Millisecond, 90*time.Millisecond, "l-1"
		})},
		{"calls/c-anna/transfer", `{"number": "1002"}`, with(call(callcontrol.KindBlind), func(c *callcontrol.Command) { c.Number = "1002" })},
		{"calls/c-anna/consult", `{"number": "1002"}`, with(call(callcontrol.KindConsult), func(c *callcontrol.Command) { c.Number = "1002" })},
		{"calls/c-anna/swap", "", call(callcontrol.KindSwap)},
		{"calls/c-anna/conference", "", call(callcontrol.KindConference)},
		{"calls/c-anna/complete", "", call(callcontrol.KindComplete)},
		{"calls/c-anna/cancel", "", call(callcontrol.KindCancel)},
		{"calls/c-anna/bind", `{"contact": {"id": "101", "name": "Olena"}, "candidates": [{"id": "7", "kind": "account"}], "variables": [{"name": "a", "value": "b"}]}`,
			with(call(callcontrol.KindBind), func(c *callcontrol.Command) {
				c.Contact, c.Candidates = callcontrol.Contact{ID: "101", Name: "Olena"}, []callcontrol.Contact{{ID: "7", Kind: "account"}}
				c.Variables = []callcontrol.Variable{{Name: "a", Value: "b"}}
			})},
	} {
		a := w.request("POST", "/v1/"+op.path, allToken, op.body, "Idempotency-Key", "k-1")
		var res callcontrol.Result
		if err := json.Unmarshal(a.body, &res); err != nil || a.status != 200 || res.Transfer != "t-1" {
			t.Errorf("%s: %d %s", op.path, a.status, a.body)
		}
		op.want.ID = "webhook/all/k-1"
		if d := cmp.Diff(op.want, w.board.last()); d != "" {
			t.Errorf("%s: %s", op.path, d)
		}
	}
	f := w.follow(allToken, "")
	f.close()
	for route := range (&api{}).routes() {
		if !c.seen[route][http.StatusOK] {
			t.Errorf("%s was not exercised", route)
		}
	}
}

// Each refusal of the daemon is a problem with its code and the state.
func TestRefusals(t *testing.T) {
	w := newWorld(t, apiConfig, 100)
	c := newContract(t)
	w.client.Transport = c
	for code, status := range statuses {
		var err error = &callcontrol.Refusal{
			Code: code, Message: "because", State: "held", Replayed: true,
			Moment: &callcontrol.Moment{Agent: "anna", Status: callcontrol.StatusReady, Calls: []callcontrol.CallPhase{{Call: "c-anna", Phase: callcontrol.PhaseHeld}}},
		}
		switch code {
		case codeInternal:
			err = errors.New("private")
		case codeReadOnly, codeNotFound, codeMethod, codeMisdirected, codeOrigin, codeMediaType, codeTooLarge, codeBadRequest, codeTooMany, codeUnreachable, codeUnauthorized:
			continue
		}
		w.board.mu.Lock()
		w.board.answer = func(callcontrol.Command) (callcontrol.Result, error) { return callcontrol.Result{}, err }
		w.board.mu.Unlock()
		a := w.request("POST", "/v1/calls/c-anna/hold", allToken, "")
		var p problem
		if err := json.Unmarshal(a.body, &p); err != nil || a.status != status || p.Status != status || p.Code != code || a.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d %s", code, a.status, a.body)
		}
		if code != codeInternal && (p.State != "held" || p.Detail != "because" || !p.Replayed || p.Moment == nil || p.Moment.Agent != "anna") || strings.Contains(string(a.body), "private") {
			t.Errorf("%s: %s", code, a.body)
		}
		if (a.header.Get("Retry-After") != "") != (status == 429 || status == 503) {
			t.Errorf("%s: Retry-After %q", code, a.header.Get("Retry-After"))
		}
	}
}

// What is wrong with the request itself never reaches the daemon.
func TestBadRequests(t *testing.T) {
	w := newWorld(t, apiConfig, 100)
	w.client.Transport = newContract(t)
	long := strings.Repeat("x", mostBody)
	for _, c := range []struct {
		method, path, token, body string
		headers                   []string
		status                    int
		code                      string
	}{
		{"GET", "/v1/status", "", "", nil, 401, "unauthorized"},
		{"GET", "/v1/status", strings.ToUpper(allToken), "", nil, 401, "unauthorized"},
		{"GET", "/v1/status", allToken[:30], "", nil, 401, "unauthorized"},
		{"GET", "/nothing", "", "", nil, 401, "unauthorized"},
		{"POST", "/openapi.json", "", "", nil, 401, "unauthorized"},
		{"GET", "/v1/nothing", allToken, "", nil, 404, "not_found"},
		{"GET", "/v1/status/", allToken, "", nil, 404, "not_found"},
		{"GET", "//v1/status", allToken, "", nil, 404, "not_found"},
		{"GET", "/v1/agents/../status", allToken, "", nil, 404, "not_found"},
		{"POST", "/v1/calls/%2e%2e/hold", allToken, "", nil, 404, "not_found"},
		{"GET", "/v1/calls/c-anna/hold", allToken, "", nil, 405, "method_not_allowed"},
		{"POST", "/v1/snapshot", allToken, "", nil, 405, "method_not_allowed"},
		{"DELETE", "/v1/calls/c-anna", allToken, "", nil, 405, "method_not_allowed"},
		{"GET", "/v1/status", allToken, "", []string{"Host", "evil.example.com"}, 421, "misdirected"},
		{"GET", "/v1/status", allToken, "", []string{"Host", "127.0.0.1.evil.example.com:80"}, 421, "misdirected"},
		{"GET", "/openapi.json", "", "", []string{"Host", "evil.example.com"}, 421, "misdirected"},
		{"GET", "/v1/status", allToken, "", []string{"Origin", "https://evil.example.com"}, 403, "origin_not_allowed"},
		{"GET", "/v1/status", allToken, "", []string{"Origin", "null"}, 403, "origin_not_allowed"},
		{"OPTIONS", "/v1/status", "", "", []string{"Origin", "https://crm.example.com.evil.org", "Access-Control-Request-Method", "GET"}, 403, "origin_not_allowed"},
		{"POST", "/v1/calls/c-anna/hold", readToken, "", nil, 403, "read_only"},
		{"POST", "/v1/agents/anna/dial", allToken, "", nil, 400, "bad_request"},
		{"POST", "/v1/agents/anna/dial", allToken, `{"number": "1", "nmber": 2}`, nil, 400, "bad_request"},
		{"POST", "/v1/agents/anna/dial", allToken, `{"number": "1"} {}`, nil, 400, "bad_request"},
		{"POST", "/v1/agents/anna/dial", allToken, `{"number": 1}`, nil, 400, "bad_request"},
		{"POST", "/v1/agents/anna/dial", allToken, `[]`, nil, 400, "bad_request"},
		{"POST", "/v1/calls/c-anna/hold", allToken, `{"leg": "l-1"}`, nil, 400, "bad_request"},
		{"POST", "/v1/agents/anna/dial", allToken, `{"number": "` + long + `"}`, nil, 413, "too_large"},
		{"POST", "/v1/agents/anna/dial", allToken, `{"number": "1"}`, []string{"Content-Type", "text/plain"}, 415, "unsupported_media_type"},
		{"POST", "/v1/calls/c-anna/digits", allToken, `{"digits": "1", "duration_ms": 9223372036854775807}`, nil, 422, "bad_argument"},
		{"POST", "/v1/calls/c-anna/hold", allToken, "", []string{"Idempotency-Key", strings.Repeat("k", 96)}, 400, "bad_request"},
		{"POST", "/v1/calls/c-anna/hold", allToken, "", []string{"Idempotency-Key", "a b"}, 400, "bad_request"},
		{"GET", "/v1/snapshot?agent=nobody", allToken, "", nil, 404, "no_such_agent"},
		{"GET", "/v1/snapshot?agents=anna", allToken, "", nil, 400, "bad_request"},
		{"GET", "/v1/snapshot?agent=anna&agent=bohdan", allToken, "", nil, 400, "bad_request"},
		{"GET", "/v1/history?agent=nobody", allToken, "", nil, 404, "no_such_agent"},
		{"GET", "/v1/history?limit=0", allToken, "", nil, 400, "bad_request"},
		{"GET", "/v1/history?before=yesterday", allToken, "", nil, 400, "bad_request"},
		{"GET", "/v1/contacts", allToken, "", nil, 422, "bad_argument"},
		{"GET", "/v1/contacts?q=x&limit=101", allToken, "", nil, 400, "bad_request"},
		{"GET", "/v1/calls/c-nobody", allToken, "", nil, 404, "no_such_call"},
		{"GET", "/v1/events?from=nonsense", allToken, "", nil, 400, "bad_request"},
		{"GET", "/v1/events", allToken, "", []string{"Last-Event-ID", "e1"}, 400, "bad_request"},
	} {
		a := w.request(c.method, c.path, c.token, c.body, c.headers...)
		if a.status != c.status || a.code() != c.code {
			t.Errorf("%s %s %.40s %v: %d %s", c.method, c.path, c.body, c.headers, a.status, a.body)
		}
		if a.header.Get("Location") != "" {
			t.Errorf("%s: redirected to %s", c.path, a.header.Get("Location"))
		}
	}
	if a := w.request("HEAD", "/v1/events", allToken, ""); a.status != 405 {
		t.Errorf("HEAD: %d", a.status)
	}
	if n := w.board.count(); n != 0 {
		t.Errorf("%d commands reached the daemon", n)
	}
	if text := w.log.String(); strings.Contains(text, allToken) {
		t.Error("a token is in the log")
	}
	for _, host := range []string{"localhost", "LOCALHOST.:8480", "[::1]:8480", "10.0.0.1", "cordboard.example.com:443"} {
		if a := w.request("GET", "/v1/health", allToken, "", "Host", host); a.status != 200 {
			t.Errorf("%s: %d", host, a.status)
		}
	}
	a := w.request("OPTIONS", "/v1/calls/c-anna/hold", "", "", "Origin", "https://crm.example.com", "Access-Control-Request-Method", "POST")
	if a.status != 204 || a.header.Get("Access-Control-Allow-Origin") != "https://crm.example.com" || !strings.Contains(a.header.Get("Access-Control-Allow-Headers"), "Authorization") {
		t.Errorf("preflight: %d %v", a.status, a.header)
	}
}

// A token for anna sees and moves nothing of bohdan's; what it may not see is not there.
func TestScope(t *testing.T) {
	w := newWorld(t, apiConfig, 100)
	for _, token := range []string{annaToken, bothToken} {
		for _, c := range [][2]string{
			{"GET", "/v1/agents/bohdan"}, {"GET", "/v1/calls/c-bohdan"}, {"GET", "/v1/snapshot?agent=bohdan"}, {"GET", "/v1/history?agent=bohdan"},
			{"GET", "/v1/contacts?q=Olena&agent=bohdan"},
			{"POST", "/v1/calls/c-bohdan/hangup"}, {"POST", "/v1/calls/c-bohdan/answer"}, {"POST", "/v1/calls/c-nobody/answer"},
		} {
			if a := w.request(c[0], c[1], token, ""); a.status != 404 || strings.Contains(string(a.body), "bohdan") {
				t.Errorf("%s %s: %d %s", c[0], c[1], a.status, a.body)
			}
		}
		for path, body := range map[string]string{"dial": `{"number": "1"}`, "status": `{"status": "ready"}`} {
			if a := w.request("POST", "/v1/agents/bohdan/"+path, token, body); a.status != 404 || a.code() != "no_such_agent" {
				t.Errorf("%s: %d %s", path, a.status, a.body)
			}
		}
		for _, path := range []string{"snapshot", "status", "directory", "health", "history", "contacts?q=Olena"} {
			a := w.request("GET", "/v1/"+path, token, "")
			if text := string(a.body); a.status != 200 || strings.Contains(text, "bohdan") || strings.Contains(text, "carrier") || strings.Contains(text, "private") {
				t.Errorf("%s: %d %s", path, a.status, text)
			}
		}
	}
	if n := w.board.count(); n != 0 {
		t.Fatalf("%d commands reached the daemon: %+v", n, w.board.last())
	}
	if a := w.request("POST", "/v1/calls/c-anna/hold", annaToken, "", "Idempotency-Key", "k"); a.status != 200 {
		t.Errorf("%d %s", a.status, a.body)
	}
	if c := w.board.last(); c.Agent != "anna" || c.Call != "c-anna" || c.ID != "webhook/anna/k" {
		t.Errorf("%+v", c)
	}
	// Her call ends. A command that is repeated still reaches its first result, by the same body.
	w.board.tell(t, "anna", callcontrol.EventCallEnded)
	until(t, "the hub knows the call", func() bool { _, ok := w.hook.hub().owner("c-anna"); return ok })
	w.board.mu.Lock()
	w.board.calls = w.board.calls[1:]
	w.board.mu.Unlock()
	if a := w.request("POST", "/v1/calls/c-anna/hold", bothToken, ""); a.status != 200 || w.board.last().Agent != "anna" {
		t.Errorf("after the end: %d %s", a.status, a.body)
	}
}

// A token that asks too much waits; others do not.
func TestRate(t *testing.T) {
	w := newWorld(t, apiConfig, 100)
	w.hook.plan.tokens[1].limit = rate.NewLimiter(rate.Every(time.Hour), 3)
	for i := range 5 {
		want := 200
		if i >= 3 {
			want = 429
		}
		if a := w.request("GET", "/v1/health", annaToken, ""); a.status != want || (a.header.Get("Retry-After") == "") != (want == 200) {
			t.Errorf("request %d: %d %s", i, a.status, a.body)
		}
	}
	if a := w.request("GET", "/v1/health", allToken, ""); a.status != 200 {
		t.Errorf("another token: %d", a.status)
	}
}

// hub is the API's.
func (w *webhook) hub() *hub { return w.api.hub }
