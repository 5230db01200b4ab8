package sim

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"cordboard/sipua"
)

// StandOptions of a telephone world that stands by itself, for trying a daemon or an adapter by hand.
type StandOptions struct {
	PBX       netip.AddrPort  // where the PBX listens
	Daemon    netip.AddrPort  // where the phones register; invalid: no phones
	Lines     int             // accounts 1001… with password "pw" + user
	CallEvery time.Duration   // a customer calls the next registered line so often; 0: never
	TalkFor   time.Duration   // customers hang up so long after the answer
	Queue     string          // X-Queue of the customers' calls
	Faults    Faults          // of the RTP of customers and called numbers, in both directions
	Speech    []int16         // what customers and called numbers say, 8 kHz mono; empty: their tones
	Tell      func(Happening) // one at a time
}

// voice is what a party says: the speech, else its tone.
func (o StandOptions) voice(hz float64) func([]int16) {
	if len(o.Speech) > 0 {
		return Samples(o.Speech)
	}
	return Tone(-20, hz)
}

// plan is the dial plan of a standing world.
func (o StandOptions) plan() map[string]Behaviour {
	voice := func(hz float64) func() func([]int16) { return func() func([]int16) { return o.voice(hz) } }
	return map[string]Behaviour{
		"2001": {Ring: 2 * time.Second, Source: voice(1400)},
		"2002": {Ring: 2 * time.Second, Source: voice(1650)},
		"2003": {Ring: time.Second, Early: true, Source: voice(1800)},
		"2101": {Status: 486}, "2102": {Ring: 2 * time.Second, Status: 603}, "2103": {Status: 503},
		"2100": {Silent: true},
	}
}

// Happening is what a standing world tells of itself: its PBX, its phones, a customer's call and how that came out.
type Happening struct {
	Kind    string `json:"kind"`              // pbx, phones, call, outcome
	Address string `json:"address,omitempty"` // of the PBX, of the daemon at which the phones register
	Realm   string `json:"realm,omitempty"`   // of the PBX's passwords
	First   string `json:"first,omitempty"`   // user of the first line or phone
	Last    string `json:"last,omitempty"`
	From    string `json:"from,omitempty"` // the customer's number
	Line    string `json:"line,omitempty"` // that is called
	State   State  `json:"state,omitempty"`
	Status  int    `json:"status,omitempty"` // SIP status by which the call was refused
	Cause   string `json:"cause,omitempty"`  // of the end of a call that was not refused; with neither it reached nobody
}

// String is the same for people.
func (h Happening) String() string {
	switch h.Kind {
	case "pbx":
		return fmt.Sprintf("PBX at sip:%s, realm %s; lines %s to %s, password pw and the number.\n"+
			"Numbers: 2001 and 2002 answer, 2003 has early media, 2100 rings, 2101 is busy, 2102 declines, 2103 fails; a line's number calls that line.",
			h.Address, h.Realm, h.First, h.Last)
	case "phones":
		return fmt.Sprintf("Phones %s to %s register at %s, password pw and the name.", h.First, h.Last, h.Address)
	case "call":
		return fmt.Sprintf("%s calls line %s", h.From, h.Line)
	}
	switch {
	case h.Status != 0:
		return fmt.Sprintf("%s was refused with status %d", h.From, h.Status)
	case h.Cause != "":
		return fmt.Sprintf("%s: %s (%s)", h.From, h.State, h.Cause)
	}
	return h.From + " reached nobody: the line is not registered"
}

// Stand runs a PBX, phones and customers until ctx ends.
func Stand(ctx context.Context, o StandOptions) error {
	var mu sync.Mutex
	tell := o.Tell
	o.Tell = func(h Happening) {
		mu.Lock()
		defer mu.Unlock()
		tell(h)
	}
	cfg := PBXConfig{Addr: o.PBX, Plan: o.plan(), Faults: o.Faults}
	for i := range o.Lines {
		u := fmt.Sprint(1001 + i)
		cfg.Accounts = append(cfg.Accounts, Account{User: u, Password: "pw" + u})
	}
	pbx, err := NewPBX(cfg)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return pbx.Run(ctx) })
	last := fmt.Sprint(1000 + o.Lines)
	o.Tell(Happening{Kind: "pbx", Address: pbx.Addr().String(), Realm: "pbx.test", First: "1001", Last: last})
	if o.Daemon.IsValid() {
		for i := range o.Lines {
			u := fmt.Sprintf("phone%d", 1001+i)
			phone, err := NewPhone(PhoneConfig{
				Addr: o.PBX.Addr(), Server: o.Daemon, User: u, Password: "pw" + u, AutoAnswer: true,
				Source: func() func([]int16) { return Tone(-20, 600) },
			})
			if err != nil {
				return err
			}
			g.Go(func() error { return phone.Run(ctx) })
		}
		o.Tell(Happening{Kind: "phones", Address: o.Daemon.String(), First: "phone1001", Last: "phone" + last})
	}
	if o.CallEvery > 0 {
		g.Go(func() error { return customers(ctx, pbx, o) })
	}
	return g.Wait()
}

// customers calls one line after another.
func customers(ctx context.Context, pbx *PBX, o StandOptions) error {
	tick := time.NewTicker(o.CallEvery)
	defer tick.Stop()
	var g errgroup.Group
	defer func() { _ = g.Wait() }()
	for n := 0; ; n++ {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		line := fmt.Sprint(1001 + n%max(o.Lines, 1))
		from := sipua.Identity{Display: fmt.Sprintf("Customer %d", n+1), Number: fmt.Sprintf("38044%07d", 1000+n)}
		p, err := pbx.Call(from, line, o.voice(1000), sipua.Header{Name: "X-Queue", Value: o.Queue}, sipua.Header{Name: "X-Ivr-Choice", Value: fmt.Sprint(1 + n%3)})
		if err != nil {
			return err
		}
		o.Tell(Happening{Kind: "call", From: from.Number, Line: line})
		g.Go(func() error {
			if p.Wait(ctx, StateTalking, StateEnded) != nil && ctx.Err() != nil {
				return nil
			}
			if p.State() == StateTalking {
				p.sleep(ctx, o.TalkFor)
				p.Hangup()
			}
			status, cause, _ := p.Outcome()
			o.Tell(Happening{Kind: "outcome", From: from.Number, Line: line, State: p.State(), Status: status, Cause: cause.String()})
			return nil
		})
	}
}
