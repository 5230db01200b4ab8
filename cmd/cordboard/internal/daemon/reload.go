package daemon

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"cordboard/callcontrol"
	"cordboard/cmd/cordboard/internal/mapping"
	"cordboard/cmd/cordboard/internal/reloadplan"
	"cordboard/configs"
	"cordboard/plugins/control"
	"cordboard/plugins/host"
	"cordboard/sipua"
	"cordboard/systemd"
)

// reloads is what a change of the configuration while the daemon runs needs.
type reloads struct {
	manager *systemd.Notifier               // nil: none
	file    string                          // empty: it is not from a file, and there is nothing to reload
	level   *slog.LevelVar                  // nil: the log is somebody else's
	cert    atomic.Pointer[tls.Certificate] // of tls:// listeners
	sweeps  chan struct{}                   // capacity 1: a call that something waited for has ended
	states  sync.Mutex                      // orders what desks are told of lines and devices

	changing sync.Mutex    // one change at a time
	over     bool          // a stop has begun
	sip      sipua.Config  // in force, without what leaves
	trunks   []sipua.Trunk // in force, with those that leave
}

// reloadLimit bounds what a reload waits for: the switchboard's publisher, which never waits itself.
const reloadLimit = 10 * time.Second

// Reload brings the configuration file into force, all of it or nothing; with dry it only says what that would do. It never fails
// otherwise than by what it returns.
func (d *Daemon) Reload(ctx context.Context, dry bool) control.Reload {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), reloadLimit)
	defer cancel()
	d.changing.Lock()
	defer d.changing.Unlock()
	out := control.Reload{File: d.file}
	if d.file == "" {
		out.Refusal = "the daemon was not started with a file"
		return out
	}
	cfg, err := configs.Load(d.file)
	if err != nil {
		return refusedReload(out, err)
	}
	p, err := reloadplan.Make(d.now().cfg, cfg)
	if err != nil {
		return refusedReload(out, err)
	}
	if snap, err := d.board.Snapshot(ctx); err == nil {
		p.Touch(snap)
	}
	text, err := json.Marshal(p)
	if err != nil {
		return refusedReload(out, err)
	}
	out.Plan = string(text)
	switch {
	case dry:
		return out
	case d.over:
		out.Refusal = "the daemon is stopping"
	case len(p.Restart) > 0:
		out.Refusal = "needs a restart: " + strings.Join(p.Restart, ", ") + "; nothing was changed"
	default:
		if err := d.change(ctx, cfg); err != nil {
			return refusedReload(out, err)
		}
		out.Applied = true
	}
	return out
}

func refusedReload(out control.Reload, err error) control.Reload {
	var problems configs.Errors
	if !errors.As(err, &problems) {
		out.Refusal = err.Error()
		return out
	}
	for _, p := range problems {
		out.Problems = append(out.Problems, control.ConfigProblem(p))
	}
	out.Refusal = fmt.Sprintf("%d problems in the configuration; nothing was changed", len(problems))
	if len(problems) == 1 {
		out.Refusal = "1 problem in the configuration; nothing was changed"
	}
	return out
}

// endReloads lets no change begin any more.
func (d *Daemon) endReloads() {
	d.changing.Lock()
	defer d.changing.Unlock()
	d.over = true
}

// prepared is everything of a configuration that can be wrong, made.
type prepared struct {
	next     *plant
	sip      sipua.Config
	desks    []callcontrol.DeskConfig
	changed  []callcontrol.AgentID
	adapters []host.Config
	cert     *tls.Certificate
}

func (d *Daemon) prepareChange(cfg *configs.Config) (*prepared, error) {
	s, err := newSounds(cfg)
	if err != nil {
		return nil, err
	}
	now := d.now()
	out := &prepared{next: newPlant(cfg, s, now)}
	if out.sip, err = mapping.SIP(cfg, nil); err != nil {
		return nil, err
	}
	out.cert = certificateOf(out.sip)
	if out.adapters, err = d.adapterConfigs(cfg); err != nil {
		return nil, err
	}
	for _, a := range cfg.Agents {
		out.desks = append(out.desks, deskConfig(cfg, a))
		agent := callcontrol.AgentID(a.Name)
		if before := now.wants[agent]; before == nil || !sameDesk(now.cfg, cfg, *before.config, a) {
			out.changed = append(out.changed, agent)
		}
	}
	return out, nil
}

// sameDesk reports whether an agent's desk is the same in two configurations.
func sameDesk(before, after *configs.Config, a, b configs.Agent) bool {
	x, y := deskConfig(before, a), deskConfig(after, b)
	x.Dial.Allows, y.Dial.Allows = nil, nil // functions: what they are made of is compared
	s, _ := before.Trunk(a.Line.Trunk)
	t, _ := after.Trunk(b.Line.Trunk)
	return reflect.DeepEqual(x, y) && reflect.DeepEqual(s, t) && reflect.DeepEqual(a, b)
}

// change brings a checked configuration into force. After an error everything is as before: adapters come first, whose folders may
// not be had; what follows only fails when the daemon comes to its end.
func (d *Daemon) change(ctx context.Context, cfg *configs.Config) error {
	before := d.now()
	p, err := d.prepareChange(cfg)
	if err != nil {
		return err
	}
	if err := d.adapters.Apply(p.adapters); err != nil {
		return err
	}
	d.plant.Store(p.next)
	if err := d.board.Apply(ctx, p.desks, p.changed); err != nil {
		d.plant.Store(before)
		if old, e := d.adapterConfigs(before.cfg); e == nil {
			err = errors.Join(err, d.adapters.Apply(old))
		}
		return err
	}
	for _, agent := range p.changed {
		p.next.desks[agent].configure(p.next.wants[agent])
	}
	if err := d.applySIP(p.sip); err != nil {
		return err
	}
	d.sip = p.sip
	if p.cert != nil {
		d.cert.Store(p.cert)
	}
	if d.level != nil {
		_ = d.level.UnmarshalText([]byte(cfg.Log.Level)) // checked
	}
	d.tellStates(p.changed)
	d.sweepSoon()
	return nil
}
