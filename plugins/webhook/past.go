package webhook

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"cordboard/callcontrol"
	"cordboard/plugins/adapter"
	"cordboard/plugins/control"
)

// Records of an answer.
const (
	usualRecords = 50
	mostRecords  = 500
)

// historyReply is calls that have ended, the last first.
type historyReply struct {
	Records []callcontrol.HistoryRecord `json:"records"`
}

// getHistory lists calls of all agents that the token sees, or of one.
func (a *api) getHistory(w http.ResponseWriter, r *http.Request, t *token) error {
	q, err := words(r, "agent", "limit", "before")
	if err != nil {
		return err
	}
	query := control.HistoryQuery{Agent: callcontrol.AgentID(q["agent"])}
	if query.Limit, err = limitOf(q, usualRecords, mostRecords); err != nil {
		return err
	}
	if text, ok := q["before"]; ok {
		if query.Before, err = time.Parse(time.RFC3339, text); err != nil {
			return refusal(codeBadRequest, "before is a time as 2026-03-01T09:00:00Z")
		}
	}
	if _, named := q["agent"]; named && !t.sees(query.Agent) {
		return noSuchAgent()
	}
	records, err := a.history(r.Context(), t, query)
	if err != nil {
		return err
	}
	return reply(w, historyReply{some(records)})
}

func (a *api) history(ctx context.Context, t *token, q control.HistoryQuery) ([]callcontrol.HistoryRecord, error) {
	if t.agents == nil || q.Agent != "" {
		return a.client.History(ctx, q)
	}
	var all []callcontrol.HistoryRecord
	for q.Agent = range t.agents {
		records, err := a.client.History(ctx, q)
		if errors.Is(err, &callcontrol.Refusal{Code: callcontrol.CodeNoSuchAgent}) { // named for the token, and not configured
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, records...)
	}
	slices.SortStableFunc(all, func(x, y callcontrol.HistoryRecord) int { return y.Ended.Compare(x.Ended) })
	return all[:min(len(all), q.Limit)], nil
}

// getContacts asks the other adapters for contacts by name or number.
func (a *api) getContacts(w http.ResponseWriter, r *http.Request, t *token) error {
	q, err := words(r, "q", "agent", "limit")
	if err != nil {
		return err
	}
	search := adapter.Search{Text: q["q"], Agent: callcontrol.AgentID(q["agent"])}
	if search.Limit, err = limitOf(q, adapter.MaxFound, adapter.MaxFound); err != nil {
		return err
	}
	if _, named := q["agent"]; named && !t.sees(search.Agent) {
		return noSuchAgent()
	}
	found, err := a.client.Search(r.Context(), search)
	if err != nil {
		return err
	}
	found.Contacts = some(found.Contacts)
	if t.agents != nil {
		found.Failures = nil // an operator's business
	}
	return reply(w, found)
}

func limitOf(q map[string]string, usual, most int) (int, error) {
	text, ok := q["limit"]
	if !ok {
		return usual, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		return 0, refusal(codeBadRequest, "limit is within 1 and "+strconv.Itoa(most))
	}
	return n, nil
}
