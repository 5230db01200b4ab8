package doctor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"cordboard/cmd/cordboard/internal/mapping"
	"cordboard/configs"
	"cordboard/sipua"
)

// register tries one line of each trunk, from the daemon's own address and port, and unregisters it. A
// running daemon is asked about its lines instead.
func (v *visit) register(ctx context.Context) {
	if v.running {
		v.askDaemon(ctx)
		return
	}
	cfg, err := v.stackConfig()
	if err != nil {
		v.fail("register", err.Error(), "name in sip.tls files that hold what is asked for, both PEM: `cordboard check` looks at them")
		return
	}
	if len(cfg.Lines) == 0 {
		v.ok("register", "no trunk wants its lines registered")
		return
	}
	states := make(chan sipua.LineState, 64)
	stack, err := sipua.New(cfg, sipua.Deps{OnLine: func(s sipua.LineState) {
		select {
		case states <- s:
		default: // the wait below ends by time
		}
	}})
	if err != nil {
		v.fail("register", fmt.Sprintf("no REGISTER was tried: %v", err), "mend the ports first")
		return
	}
	run, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- stack.Run(run) }()
	results := v.collect(ctx, states, len(cfg.Lines))
	if ctx.Err() == nil {
		for _, l := range cfg.Lines {
			v.registered(l, results[l.Trunk])
		}
	}
	stop() // unregisters
	if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
		v.warn("register", err.Error(), "look whether the lines are still registered at the PBX")
	}
}

// collect waits for a final word about each of n lines.
func (v *visit) collect(ctx context.Context, states <-chan sipua.LineState, n int) map[string]sipua.LineState {
	results := map[string]sipua.LineState{}
	limit := time.NewTimer(v.registerWait)
	defer limit.Stop()
	for len(results) < n {
		select {
		case s := <-states:
			if s.Registered || s.Status >= 300 || s.Reason != "" {
				results[s.Trunk] = s
			}
		case <-limit.C:
			return results
		case <-ctx.Done():
			return results
		}
	}
	return results
}

func (v *visit) registered(l sipua.Line, s sipua.LineState) {
	line := fmt.Sprintf("line %s at trunk %s", l.User, l.Trunk)
	t, _ := v.cfg.Trunk(l.Trunk)
	switch {
	case s.Registered:
		v.ok("register", line+" registers; it is unregistered again")
	case s.Status == 0 && s.Reason == "":
		v.fail("register", fmt.Sprintf("%s: no answer within %s", line, v.registerWait), "is "+t.Server.String()+" right and reachable (firewall, port, transport)?")
	default:
		v.fail("register", fmt.Sprintf("%s: %s", line, refused(s)), registerAdvice(s.Status, t))
	}
}

func refused(s sipua.LineState) string {
	if s.Status == 0 || strings.Contains(s.Reason, fmt.Sprint(s.Status)) {
		return s.Reason
	}
	return strings.TrimSpace(fmt.Sprintf("%d %s", s.Status, s.Reason))
}

func registerAdvice(status int, t configs.Trunk) string {
	switch status {
	case 401, 403, 407:
		return "check the line's user, auth_user and password, and trunks.realm, against the PBX's account"
	case 404:
		return "the PBX knows no such user or domain: check line.user and trunks.domain"
	case 423:
		return "raise trunks.register.expires"
	case 0:
		return "is " + t.Server.String() + " right and reachable (DNS, firewall, port, transport)?"
	}
	return "ask the PBX's log why it answered so"
}

// askDaemon reports the lines of the running daemon by trunk.
func (v *visit) askDaemon(ctx context.Context) {
	snap, err := v.snapshot(ctx)
	if err != nil {
		v.warn("register", "the running daemon does not answer: "+err.Error(), "its log may tell why (journalctl -u cordboard); if it stays so, restart it")
		return
	}
	for _, t := range v.cfg.Trunks {
		up, all, reason := 0, 0, ""
		for _, a := range snap.Agents {
			if a.Trunk != t.Name {
				continue
			}
			if all++; a.Registered {
				up++
			} else if reason == "" {
				reason = fmt.Sprintf("; line %s: %s", a.Line, a.LineReason)
			}
		}
		message := fmt.Sprintf("trunk %s: %d of %d lines are registered%s", t.Name, up, all, reason)
		switch {
		case up == all:
			v.ok("register", message)
		case up == 0:
			v.fail("register", message, "is "+t.Server.String()+" right and reachable? `cordboard agents` shows each line's reason")
		default:
			v.warn("register", message, "`cordboard agents` shows each line's reason")
		}
	}
}

// stackConfig is the daemon's SIP stack with the first line of each trunk that wants registration, and without phones.
func (v *visit) stackConfig() (sipua.Config, error) {
	out, err := mapping.SIP(v.cfg, nil)
	if err != nil {
		return sipua.Config{}, err
	}
	tried := map[string]bool{}
	out.Lines = slices.DeleteFunc(out.Lines, func(l sipua.Line) bool {
		if !l.Register || tried[l.Trunk] {
			return true
		}
		tried[l.Trunk] = true
		return false
	})
	out.Trunks = slices.DeleteFunc(out.Trunks, func(t sipua.Trunk) bool { return !tried[t.Name] })
	out.Phones, out.StopTimeout = nil, 3*time.Second
	return out, nil
}
