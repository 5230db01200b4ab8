package main

import (
	"context"
	"slices"
	"time"

	"cordboard/callcontrol"
	"cordboard/plugins/adapter"
	"cordboard/plugins/control"
)

// fakeHistory is two calls that have ended.
func fakeHistory(_ context.Context, q control.HistoryQuery) ([]callcontrol.HistoryRecord, error) {
	all := []callcontrol.HistoryRecord{
		{
			Call: "c0", Interaction: "i0", Agent: "borys", Line: "pbx/1002", Direction: callcontrol.Inbound, Queue: "Sales",
			Remote: callcontrol.Identity{Number: "+380509876543"}, Started: start.Add(-10 * time.Minute), Ended: start.Add(-9*time.Minute - 30*time.Second),
			EndedBy: callcontrol.EnderGateway, Cause: callcontrol.CauseNoAnswer, Parts: callcontrol.Parts{Ring: 30 * time.Second},
		},
		{
			Call: "c00", Interaction: "i0", Agent: "anna", Line: "pbx/1001", Direction: callcontrol.Inbound, Queue: "Sales",
			Remote:  callcontrol.Identity{Display: "Ivan Petrenko", Number: "+380441234567"},
			Contact: callcontrol.Contact{ID: "7f3a", Name: "Ivan P.", Kind: "contact"},
			Started: start.Add(-20 * time.Minute), Answered: start.Add(-20*time.Minute + 4200*time.Millisecond), Ended: start.Add(-17 * time.Minute),
			EndedBy: callcontrol.EnderCustomer, Cause: callcontrol.CauseNormal, TimeToAnswer: 4200 * time.Millisecond,
			Parts: callcontrol.Parts{Ring: 4200 * time.Millisecond, Talk: 2*time.Minute + 10800*time.Millisecond, Held: 45 * time.Second},
		},
	}
	all = slices.DeleteFunc(all, func(r callcontrol.HistoryRecord) bool {
		return q.Agent != "" && r.Agent != q.Agent || !q.Before.IsZero() && !r.Ended.Before(q.Before)
	})
	return all[:min(q.Limit, len(all))], nil
}

// fakeSearch is a contact book and a CRM that is away.
func fakeSearch(context.Context, string, adapter.Search) (control.Found, error) {
	return control.Found{
		Contacts: []control.FoundContact{
			{Adapter: "book", Contact: adapter.Contact{ID: "8", Name: "Bondar & Co", Kind: "account", Phones: []adapter.Phone{{Number: "+380509876543", Label: "office"}}}},
			{Adapter: "book", Contact: adapter.Contact{ID: "8", Name: "Maria Bondar", Kind: "contact", Phones: []adapter.Phone{{Number: "+380509876543"}, {Number: "1002", Label: "desk"}}}},
		},
		Failures: []control.SearchFailure{{Adapter: "crm", Message: "the adapter did not answer in time"}},
	}, nil
}
