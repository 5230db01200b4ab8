package webhook

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"cordboard/callcontrol"
	"cordboard/plugins/sdk"
)

const (
	askAgain   = 50 * time.Millisecond // a question is repeated once, when it did not reach the receiver
	mostAnswer = 256 << 10             // bytes of an answer
	troubleFor = time.Minute           // how long a question without an answer is told in the adapter's health
)

// asker puts questions to a URL.
type asker struct {
	what   string
	poster *poster
	log    *slog.Logger

	mu     sync.Mutex
	err    error     // of the last question, when it failed
	failed time.Time // the last one that did
}

// newAsker is nil when there is no URL.
func newAsker(what string, p *plan, to *url.URL, a Ask, transport http.RoundTripper, log *slog.Logger) *asker {
	if to == nil {
		return nil
	}
	return &asker{what: what, poster: newPoster(p, to, transport, time.Duration(a.Timeout), 0, mostAnswer), log: log}
}

// query is the question who a number is.
type query struct {
	Type      string                    `json:"type"` // lookup
	Number    callcontrol.Number        `json:"number"`
	Display   string                    `json:"display,omitempty"`
	Agent     callcontrol.AgentID       `json:"agent,omitempty"`
	Call      callcontrol.CallID        `json:"call,omitempty"`
	Line      callcontrol.LineID        `json:"line,omitempty"`
	Direction callcontrol.CallDirection `json:"direction,omitempty"`
	Queue     string                    `json:"queue,omitempty"`
	Variables []callcontrol.Variable    `json:"variables,omitempty"`
}

// wanted is the question who is called like that.
type wanted struct {
	Type  string              `json:"type"` // search
	Text  string              `json:"text"`
	Agent callcontrol.AgentID `json:"agent,omitempty"`
	Limit int                 `json:"limit"`
}

func lookupQuery(q sdk.Query) query {
	return query{
		Type: "lookup", Number: q.Number, Display: q.Display, Agent: q.Agent, Call: q.Call, Line: q.Line,
		Direction: q.Direction, Queue: q.Queue, Variables: q.Variables,
	}
}

// ask waits for the answer until ctx ends.
func (a *asker) ask(ctx context.Context, question any) ([]sdk.Contact, error) {
	found, err := a.once(ctx, question)
	if err != nil {
		err = fmt.Errorf("%s: %w", a.what, err)
	}
	a.mu.Lock()
	first := err != nil && (a.err == nil || time.Since(a.failed) >= troubleFor)
	a.err = err
	if err != nil {
		a.failed = time.Now()
	}
	a.mu.Unlock()
	if first {
		a.log.Warn("question not answered", "error", err)
	}
	return found, err
}

func (a *asker) once(ctx context.Context, question any) ([]sdk.Contact, error) {
	body, err := sdk.Encode(question)
	if err != nil {
		return nil, err
	}
	resp, err := a.poster.post(ctx, "q-"+rand.Text(), body, retries{
		most:  1,
		check: func(ctx context.Context, _ *http.Response, err error) bool { return err != nil && ctx.Err() == nil },
		wait:  func(int, *http.Response) time.Duration { return askAgain },
	})
	switch {
	case err != nil:
		return nil, err
	case resp.StatusCode == http.StatusNotFound || resp.StatusCode == http.StatusNoContent:
		return nil, nil
	case resp.StatusCode != http.StatusOK:
		return nil, errors.New(answered(resp))
	}
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	return parseAnswer(text)
}

// word is text, or a number that a CRM has where text is meant.
type word string

// UnmarshalJSON implements json.Unmarshaler.
func (w *word) UnmarshalJSON(raw []byte) error {
	var n json.Number
	if len(raw) > 0 && raw[0] != '"' && json.Unmarshal(raw, &n) == nil {
		*w = word(n)
		return nil
	}
	return json.Unmarshal(raw, (*string)(w))
}

// parseAnswer reads {"contacts": […]}. Keys that are not known are passed over.
func parseAnswer(text []byte) ([]sdk.Contact, error) {
	var answer struct {
		Contacts []struct {
			ID     word `json:"id"`
			Name   word `json:"name"`
			Kind   word `json:"kind"`
			Phones []struct {
				Number word `json:"number"`
				Label  word `json:"label"`
			} `json:"phones"`
		} `json:"contacts"`
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return nil, fmt.Errorf(`the answer is not {"contacts": [{"id": …, "name": …}]}, or longer than %d bytes`, mostAnswer)
	}
	var out []sdk.Contact
	for _, c := range answer.Contacts {
		n := sdk.Contact{ID: string(c.ID), Name: string(c.Name), Kind: string(c.Kind)}
		for _, p := range c.Phones {
			n.Phones = append(n.Phones, sdk.Phone{Number: string(p.Number), Label: string(p.Label)})
		}
		out = append(out, n)
	}
	return out, nil
}

// trouble is why questions have no answer.
func (a *asker) trouble() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err != nil && time.Since(a.failed) < troubleFor {
		return a.err
	}
	return nil
}
