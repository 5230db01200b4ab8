package daemon

import (
	"context"
	"maps"
	"slices"

	"cordboard/callcontrol"
	"cordboard/configs"
	"cordboard/plugins/control"
)

// directory tells who and what is configured.
func (d *Daemon) directory(context.Context) (control.Directory, error) {
	var out control.Directory
	cfg := d.now().cfg
	for _, a := range cfg.Agents {
		c := deskConfig(cfg, a)
		out.Agents = append(out.Agents, control.DirectoryAgent{
			ID: c.Agent, Name: c.Name, Trunk: a.Line.Trunk, Line: c.Line, User: a.Line.User, Number: string(c.Identity.Number),
			Display: c.Identity.Display, Connect: callcontrol.Connect(a.Device.Connect), DeviceUser: a.Device.User,
		})
	}
	for _, t := range cfg.Trunks {
		out.Trunks = append(out.Trunks, control.DirectoryTrunk{
			Name: t.Name, Server: t.Server.String(), Domain: t.Domain, Registers: t.Register.Enabled,
		})
	}
	out.Queues = queues(cfg)
	return out, nil
}

// queues are those that the configuration names; trunks may name others.
func queues(c *configs.Config) []string {
	return slices.Sorted(maps.Keys(c.Music.Queues))
}
