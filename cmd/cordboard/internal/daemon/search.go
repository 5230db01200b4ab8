package daemon

import (
	"context"
	"time"

	"cordboard/plugins/adapter"
	"cordboard/plugins/control"
	"cordboard/plugins/host"
)

// searchLimit is how long a search waits for the adapters: somebody looks at an empty list meanwhile.
const searchLimit = 5 * time.Second

// search asks the adapters for contacts.
func (d *Daemon) search(ctx context.Context, asker string, q adapter.Search) (control.Found, error) {
	ctx, cancel := context.WithTimeout(ctx, searchLimit)
	defer cancel()
	return found(d.adapters.Search(ctx, q, asker), q.Limit), nil
}

// found puts answers together. Where there are too many, each adapter has its share, and those that need less leave the rest to
// others.
func found(answers []host.Answer, limit int) control.Found {
	taken, left := make([]int, len(answers)), limit
	for more := true; more && left > 0; {
		more = false
		for i, a := range answers {
			if left > 0 && taken[i] < len(a.Contacts) {
				taken[i]++
				left--
				more = true
			}
		}
	}
	var out control.Found
	for i, a := range answers {
		for _, c := range a.Contacts[:taken[i]] {
			out.Contacts = append(out.Contacts, control.FoundContact{Adapter: a.Adapter, Contact: c})
		}
		if a.Err != nil {
			out.Failures = append(out.Failures, control.SearchFailure{Adapter: a.Adapter, Message: a.Err.Error()})
		}
	}
	return out
}
