package contacts

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"time"

	"cordboard/callcontrol"
	"cordboard/journal"
	"cordboard/plugins/sdk"
)

// Main serves the adapter until the daemon that started the process lets it end. version is that of the program.
func Main(version string) { sdk.Serve(&contacts{version: version}) }

// firstBook is how long Configure waits for the book; a large one is read on beside the rest.
const firstBook = 2 * time.Second

// contacts is the adapter.
type contacts struct {
	version string
	plan    plan
	shelf   *shelf // nil: no book
	lines   *lines // nil: none are wanted
	hook    *hook  // nil: there is none
	out     io.Writer

	stop    context.CancelFunc
	running sync.WaitGroup
}

// Info implements sdk.Adapter.
func (c *contacts) Info() sdk.Info {
	return sdk.Info{Name: "contacts", Version: c.version, Schema: sdk.Schema[Settings]()}
}

// Configure implements sdk.Adapter. Keys and values must be right; a book that cannot be read, a folder that
// is missing or a command that is not there is told in Health, and used once it is mended.
func (c *contacts) Configure(ctx context.Context, s *sdk.Session) error {
	p, err := settle(s)
	if err != nil {
		return err
	}
	c.plan = p
	if c.out == nil {
		c.out = os.Stdout // as sdk.Serve set it: the daemon's log
	}
	c.lines = newLines(&c.plan, c.out)
	c.hook = newHook(&c.plan, s.Log)
	running, stop := context.WithCancel(context.Background())
	c.stop = stop
	if p.Book == "" {
		return nil
	}
	c.shelf = newShelf(&c.plan, s.Log)
	c.running.Go(func() { c.shelf.run(running) })
	ctx, cancel := context.WithTimeout(ctx, firstBook)
	defer cancel()
	_, _ = c.shelf.current(ctx)
	return nil
}

// Lookup implements sdk.Lookuper.
func (c *contacts) Lookup(ctx context.Context, q sdk.Query) ([]sdk.Contact, error) {
	b, err := c.book(ctx)
	if err != nil || b == nil {
		return nil, err
	}
	return contactsOf(b.lookup(c.plan.numbers.key(string(q.Number)))), nil
}

// Search implements sdk.Searcher.
func (c *contacts) Search(ctx context.Context, s sdk.Search) ([]sdk.Contact, error) {
	b, err := c.book(ctx)
	if err != nil || b == nil {
		return nil, err
	}
	return contactsOf(b.search(s.Text, c.plan.numbers, s.Limit)), nil
}

// book is the one in use; nil: there is none.
func (c *contacts) book(ctx context.Context) (*book, error) {
	if c.shelf == nil {
		return nil, nil
	}
	return c.shelf.current(ctx)
}

func contactsOf(records []record) []sdk.Contact {
	out := make([]sdk.Contact, len(records))
	for i, r := range records {
		out[i] = r.contact()
	}
	return out
}

// Event implements sdk.Listener.
func (c *contacts) Event(ctx context.Context, e sdk.Event) error {
	if c.lines != nil {
		if err := c.lines.event(e); err != nil {
			return err
		}
	}
	if c.hook != nil {
		c.hook.event(e, func() []record { return c.known(ctx, e) })
	}
	return nil
}

// known is who the other party of an event's call may be.
func (c *contacts) known(ctx context.Context, e sdk.Event) []record {
	remote := e.Remote.Number
	if e.Call != nil {
		remote = e.Call.Remote.Number
	}
	b, _ := c.book(ctx)
	if b == nil {
		return nil
	}
	return b.lookup(c.plan.numbers.key(string(remote)))
}

// Gap implements sdk.Resyncer.
func (c *contacts) Gap(_ context.Context, gap journal.Gap, now callcontrol.Snapshot) error {
	if c.lines == nil {
		return nil
	}
	return c.lines.gap(gap, now)
}

// Health implements sdk.Checker.
func (c *contacts) Health(context.Context) error {
	var wrong []error
	if c.shelf != nil {
		select {
		case <-c.shelf.first:
			wrong = append(wrong, c.shelf.trouble())
		default:
			wrong = append(wrong, errors.New("the book is being read"))
		}
	}
	if c.lines != nil {
		wrong = append(wrong, c.lines.trouble())
	}
	if c.hook != nil {
		wrong = append(wrong, c.hook.trouble())
	}
	return errors.Join(wrong...)
}

// Stop implements sdk.Stopper.
func (c *contacts) Stop(ctx context.Context) error {
	if c.hook != nil {
		c.hook.stop(ctx)
	}
	c.stop()
	c.running.Wait()
	if c.lines != nil {
		return c.lines.close()
	}
	return nil
}
