package main

import (
	"context"
	"fmt"
	"sync"

	"cordboard/sipua"
	"cordboard/sipua/offer"
)

// party is a customer, a target or an agent's phone in one call.
type party struct {
	dialog *sipua.Dialog
	radio  *radio // nil: signalling only

	ringing, answered, ended chan struct{}
	once                     [3]sync.Once
	status                   int // of a refusal
}

func newParty(r *radio) *party {
	return &party{radio: r, ringing: make(chan struct{}), answered: make(chan struct{}), ended: make(chan struct{})}
}

// local is the party's side of the media; without a radio a port that nobody sends to for long.
func (p *party) local() offer.Local {
	l := offer.Local{Addr: loopback, Port: 9, Codecs: []offer.Codec{offer.PCMU}, Direction: offer.SendRecv, PTime: 20}
	if p.radio != nil {
		l.Port = p.radio.port()
	}
	return l
}

func (p *party) on(ev sipua.DialogEvent) {
	switch e := ev.(type) {
	case sipua.Ringing, sipua.Early:
		p.once[0].Do(func() { close(p.ringing) })
	case sipua.Answered:
		if p.radio != nil {
			p.radio.aim(e.Media.Remote)
		}
		p.once[1].Do(func() { close(p.answered) })
	case sipua.Rejected:
		p.status = e.Status
		p.end()
	case sipua.Ended:
		p.end()
	}
}

func (p *party) end() {
	p.once[2].Do(func() {
		if p.radio != nil {
			p.radio.close()
		}
		close(p.ended)
	})
}

// until waits for one of the party's channels.
func (p *party) until(ctx context.Context, what string, c <-chan struct{}) error {
	select {
	case <-c:
		return nil
	default:
	}
	select {
	case <-c:
		return nil
	case <-p.ended:
		return fmt.Errorf("the call ended (status %d) before it was %s", p.status, what)
	case <-ctx.Done():
		return fmt.Errorf("not %s: %w", what, ctx.Err())
	}
}

// gone waits until the call has ended.
func (p *party) gone(ctx context.Context) error {
	select {
	case <-p.ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("not ended: %w", ctx.Err())
	}
}
