package configs

import (
	"net/netip"
	"time"
)

// SIP is the signalling side.
type SIP struct {
	Listen    []Listen   `json:"listen" jsonschema:"addresses on which SIP is spoken, as udp://, tcp:// or tls://ADDRESS:PORT" example:"[udp://192.0.2.10:5060, tcp://192.0.2.10:5060]" reload:"restart"`
	Advertise netip.Addr `json:"advertise,omitzero" jsonschema:"IP address written into Via and Contact; empty: the listening address. Needed behind NAT and with a wildcard listener" example:"203.0.113.10" reload:"restart"`
	TLS       TLS        `json:"tls,omitzero" jsonschema:"certificate for tls:// listeners and trunks"`
	UserAgent string     `json:"user_agent,omitempty" jsonschema:"product name in User-Agent and Server" example:"Cordboard" reload:"restart"`
}

// TLS names the files for SIP over TLS.
type TLS struct {
	Cert Path `json:"cert,omitempty" jsonschema:"certificate chain, PEM" example:"tls/fullchain.pem"`
	Key  Path `json:"key,omitempty" jsonschema:"private key, PEM; readable by the daemon's user only" example:"tls/privkey.pem"`
	CA   Path `json:"ca,omitempty" jsonschema:"certificates of the authorities trusted for trunks, PEM; empty: the system's" example:"tls/ca.pem"`
}

// Phones is the registrar at which agents' SIP phones register.
type Phones struct {
	Realm      string        `json:"realm,omitempty" jsonschema:"digest realm shown to phones; changing it asks every phone for its password anew" example:"cordboard" reload:"restart"`
	MinExpires time.Duration `json:"min_expires,omitempty" jsonschema:"shortest registration accepted; a shorter one is answered 423" min:"10s" max:"1h" example:"60s" reload:"restart"`
	MaxExpires time.Duration `json:"max_expires,omitempty" jsonschema:"longest registration granted" min:"1m" max:"24h" example:"1h" reload:"restart"`
	Digest     []Digest      `json:"digest,omitempty" jsonschema:"digest algorithms offered to phones, best first (RFC 8760). Many phones know MD5 only, and some give up when they are offered another besides" example:"[SHA-256, MD5]" reload:"restart"`
}

// RTP is the media side.
type RTP struct {
	Bind       netip.Addr    `json:"bind,omitzero" jsonschema:"IP address of the media ports" example:"192.0.2.10" reload:"restart"`
	Advertise  netip.Addr    `json:"advertise,omitzero" jsonschema:"IP address written into SDP; empty: sip.advertise, else the media ports' address" example:"203.0.113.10" reload:"restart"`
	Ports      PortRange     `json:"ports,omitzero" jsonschema:"UDP ports for media, first-last; each leg takes two (RTP even, RTCP odd)" example:"20000-29999" reload:"restart"`
	Shards     int           `json:"shards,omitempty" jsonschema:"media loops, each on its own thread; 0: one for each processor" min:"0" max:"256" example:"4" reload:"restart"`
	Backend    Backend       `json:"backend,omitempty" jsonschema:"how packets are moved" example:"portable" reload:"restart"`
	Quarantine time.Duration `json:"quarantine,omitempty" jsonschema:"rest of a port pair after its call, so that late packets of one call never reach the next" min:"0s" max:"5m" example:"10s" reload:"restart"`
	Timeout    RTPTimeout    `json:"timeout,omitzero" jsonschema:"how long a peer may send no media before its leg counts as dead"`
	Learn      Learn         `json:"learn,omitempty" jsonschema:"whose media source may be learnt from the first packets when it differs from the SDP (NAT): nobody's, phones', or everybody's" example:"phones"`
}

// RTPTimeout is how long silence on the wire is tolerated.
type RTPTimeout struct {
	Talk time.Duration `json:"talk,omitempty" jsonschema:"while talking; 0s: never" min:"0s" max:"1h" example:"30s"`
	Hold time.Duration `json:"hold,omitempty" jsonschema:"while the peer holds us; 0s: never" min:"0s" max:"24h" example:"10m"`
}
