package configs

import (
	"net/netip"
	"time"
)

// Default is the configuration of an empty file: everything that has a default
// has it. It has no listener, trunk or agent.
func Default() *Config {
	return &Config{
		SIP:      SIP{UserAgent: "Cordboard"},
		RTP:      defaultRTP(),
		Phones:   Phones{Realm: "cordboard", MinExpires: time.Minute, MaxExpires: time.Hour, Digest: []Digest{DigestMD5}},
		Control:  Control{Socket: "/run/cordboard/control.sock", Mode: 0o660},
		StateDir: "/var/lib/cordboard",
		Journal:  defaultJournal(),
		Log:      Log{Level: LevelInfo, Format: FormatText},
		Music:    Music{Level: -20},
		Tones:    Tones{Region: RegionITU},
		Calls:    defaultCalls(),
		Limits: Limits{
			MaxLegs: 3000,
			Dial:    Dial{MaxCalls: 4, PerSecond: 1},
			Edge:    Edge{PerSource: 50, Total: 5000, PerPeer: 10000, MaxMessage: 65535},
		},
	}
}

func defaultRTP() RTP {
	return RTP{
		Bind:       netip.IPv4Unspecified(),
		Ports:      PortRange{Min: 20000, Max: 29999},
		Backend:    BackendPortable,
		Quarantine: 10 * time.Second,
		Timeout:    RTPTimeout{Talk: 30 * time.Second, Hold: 10 * time.Minute},
		Learn:      LearnPhones,
	}
}

func defaultCalls() Calls {
	return Calls{
		Consult:      Consult{Return: ConsultReturnAuto, NoAnswer: 30 * time.Second},
		Blind:        Blind{NoAnswer: 30 * time.Second, RecallNoAnswer: 30 * time.Second},
		RingNoAnswer: RingNoAnswer{After: 30 * time.Second, Then: RingNoAnswerReject},
		DialNoAnswer: time.Minute,
		CallWaiting:  CallWaitingBusy,
		DeviceLost:   DeviceLost{Tries: 3, NoAnswer: 20 * time.Second},
		MaxHold:      time.Hour,
		Drain:        5 * time.Minute,
	}
}

// setDefaults is called on each new list element before it is decoded.
func (t *Trunk) setDefaults() {
	*t = Trunk{
		Transfer: TransferBridge,
		Hold:     HoldLocal,
		Codecs:   []Codec{CodecPCMA, CodecPCMU},
		DTMF:     DTMFAuto,
		Register: Register{
			Enabled: true, Expires: 10 * time.Minute, Rate: 20,
			Timeout: 32 * time.Second, Retry: 4 * time.Second, RetryMax: 5 * time.Minute,
		},
		SessionTimer: 30 * time.Minute,
		Identity:     IdentityPAI,
	}
}

func (a *Agent) setDefaults() {
	*a = Agent{Device: Device{
		Kind:       DevicePhone,
		Connect:    ConnectOnDemand,
		AutoAnswer: true,
		Codecs:     []Codec{CodecPCMA, CodecPCMU},
	}}
}
