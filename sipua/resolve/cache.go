package resolve

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// maxEntries bounds both tables: names come from configuration and from
// Contact and Refer-To headers of trusted peers.
const maxEntries = 1024

// Cache resolves URIs. Safe for concurrent use.
type Cache struct {
	cfg   Config
	group singleflight.Group

	mu      sync.Mutex
	entries map[URI]entry
	dead    map[Target]time.Time // dead until
}

type entry struct {
	records []record // nil after a failure
	err     error
	fresh   time.Time // until
	stale   time.Time // records may serve until, while DNS fails
}

// New makes a cache.
func New(cfg Config) *Cache {
	return &Cache{cfg: cfg.withDefaults(), entries: make(map[URI]entry), dead: make(map[Target]time.Time)}
}

// Resolve gives the targets of a URI in the order to try them: by SRV priority,
// weighted at random within one priority at every call, dead targets last. The
// list is never empty without an error. Errors: ErrBadURI, ErrNoTarget, or
// what DNS said.
func (c *Cache) Resolve(ctx context.Context, u URI) ([]Target, error) {
	u, err := u.normal()
	if err != nil {
		return nil, err
	}
	records, err := c.records(ctx, u)
	if err != nil {
		return nil, err
	}
	return c.lastDead(order(records, c.cfg.Float)), nil
}

func (c *Cache) records(ctx context.Context, u URI) ([]record, error) {
	if records, ok, err := u.literal(c.cfg.Transports); ok {
		return records, err
	}
	c.mu.Lock()
	e, known := c.entries[u]
	c.mu.Unlock()
	if known && c.cfg.Now().Before(e.fresh) {
		return e.records, e.err
	}
	// The lookup runs under its own context: a caller that gives up must not
	// fail the others that wait for the same name.
	ch := c.group.DoChan(u.String(), func() (any, error) {
		lctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookupTimeout)
		defer cancel()
		records, err := c.lookup(lctx, u)
		return c.keep(u, records, err)
	})
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case r := <-ch:
		records, _ := r.Val.([]record)
		return records, r.Err
	}
}

// keep stores the outcome of a lookup; while DNS fails the last good answer
// goes on serving.
func (c *Cache) keep(u URI, records []record, err error) ([]record, error) {
	now := c.cfg.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	old, known := c.entries[u]
	switch {
	case err == nil:
		fresh := now.Add(c.cfg.TTL)
		c.putLocked(u, entry{records: records, fresh: fresh, stale: fresh.Add(c.cfg.Stale)})
	case known && old.records != nil && now.Before(old.stale):
		old.fresh = now.Add(c.cfg.Negative)
		c.putLocked(u, old)
		return old.records, nil
	default:
		c.putLocked(u, entry{err: err, fresh: now.Add(c.cfg.Negative)})
	}
	return records, err
}

func (c *Cache) putLocked(u URI, e entry) {
	if _, known := c.entries[u]; !known && len(c.entries) >= maxEntries {
		var victim URI
		var oldest time.Time
		for k, v := range c.entries {
			if oldest.IsZero() || v.fresh.Before(oldest) {
				victim, oldest = k, v.fresh
			}
		}
		delete(c.entries, victim)
	}
	c.entries[u] = e
}

// MarkDead puts a target last in every list for a time; 0 means the configured
// one. Call it after a timeout, a transport error or a 503 (RFC 3263 §4.3).
func (c *Cache) MarkDead(t Target, d time.Duration) {
	if d <= 0 {
		d = c.cfg.DeadFor
	}
	now := c.cfg.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, known := c.dead[t]; !known && len(c.dead) >= maxEntries {
		for k, until := range c.dead {
			if !now.Before(until) {
				delete(c.dead, k)
			}
		}
		if len(c.dead) >= maxEntries {
			return
		}
	}
	c.dead[t] = now.Add(d)
}

// MarkAlive takes a target's mark away: it answered.
func (c *Cache) MarkAlive(t Target) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.dead, t)
}

// Dead reports whether a target is marked dead.
func (c *Cache) Dead(t Target) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	until, marked := c.dead[t]
	return marked && c.cfg.Now().Before(until)
}

// lastDead moves dead targets to the end, the order otherwise kept.
func (c *Cache) lastDead(in []Target) []Target {
	now := c.cfg.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.dead) == 0 {
		return in
	}
	var alive, dead []Target
	for _, t := range in {
		if until, marked := c.dead[t]; marked && now.Before(until) {
			dead = append(dead, t)
		} else {
			alive = append(alive, t)
		}
	}
	return append(alive, dead...)
}
