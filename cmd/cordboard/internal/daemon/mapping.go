package daemon

import (
	"math"
	"strings"
	"time"

	"cordboard/callcontrol"
	"cordboard/configs"
	"cordboard/rtp"
)

func trunkDomain(t configs.Trunk) string {
	if t.Domain != "" {
		return t.Domain
	}
	return t.Server.Host
}

func equalName(a, b string) bool { return b != "" && strings.EqualFold(a, b) }

func rtpConfig(c *configs.Config) rtp.Config {
	rest := c.RTP.Quarantine
	if rest == 0 {
		rest = -1 // none is meant; 0 would be the engine's default
	}
	return rtp.Config{
		Bind: c.RTP.Bind, PortMin: c.RTP.Ports.Min, PortMax: c.RTP.Ports.Max, Shards: c.RTP.Shards,
		Quarantine: rest, Backend: string(c.RTP.Backend),
	}
}

func deskConfig(c *configs.Config, a configs.Agent) callcontrol.DeskConfig {
	t, _ := c.Trunk(a.Line.Trunk)
	out := callcontrol.DeskConfig{
		Agent: callcontrol.AgentID(a.Name), Name: a.Display, Line: callcontrol.LineID(a.Line.Trunk + "/" + a.Line.User),
		Trunk:       a.Line.Trunk,
		Identity:    callcontrol.Identity{Display: a.Line.Display, Number: lineNumber(a)},
		Connect:     callcontrol.Connect(a.Device.Connect),
		CallWaiting: callcontrol.CallWaiting(a.CallWaiting),
		Transfer:    callcontrol.TransferMode(t.Transfer), Hold: callcontrol.HoldMode(t.Hold), DTMF: callcontrol.DTMFMode(t.DTMF),
		ReferPeer:        t.ReferAllowed,
		RingNoAnswer:     c.Calls.RingNoAnswer.After,
		RingNoAnswerThen: callcontrol.NoAnswerRelease,
		DialNoAnswer:     c.Calls.DialNoAnswer,
		WrapUp:           a.WrapUp,
		HoldBeep:         c.Tones.HoldBeep,
		HoldLimit:        c.Calls.MaxHold,
		ConsultReturn:    callcontrol.Return(c.Calls.Consult.Return),
		ConsultNoAnswer:  c.Calls.Consult.NoAnswer,
		BlindNoAnswer:    c.Calls.Blind.NoAnswer,
		BlindRecall:      c.Calls.Blind.RecallNoAnswer,
		LostTries:        c.Calls.DeviceLost.Tries,
		DeviceAnswer:     c.Calls.DeviceLost.NoAnswer,
		LostInterval:     3 * time.Second,
		Dial:             dialPolicy(t.Dial),
	}
	if out.LostTries == 0 {
		out.LostTries = -1 // none is meant; 0 would be the desk's default
	}
	if c.Calls.RingNoAnswer.Then == configs.RingNoAnswerNotReady {
		out.RingNoAnswerThen = callcontrol.NoAnswerPause
	}
	return out
}

func dialPolicy(d configs.Dial) callcontrol.DialPolicy {
	return callcontrol.DialPolicy{
		Allows:   func(n callcontrol.Number) bool { return d.Allows(string(n)) },
		MaxCalls: d.MaxCalls, PerSecond: int(math.Ceil(d.PerSecond)),
	}
}

func lineNumber(a configs.Agent) callcontrol.Number {
	for _, s := range []string{a.Line.Number, a.Line.User} {
		if n, err := callcontrol.ParseNumber(s); err == nil {
			return n
		}
	}
	return ""
}
