// Package doctor tries what a configuration needs of this host and its peers, one check per file: each
// finding says what is so, and what to change where it is not good. It changes nothing; beside a running
// daemon it asks that daemon instead of taking its ports or its registrations.
package doctor

import (
	"context"
	"time"

	"cordboard/configs"
)

// Level is how bad a finding is.
type Level string

// Levels.
const (
	OK   Level = "ok"
	Warn Level = "warn" // works, but not well or not for all
	Fail Level = "fail" // will not work
)

// Finding is what one check found.
type Finding struct {
	Check   string `json:"check"` // socket, ports, media, address, register, music, clock, files, state, journal
	Level   Level  `json:"level"`
	Message string `json:"message"`
	Advice  string `json:"advice,omitempty"` // what to change
}

// visit is one run of all checks.
type visit struct {
	cfg     *configs.Config
	tell    func(Finding)
	running bool // a daemon answers at the control socket

	registerWait time.Duration
	clockWait    time.Duration
}

// Run makes every check and tells each finding as it comes; it ends early with ctx. It takes some
// seconds: the longest is a registrar that does not answer.
func Run(ctx context.Context, cfg *configs.Config, tell func(Finding)) {
	v := &visit{cfg: cfg, tell: tell, registerWait: 12 * time.Second, clockWait: time.Second}
	v.run(ctx)
}

func (v *visit) run(ctx context.Context) {
	for _, check := range []func(context.Context){
		v.socket, v.ports, v.media, v.address, v.music, v.files, v.state, v.journal, v.clock, v.register,
	} {
		if ctx.Err() != nil {
			return
		}
		check(ctx)
	}
}

func (v *visit) ok(check, message string) { v.tell(Finding{Check: check, Level: OK, Message: message}) }

func (v *visit) warn(check, message, advice string) {
	v.tell(Finding{Check: check, Level: Warn, Message: message, Advice: advice})
}

func (v *visit) fail(check, message, advice string) {
	v.tell(Finding{Check: check, Level: Fail, Message: message, Advice: advice})
}

// Worst is the worst level among findings.
func Worst(findings []Finding) Level {
	worst := OK
	for _, f := range findings {
		if f.Level == Fail || worst == OK {
			worst = f.Level
		}
	}
	return worst
}
