// Command example is a whole adapter: it knows callers from its configuration, and writes each event of a
// call into a file, a line of JSON each.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"cordboard/callcontrol"
	"cordboard/journal"
	"cordboard/plugins/sdk"
)

func main() { sdk.Serve(&example{}) }

// config is what stands under config: in the daemon's configuration.
type config struct {
	File     string            `json:"file" jsonschema:"file to which events are added"`
	Contacts map[string]string `json:"contacts,omitempty" jsonschema:"names of callers by number"`
}

type example struct {
	config
	session *sdk.Session
	file    *os.File
}

// Info is asked first.
func (e *example) Info() sdk.Info {
	return sdk.Info{Name: "example", Version: "1.0.0", Schema: sdk.Schema[config]()}
}

// Configure comes once. Its error is shown by `cordboard adapters`.
func (e *example) Configure(_ context.Context, s *sdk.Session) (err error) {
	if err := s.Decode(&e.config); err != nil {
		return err
	}
	e.session = s
	e.file, err = os.OpenFile(e.File, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	s.Log.Info("ready", "contacts", len(e.Contacts), "from", s.Acknowledged.Seq)
	return err
}

// Lookup says who calls: none, one, or several contacts.
func (e *example) Lookup(_ context.Context, q sdk.Query) ([]sdk.Contact, error) {
	if name, ok := e.Contacts[string(q.Number)]; ok {
		return []sdk.Contact{{ID: string(q.Number), Name: name, Kind: "contact"}}, nil
	}
	return nil, nil
}

// Search finds contacts by a part of their name.
func (e *example) Search(_ context.Context, s sdk.Search) (found []sdk.Contact, _ error) {
	for number, name := range e.Contacts {
		if strings.Contains(strings.ToLower(name), strings.ToLower(s.Text)) {
			found = append(found, sdk.Contact{ID: number, Name: name, Kind: "contact", Phones: []sdk.Phone{{Number: number}}})
		}
	}
	return found, nil
}

// Event comes in order, one at a time. Nil acknowledges it; after an error it comes again.
func (e *example) Event(ctx context.Context, ev sdk.Event) error {
	line, err := json.Marshal(ev)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(e.file, "%s\n", line); err != nil {
		return err
	}
	if ev.Kind == callcontrol.EventDigit && ev.Digit == "*" { // a key that the customer pressed
		_, err := e.session.Control.Do(ctx, callcontrol.Command{
			ID: callcontrol.CommandID(fmt.Sprint("star-", ev.Cursor.Seq)), Kind: callcontrol.KindBind, Call: ev.CallID,
			Variables: []callcontrol.Variable{{Name: "wish", Value: "call back"}},
		})
		e.session.Log.Info("wish noted", "call", string(ev.CallID), "error", err)
	}
	return nil
}

// Gap comes where events are missing, and before the first one ever: now is what is true instead.
func (e *example) Gap(_ context.Context, gap journal.Gap, now callcontrol.Snapshot) error {
	_, err := fmt.Fprintf(e.file, `{"gap":true,"from":%d,"cursor":{"epoch":%q,"seq":%d},"calls":%d}`+"\n",
		gap.From.Seq, now.Cursor.Epoch, now.Cursor.Seq, len(now.Calls))
	return err
}

// Stop comes at the end, after the last event.
func (e *example) Stop(context.Context) error { return e.file.Close() }
