package line

import (
	"errors"
	"fmt"
	"time"

	"cordboard/sipua/digest"
	"cordboard/sipua/resolve"
)

// ErrConfig is wrapped by every error about trunks and lines as given.
var ErrConfig = errors.New("line configuration")

// KeepAliveKind says how a flow to a trunk is kept open.
type KeepAliveKind uint8

// The kinds of keep-alive.
const (
	KeepAliveDefault KeepAliveKind = iota // CRLF on streams, none on UDP
	KeepAliveOff
	KeepAliveCRLF    // double CRLF (RFC 5626 §3.5.1), also on UDP
	KeepAliveOptions // an OPTIONS request; any answer counts
	KeepAliveAuto    // CRLF on streams, OPTIONS on UDP
)

// KeepAlive is per trunk: lines of one trunk share the flow to a target, so it
// is pinged once for all of them.
type KeepAlive struct {
	Kind     KeepAliveKind
	Interval time.Duration // default 30 s; each wait is 80 to 100 % of it (RFC 5626 §4.4)
	Timeout  time.Duration // for the answer, default 10 s (RFC 5626 §4.4.1)
}

// Trunk is a registrar at which lines register. Zero durations and rates mean
// the default.
type Trunk struct {
	Name                    string
	Domain                  string        // host part of the address-of-record and of the Request-URI
	Server                  resolve.URI   // where REGISTER goes: the registrar or an outbound proxy
	Realm                   string        // "" pins the first one seen, per line
	Expires                 time.Duration // asked for, default 10 min
	Rate                    float64       // REGISTER requests per second, default 20
	Timeout                 time.Duration // of one REGISTER, default 32 s (timer F)
	BackoffBase, BackoffMax time.Duration // RFC 5626 §4.5 base-time (default 30 s) and max-time (default 5 min)
	SlowRetry               time.Duration // after a permanent refusal, default 10 min
	KeepAlive               KeepAlive
}

// Line is one agent's account at a trunk.
type Line struct {
	ID       string // unique over all trunks
	Trunk    string
	User     string // user part of the address-of-record and of the Contact
	AuthUser string // default User
	Password digest.Secret
	Display  string
}

// Config is everything that a reload may change.
type Config struct {
	Trunks []Trunk
	Lines  []Line
}

func (t Trunk) withDefaults() Trunk {
	set := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	set(&t.Expires, 10*time.Minute)
	set(&t.Timeout, 32*time.Second)
	set(&t.BackoffBase, 30*time.Second)
	set(&t.BackoffMax, 5*time.Minute)
	set(&t.SlowRetry, 10*time.Minute)
	set(&t.KeepAlive.Interval, 30*time.Second)
	set(&t.KeepAlive.Timeout, 10*time.Second)
	if t.Rate <= 0 {
		t.Rate = 20
	}
	if t.Domain == "" {
		t.Domain = t.Server.Host
	}
	return t
}

// Validate checks a whole configuration and gives all errors joined.
func (c Config) Validate() error {
	var errs []error
	trunks := make(map[string]bool, len(c.Trunks))
	for _, t := range c.Trunks {
		switch {
		case t.Name == "":
			errs = append(errs, fmt.Errorf("%w: trunk without a name", ErrConfig))
		case trunks[t.Name]:
			errs = append(errs, fmt.Errorf("%w: trunk %s twice", ErrConfig, t.Name))
		case t.Server.Host == "":
			errs = append(errs, fmt.Errorf("%w: trunk %s without a server", ErrConfig, t.Name))
		}
		trunks[t.Name] = true
	}
	ids := make(map[string]bool, len(c.Lines))
	aors := make(map[[2]string]string, len(c.Lines))
	for _, l := range c.Lines {
		aor := [2]string{l.Trunk, l.User}
		switch {
		case l.ID == "" || l.User == "":
			errs = append(errs, fmt.Errorf("%w: line %q without id or user", ErrConfig, l.ID))
		case ids[l.ID]:
			errs = append(errs, fmt.Errorf("%w: line %s twice", ErrConfig, l.ID))
		case !trunks[l.Trunk]:
			errs = append(errs, fmt.Errorf("%w: line %s at unknown trunk %q", ErrConfig, l.ID, l.Trunk))
		case aors[aor] != "":
			errs = append(errs, fmt.Errorf("%w: lines %s and %s are the same account", ErrConfig, aors[aor], l.ID))
		}
		ids[l.ID], aors[aor] = true, l.ID
	}
	return errors.Join(errs...)
}
