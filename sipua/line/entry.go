package line

import (
	"crypto/rand"
	"math"
	"slices"
	"time"

	"cordboard/sipua/alarm"
	"cordboard/sipua/digest"
	"cordboard/sipua/resolve"
)

// account is what makes two lines the same binding at a registrar.
type account struct {
	trunk *trunk
	user  string
}

// entry is one line with its machine. Guarded by Manager.mu.
type entry struct {
	line               Line
	trunk              *trunk
	m                  machine
	alarm              alarm.Alarm[any]
	client             *digest.Client
	callID, tag        string
	cseq               uint32
	target             resolve.Target // of the last success
	serviceRoute, path []string
	job                *job // the REGISTER under way, nil otherwise
	told               told // not guarded: owned by the goroutine of Run
}

// job is one REGISTER from the pacer's queue to its answer.
type job struct {
	entry    *entry
	expires  time.Duration
	client   *digest.Client // that the exchange is of
	exchange *digest.Exchange
	headers  []digest.Header
	tried    []resolve.Target
	again    bool // headers are the answer to a challenge
	sent     bool
	dropped  bool
	target   resolve.Target // chosen when sent
	targets  int
}

func newEntry(l Line, t *trunk, c *digest.Client) *entry {
	e := &entry{line: l, trunk: t, client: c, callID: rand.Text(), tag: rand.Text()[:12]}
	e.m.phase = Idle
	e.alarm.Owner = e
	return e
}

// prepare makes the request of a job at the moment it leaves.
func (e *entry) prepare(j *job) Request {
	uri := resolve.URI{Host: e.trunk.cfg.Domain}.String()
	if !j.again {
		j.client = e.client
		j.exchange = e.client.Begin("REGISTER", uri)
		j.headers = j.exchange.Headers()
	}
	if e.cseq >= math.MaxInt32 { // RFC 3261 §8.1.1.5: below 2^31; a new Call-ID starts a new order
		e.cseq, e.callID = 0, rand.Text()
	}
	e.cseq++
	j.sent = true
	return Request{
		Trunk: e.trunk.cfg.Name, Line: e.line.ID, URI: uri,
		User: e.line.User, Domain: e.trunk.cfg.Domain, Display: e.line.Display,
		CallID: e.callID, FromTag: e.tag, CSeq: e.cseq, Expires: j.expires, Authorization: j.headers,
	}
}

// choose picks the target: the one that the binding is on while it works (it
// stays there when a better one comes back: registrars of one name do not
// always share their bindings), else the first that has not failed in this
// round.
func (j *job) choose(sticky resolve.Target, list []resolve.Target, dead func(resolve.Target) bool) resolve.Target {
	if slices.Contains(list, sticky) && !slices.Contains(j.tried, sticky) && !dead(sticky) {
		return sticky
	}
	for _, t := range list {
		if !slices.Contains(j.tried, t) {
			return t
		}
	}
	return list[0]
}

// state is the public view, now being the present time.
func (e *entry) state(now time.Time) State {
	m := &e.m
	return State{
		Line: e.line.ID, Trunk: e.line.Trunk, Phase: m.phase,
		Registered: m.bound && now.Before(m.until), Reason: m.reason, Status: m.status,
		Failures: int(m.failures), Since: m.since, Until: m.until, Next: m.next,
		Target: e.target, ServiceRoute: e.serviceRoute, Path: e.path,
	}
}
