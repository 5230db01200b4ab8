package sipua

import (
	"context"
	"net/netip"
)

type core struct{ box *mailbox }

func (c *core) setHandler(h func(DialogEvent)) {}
func (c *core) id() DialogID                   { return DialogID{} }
func (c *core) post(cmd any)                   { c.box.put(cmd, false) }

// Stack owns the sockets and all that lives on them.
type Stack struct{ deps Deps }

// New checks the configuration and opens the sockets; nothing is read from them before Run.
func New(cfg Config, deps Deps) (*Stack, error) { return &Stack{deps: deps}, nil }

// Run serves until ctx ends, then lets go of lines and dialogs. It returns when every goroutine has ended.
func (s *Stack) Run(ctx context.Context) error { <-ctx.Done(); return nil }

// Addr is the address listened on for "udp", "tcp" or "tls"; zero when there is none.
func (s *Stack) Addr(network string) netip.AddrPort { return netip.AddrPort{} }

// Invite starts a call and returns at once; everything follows as events in order on h.
func (s *Stack) Invite(p InviteParams, h func(DialogEvent)) *Dialog {
	return &Dialog{&core{newMailbox()}}
}

// HangupAll ends every dialog, as for a shutdown.
func (s *Stack) HangupAll() {}

// Dialogs is the number of live dialogs.
func (s *Stack) Dialogs() int { return 0 }

// Lines returns the state of all lines.
func (s *Stack) Lines() []LineState { return nil }

// PhonesRegistered returns the state of all phones.
func (s *Stack) PhonesRegistered() []PhoneState { return nil }

// Drain refuses new incoming INVITEs with 503 from now on; what goes on goes on.
func (s *Stack) Drain() {}
