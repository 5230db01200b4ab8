package webhook

import (
	"context"
	_ "embed"
	"fmt"
	"log/slog"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"golang.org/x/time/rate"

	"cordboard/plugins/control"
)

// description is the API as OpenAPI has it; a test holds it true.
//
//go:embed openapi.yaml
var description []byte

const (
	mostBody    = 64 << 10         // bytes of a request's body
	readTime    = 10 * time.Second // for the body of a request
	writeTime   = 45 * time.Second // for an answer, the command's own time included
	commandTime = 30 * time.Second

	strangerEvery = 10 * time.Second // between two lines of the log

	mostCommands = 32  // under way at one time: the daemon answers an adapter 64
	mostID       = 128 // bytes of a call or agent in a path
)

// api is call control by HTTP.
type api struct {
	plan    *plan
	client  *control.Client
	hub     *hub
	log     *slog.Logger
	health  func() []string // what is wrong with the adapter
	openapi []byte          // as JSON
	mux     *http.ServeMux
	catchUp chan struct{} // one for each follower who reads old events
	ending  context.Context

	commands  chan struct{}  // one for each that is under way
	strangers rate.Sometimes // of the log

	patience time.Duration // with a client of a stream
	reading  time.Duration // the body of a request
}

// handler answers a request of a token, or gives the error that answers it.
type handler func(w http.ResponseWriter, r *http.Request, t *token) error

const openapiRoute = "GET /openapi.json"

// newAPI serves until ending is over.
func newAPI(ending context.Context, p *plan, client *control.Client, h *hub, health func() []string, log *slog.Logger) (*api, error) {
	text, err := yaml.YAMLToJSON(description)
	if err != nil {
		return nil, fmt.Errorf("openapi.yaml: %w", err)
	}
	a := &api{
		plan: p, client: client, hub: h, log: log, health: health, openapi: text, mux: http.NewServeMux(),
		catchUp: make(chan struct{}, mostCatchUp), ending: ending, patience: patience, reading: readTime,
		commands: make(chan struct{}, mostCommands), strangers: rate.Sometimes{Interval: strangerEvery},
	}
	a.mux.HandleFunc(openapiRoute, func(w http.ResponseWriter, _ *http.Request) { write(w, http.StatusOK, "application/json", a.openapi) })
	for pattern, h := range a.routes() {
		a.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { a.serve(w, r, h) })
	}
	return a, nil
}

// routes is every operation but that of the description.
func (a *api) routes() map[string]handler {
	out := map[string]handler{
		"GET /v1/health":                 a.getHealth,
		"GET /v1/status":                 a.getStatus,
		"GET /v1/directory":              a.getDirectory,
		"GET /v1/snapshot":               a.getSnapshot,
		"GET /v1/history":                a.getHistory,
		"GET /v1/contacts":               a.getContacts,
		"GET /v1/events":                 a.getEvents,
		"GET /v1/agents/{agent}":         a.getAgent,
		"GET /v1/calls/{call}":           a.getCall,
		"POST /v1/agents/{agent}/dial":   a.postDial,
		"POST /v1/agents/{agent}/status": a.postStatus,
	}
	for word, v := range callVerbs {
		out["POST /v1/calls/{call}/"+word] = a.postVerb(v)
	}
	return out
}

// ServeHTTP implements http.Handler.
func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rc := http.NewResponseController(w)
	if r.ContentLength != 0 { // without a body net/http reads beside us already, and would end the connection's context
		_ = rc.SetReadDeadline(time.Now().Add(a.reading)) // an error is that of a connection that has ended
	}
	_ = rc.SetWriteDeadline(time.Now().Add(writeTime))
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if !a.plan.knownHost(r.Host) {
		a.refuse(w, refusal(codeMisdirected, "this server is not called so: add the name to api.hosts"))
		return
	}
	if preflight, err := a.crossOrigin(w, r); err != nil {
		a.refuse(w, err)
		return
	} else if preflight {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	_, pattern := a.mux.Handler(r)
	t := a.plan.authenticate(r.Header)
	switch {
	case t == nil && pattern != openapiRoute:
		a.strangers.Do(func() { a.log.Warn("request without a token of api.tokens", "remote", r.RemoteAddr) })
		a.refuse(w, refusal(codeUnauthorized, "send Authorization: Bearer with a token of api.tokens"))
	case pattern == "" || path.Clean(r.URL.Path) != r.URL.Path:
		a.refuse(w, a.noRoute(w, r))
	default:
		a.mux.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), tokenKey{}, t)))
	}
}

// tokenKey is the request's token in its context.
type tokenKey struct{}

// noRoute tells a wrong method from a wrong path.
func (a *api) noRoute(w http.ResponseWriter, r *http.Request) error {
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		other := r.Clone(r.Context())
		other.Method = method
		if _, pattern := a.mux.Handler(other); pattern != "" && path.Clean(r.URL.Path) == r.URL.Path {
			w.Header().Set("Allow", method)
			return refusal(codeMethod, "use "+method)
		}
	}
	return refusal(codeNotFound, "there is nothing at this path: see /openapi.json")
}

// crossOrigin lets pages of the named origins in, and no others; true: it was the browser's question whether it may ask.
func (a *api) crossOrigin(w http.ResponseWriter, r *http.Request) (preflight bool, _ error) {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return false, nil
	}
	h := w.Header()
	h.Add("Vary", "Origin")
	if !a.plan.origins[origin] {
		return false, refusal(codeOrigin, "scripts of this page may not use the API: see api.origins")
	}
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Expose-Headers", "Retry-After")
	if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
		return false, nil
	}
	h.Set("Access-Control-Allow-Methods", "GET, POST")
	h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Idempotency-Key, Last-Event-ID")
	h.Set("Access-Control-Max-Age", "600")
	return true, nil
}

// serve answers a request that has a token.
func (a *api) serve(w http.ResponseWriter, r *http.Request, h handler) {
	t := r.Context().Value(tokenKey{}).(*token) // that ServeHTTP found
	if !t.limit.Allow() {
		a.refuse(w, refusal(codeTooMany, fmt.Sprintf("more than %d requests a second of one token", tokenRate)))
		return
	}
	if err := h(w, r, t); err != nil {
		a.refuse(w, err)
	}
}

// words are the values of a list in a request's query, which knows no other keys.
func words(r *http.Request, known ...string) (map[string]string, error) {
	out := map[string]string{}
	q := r.URL.Query()
	if strings.Contains(r.URL.RawQuery, ";") {
		return nil, refusal(codeBadRequest, "the query has a semicolon")
	}
	for key, values := range q {
		if !slices.Contains(known, key) || len(values) != 1 {
			return nil, refusal(codeBadRequest, "the query may have these keys, each once: "+strings.Join(known, ", "))
		}
		out[key] = values[0]
	}
	return out, nil
}
