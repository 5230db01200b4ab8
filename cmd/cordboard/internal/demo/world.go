package demo

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"cordboard/mediamix"
	"cordboard/plugins/control"
	"cordboard/sim"
)

// agents is the number of lines of the demo.
const agents = 3

// Tones of the parties, on exact 5 Hz bins, and those of the daemon in region us.
var tones = sim.Tones{
	"agent":     {600},
	"customer":  {1000},
	"target":    {1400},
	"music":     {780, 1170},
	"ring_back": {440, 480},
	"busy":      {480, 620},
}

const level = -20 // dBFS of the parties' tones

func voice(name string) func() func([]int16) {
	return func() func([]int16) { return sim.Tone(level, tones[name]...) }
}

var loopback = netip.MustParseAddr("127.0.0.1")

// world is everything around the daemon.
type world struct {
	dir    string
	pbx    *sim.PBX
	phone  *sim.Phone
	client *control.Client
	sip    netip.AddrPort
}

func lineUser(i int) string  { return fmt.Sprint(1001 + i) }
func agentName(i int) string { return []string{"anna", "boris", "clara"}[i] }

// newPBX is the PBX with its dial plan: 2001, 2002 and 2004 answer after ringing, 2003 is busy. The numbers of the story, 2011 to
// 2013, ring until the story lets them answer: however slow the host is, their ringing can be heard.
func newPBX() (*sim.PBX, error) {
	answers := sim.Behaviour{Ring: 2 * time.Second, Source: voice("target")}
	rings := sim.Behaviour{Silent: true, Source: voice("target")}
	cfg := sim.PBXConfig{Addr: netip.AddrPortFrom(loopback, 0), Plan: map[string]sim.Behaviour{
		"2001": answers, "2002": answers, "2003": {Status: 486}, "2004": answers,
		"2011": rings, "2012": rings, "2013": rings,
	}}
	for i := range agents {
		cfg.Accounts = append(cfg.Accounts, sim.Account{User: lineUser(i), Password: "line-secret-" + lineUser(i)})
	}
	return sim.NewPBX(cfg)
}

// writeConfig writes a whole configuration as an operator would: a file, its secrets, its music.
func writeConfig(dir string, pbx, daemon netip.AddrPort) (string, error) {
	music := make([]int16, 10*8000)
	sim.Tone(level, tones["music"]...)(music)
	if err := mediamix.WriteWAV(filepath.Join(dir, "hold.wav"), music); err != nil {
		return "", err
	}
	if err := writeBook(dir); err != nil {
		return "", err
	}
	text := fmt.Sprintf(`# The demo's configuration: one PBX, three agents, the contacts adapter.
sip:
  listen: [udp://%s]
rtp:
  bind: 127.0.0.1
  ports: 30000-30999
control:
  socket: control.sock
state_dir: state
calls: {drain: 5s}
journal: {memory: true} # each demo begins anew
log: {level: info}
trunks:
  - name: pbx
    server: sip:%s;transport=udp
    realm: pbx.test
    headers:
      queue: X-Queue
      variables: {X-Ivr-Choice: ivr}
    dial: {allow: ["2xxx", "1xxx"], per_second: 10}
music:
  default: hold.wav
tones: {region: us}
%sagents:
`, daemon, pbx, adapterConfig)
	for i := range agents {
		for _, secret := range []string{"line", "phone"} {
			file := filepath.Join(dir, secret+"-"+lineUser(i))
			if err := os.WriteFile(file, []byte(secret+"-secret-"+lineUser(i)+"\n"), 0o600); err != nil {
				return "", err
			}
		}
		text += fmt.Sprintf(`  - name: %[1]s
    line: {trunk: pbx, user: "%[2]s", password: {file: line-%[2]s}}
    device: {user: %[1]s-phone, password: {file: phone-%[2]s}}
`, agentName(i), lineUser(i))
	}
	path := filepath.Join(dir, "cordboard.yaml")
	return path, os.WriteFile(path, []byte(text), 0o644)
}

// connect waits for the daemon's control socket.
func connect(ctx context.Context, socket string) (*control.Client, error) {
	for {
		c, err := control.Dial(socket)
		if err == nil {
			if _, err = c.Snapshot(ctx); err == nil {
				return c, nil
			}
			c.Close()
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return nil, fmt.Errorf("the daemon did not open %s: %w", socket, err)
		}
	}
}
