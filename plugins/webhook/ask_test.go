package webhook

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"cordboard/callcontrol"
	"cordboard/plugins/sdk"
)

const askConfig = `{"lookup": {"url": "https://crm.example.com/who"}, "search": {"url": "https://crm.example.com/find"}, "secrets": [{"file": "one"}, {"file": "two"}]}`

func body(status int, text string) func(int, *http.Request) (*http.Response, error) {
	return func(int, *http.Request) (*http.Response, error) {
		r := says(status)
		r.Body = io.NopCloser(strings.NewReader(text))
		return r, nil
	}
}

// Questions are as openapi.yaml says, and answers are taken as they come.
func TestAsk(t *testing.T) {
	p := planned(t, askConfig)
	c := newContract(t)
	full := sdk.Query{
		Number: "+380440001000", Display: "Ivan", Agent: "anna", Call: "c-1", Line: "pbx/1001", Direction: callcontrol.Inbound, Queue: "Sales",
		Variables: []callcontrol.Variable{{Name: "ivr", Value: "2"}},
	}
	for _, q := range []sdk.Query{full, {Number: "\xff<anonymous>"}} {
		text, err := sdk.Encode(lookupQuery(q))
		if err != nil {
			t.Fatal(err)
		}
		c.schema("Lookup", text)
	}
	text, err := sdk.Encode(wanted{Type: "search", Text: "Олена", Agent: "anna", Limit: 20})
	if err != nil {
		t.Fatal(err)
	}
	c.schema("Search", text)
	olena := []sdk.Contact{{ID: "101", Name: "Olena", Kind: "contact", Phones: []sdk.Phone{{Number: "380440001000", Label: "work"}}}}
	good := `{"contacts": [{"id": 101, "name": "Olena", "kind": "contact", "phones": [{"number": 380440001000, "label": "work", "more": 1}]}], "took": 3}`
	c.schema("Contacts", []byte(strings.ReplaceAll(strings.ReplaceAll(good, `, "more": 1`, ""), `, "took": 3`, "")))
	for _, a := range []struct {
		answer func(int, *http.Request) (*http.Response, error)
		found  []sdk.Contact
		err    string
		tries  int
	}{
		{body(200, good), olena, "", 1},
		{body(200, `{"contacts": []}`), nil, "", 1},
		{body(200, `{}`), nil, "", 1},
		{body(204, ""), nil, "", 1},
		{body(404, "who?"), nil, "", 1},
		{body(200, "<html>"), nil, "the answer is not", 1},
		{body(200, `{"contacts": [{"id": {}}]}`), nil, "the answer is not", 1},
		{body(200, `{"contacts": [{"name": "`+strings.Repeat("x", mostAnswer)+`"}]}`), nil, "the answer is not", 1},
		{body(500, good), nil, "the receiver answered 500", 1},
		{body(302, good), nil, "redirects are not followed", 1},
		{func(n int, _ *http.Request) (*http.Response, error) {
			if n == 0 {
				return nil, errors.New("connection reset")
			}
			return body(200, good)(0, nil)
		}, olena, "", 2},
		{func(int, *http.Request) (*http.Response, error) { return nil, errors.New("connection refused") }, nil, "connection refused", 2},
	} {
		w := &wire{answer: a.answer}
		k := newAsker("lookup", p, p.lookup, p.Lookup, w, quiet())
		found, err := k.ask(t.Context(), lookupQuery(full))
		if d := cmp.Diff(a.found, found); d != "" || (err == nil) != (a.err == "") || !strings.Contains(fmt.Sprint(err), a.err) && a.err != "" || len(w.at) != a.tries {
			t.Errorf("%v after %d tries: %s", err, len(w.at), d)
		}
		if (k.trouble() == nil) != (a.err == "") {
			t.Errorf("health: %v", k.trouble())
		}
	}
}

// A receiver that does not answer costs no more than was allowed.
func TestAskTakesItsTime(t *testing.T) {
	p := planned(t, askConfig)
	synctest.Test(t, func(t *testing.T) {
		w := &wire{answer: func(_ int, r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}}
		k := newAsker("search", p, p.search, p.Search, w, quiet())
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		begun := time.Now()
		if _, err := k.ask(ctx, wanted{}); err == nil || time.Since(begun) != 300*time.Millisecond {
			t.Errorf("%v after %s", err, time.Since(begun))
		}
		begun = time.Now()
		if _, err := k.ask(t.Context(), wanted{}); err == nil || !strings.Contains(err.Error(), "no answer within 5s") || time.Since(begun) != 2*5*time.Second+askAgain {
			t.Errorf("%v after %s", err, time.Since(begun))
		}
		if k.trouble() == nil {
			t.Error("nothing is wrong")
		}
		time.Sleep(troubleFor) // of the bubble
		if err := k.trouble(); err != nil {
			t.Errorf("a minute later: %v", err)
		}
		synctest.Wait()
	})
}
