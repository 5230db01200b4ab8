package contacts

import (
	"runtime"
	"slices"
	"sync"

	"cordboard/plugins/adapter"
)

// mostRecords bounds a book.
const mostRecords = 500_000

// book is a contact book that was read. It never changes.
type book struct {
	records  []record
	byNumber map[string][]int32
	keys     map[string]string // of numbers as written, for the next reading
}

// bind makes a book of what a reader found. old may be nil: its work on numbers is used again. All
// mistakes go to rep; with any the book is of no use.
func bind(entries []entry, n numbers, old *book, rep *report) *book {
	b := &book{byNumber: make(map[string][]int32, len(entries)), keys: normalise(entries, n, old)}
	if len(entries) > mostRecords {
		rep.add(entries[mostRecords].line, "more than %d contacts", mostRecords)
		return b
	}
	type identity struct{ kind, id string }
	seen := make(map[identity]int, len(entries))
	key := func(raw string) string { return b.keys[raw] }
	b.records = make([]record, 0, len(entries))
	for _, e := range entries {
		r := e.record(key, rep)
		who := identity{r.kind, r.id}
		at, twice := seen[who]
		switch {
		case twice && e.id == "": // the same name and number: exports have such
			b.merge(at, r)
			continue
		case twice:
			rep.add(e.line, "id %s stands on line %d already", quote(r.id), b.records[at].line)
		}
		seen[who] = len(b.records)
		r.words = fold(r.name)
		b.add(r)
	}
	return b
}

// merge adds what a record has besides to the one that it is.
func (b *book) merge(at int, more record) {
	r := &b.records[at]
	for _, p := range more.phones {
		if len(r.phones) < mostPhones && !slices.ContainsFunc(r.phones, func(o adapter.Phone) bool { return o.Number == p.Number }) {
			r.phones = append(r.phones, p)
			b.byNumber[p.Number] = append(b.byNumber[p.Number], int32(at))
		}
	}
}

func (b *book) add(r record) {
	i := int32(len(b.records))
	b.records = append(b.records, r)
	for _, p := range r.phones {
		at := b.byNumber[p.Number]
		if len(at) == 0 || at[len(at)-1] != i { // a contact may have a number twice
			b.byNumber[p.Number] = append(at, i)
		}
	}
}

// lookup is who has a number, in the book's order.
func (b *book) lookup(key string) []record {
	if key == "" {
		return nil
	}
	at := b.byNumber[key]
	out := make([]record, 0, min(len(at), adapter.MaxContacts))
	for _, i := range at[:min(len(at), adapter.MaxContacts)] {
		out = append(out, b.records[i])
	}
	return out
}

// normalise works out the keys of all numbers, which is most of the work of reading a book, on all
// processors, and leaves out those that are known.
func normalise(entries []entry, n numbers, old *book) map[string]string {
	keys := make(map[string]string, len(entries))
	var todo []string
	for _, e := range entries {
		for _, p := range e.phones {
			if _, there := keys[p.raw]; there {
				continue
			}
			keys[p.raw] = ""
			if old != nil {
				if k, known := old.keys[p.raw]; known {
					keys[p.raw] = k
					continue
				}
			}
			todo = append(todo, p.raw)
		}
	}
	done := make([]string, len(todo))
	var workers sync.WaitGroup
	parts := runtime.GOMAXPROCS(0)
	for i := range parts {
		workers.Go(func() {
			for j := len(todo) * i / parts; j < len(todo)*(i+1)/parts; j++ {
				done[j] = n.key(todo[j])
			}
		})
	}
	workers.Wait()
	for i, raw := range todo {
		keys[raw] = done[i]
	}
	return keys
}
