package configs

import (
	"net/netip"
	"time"
)

// Trunk is a PBX or carrier.
type Trunk struct {
	Name         string         `json:"name" jsonschema:"name by which lines, logs and metrics mean this trunk" example:"pbx"`
	Server       URI            `json:"server" jsonschema:"SIP address of the registrar: sip:HOST[:PORT][;transport=udp|tcp|tls]; without a port the host's SRV records are used" example:"sip:pbx.example.com;transport=udp"`
	Proxy        URI            `json:"proxy,omitzero" jsonschema:"outbound proxy that everything for this trunk goes through; empty: the server itself" example:"sip:sbc.example.com:5060;transport=tcp"`
	Domain       string         `json:"domain,omitempty" jsonschema:"host part of the lines' own addresses (From, To of REGISTER); empty: the server's host" example:"example.com"`
	Realm        string         `json:"realm,omitempty" jsonschema:"digest realm the passwords are for; a challenge for another realm is refused. Empty: the first realm this trunk asks for is kept" example:"pbx.example.com"`
	Peers        []netip.Prefix `json:"peers,omitempty" jsonschema:"more addresses and networks from which this trunk's SIP is accepted, besides the addresses of server and proxy themselves; everything else is met with silence" example:"[192.0.2.5/32, 198.51.100.0/24]"`
	Transfer     Transfer       `json:"transfer,omitempty" jsonschema:"bridge: both legs stay in the daemon; refer: the PBX is asked to join them (REFER) and the daemon leaves" example:"bridge"`
	Hold         Hold           `json:"hold,omitempty" jsonschema:"local: only the daemon's mixer knows; signal: the peer is told by re-INVITE as well" example:"local"`
	Codecs       []Codec        `json:"codecs,omitempty" jsonschema:"codecs offered, best first" example:"[PCMA, PCMU]"`
	DTMF         DTMF           `json:"dtmf,omitempty" jsonschema:"how digits are sent: rfc4733 (in RTP), info (SIP INFO), auto (in RTP where the peer offers it, else INFO)" example:"auto"`
	Register     Register       `json:"register,omitzero" jsonschema:"registration of this trunk's lines"`
	SessionTimer time.Duration  `json:"session_timer,omitempty" jsonschema:"session interval asked for (RFC 4028), by which both sides notice a peer that is gone; 0s: none is asked for" min:"0s" max:"24h" example:"30m"`
	KeepAlive    time.Duration  `json:"keep_alive,omitempty" jsonschema:"interval of keep-alives on the signalling path, by which NAT bindings stay open and a dead trunk is noticed: CRLF on TCP and TLS, OPTIONS on UDP. 0s: 30s on TCP and TLS, none on UDP" min:"0s" max:"10m" example:"25s"`
	ReferAllowed bool           `json:"refer_allowed,omitempty" jsonschema:"whether a REFER from this peer is followed; its target must pass the dial rules like a dialled number" example:"false"`
	Identity     Identity       `json:"identity,omitempty" jsonschema:"header that tells this peer the caller's and the connected party's identity" example:"pai"`
	Headers      Headers        `json:"headers,omitzero" jsonschema:"SIP headers in which this trunk tells queue, interaction and call variables"`
	Dial         Dial           `json:"dial,omitzero" jsonschema:"what may be dialled through this trunk; a key left out is taken from limits.dial"`
}

// Register is how a trunk's lines register.
type Register struct {
	Enabled bool          `json:"enabled,omitempty" jsonschema:"false: lines do not register (the trunk knows us by address)" example:"true"`
	Expires time.Duration `json:"expires,omitempty" jsonschema:"registration time asked for; refreshed at a random 50 to 90 % of what is granted" min:"30s" max:"24h" example:"10m"`
	Rate    float64       `json:"rate,omitempty" jsonschema:"REGISTER requests a second to this trunk, authentication retries counted" min:"0.1" max:"1000" example:"20"`

	Timeout  time.Duration `json:"timeout,omitempty" jsonschema:"how long one REGISTER may go unanswered before it counts as failed (RFC 3261 timer F)" min:"1s" max:"32s" example:"32s"`
	Retry    time.Duration `json:"retry,omitempty" jsonschema:"longest wait before the first retry of a registration that failed; doubled with each further failure, and each wait is a random 50 to 100 % of it (RFC 5626 §4.5)" min:"1s" max:"10m" example:"4s"`
	RetryMax time.Duration `json:"retry_max,omitempty" jsonschema:"longest wait between retries" min:"1s" max:"1h" example:"5m"`
}

// Headers maps a trunk's SIP headers to what they mean.
type Headers struct {
	Queue       string            `json:"queue,omitempty" jsonschema:"header with the queue's name" example:"X-Queue"`
	Interaction string            `json:"interaction,omitempty" jsonschema:"header with the PBX's own id of the customer's story" example:"X-Interaction-Id"`
	Variables   map[string]string `json:"variables,omitempty" jsonschema:"call variables: SIP header to variable name" example:"{X-Ivr-Choice: ivr}"`
}

// Trunk returns the trunk of that name.
func (c *Config) Trunk(name string) (Trunk, bool) {
	for i := range c.Trunks {
		if c.Trunks[i].Name == name {
			return c.Trunks[i], true
		}
	}
	return Trunk{}, false
}
