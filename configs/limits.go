package configs

// Limits are ceilings against overload and toll fraud.
type Limits struct {
	MaxLegs int  `json:"max_legs,omitempty" jsonschema:"legs at one time on this daemon, two for a plain call; more are answered 503 with Retry-After. Each takes two media ports" min:"2" max:"300000" example:"3000"`
	Dial    Dial `json:"dial,omitzero" jsonschema:"what may be dialled where a trunk does not say otherwise; nothing outside the allow list is ever dialled"`
	Edge    Edge `json:"edge,omitzero" jsonschema:"what is dropped before it is parsed"`
}

// Dial is a dial policy. Whatever no pattern allows is refused.
type Dial struct {
	Allow     []Pattern `json:"allow,omitempty" jsonschema:"numbers that may be dialled. \"+380\" allows all that begin so; x stands for one digit and fixes the length: \"1xxx\" allows four digits beginning with 1; \"*\" allows all" example:"[\"1xxx\", \"+380\"]"`
	Deny      []Pattern `json:"deny,omitempty" jsonschema:"numbers refused although allow has them; same patterns" example:"[\"+380900\"]"`
	MaxCalls  int       `json:"max_calls,omitempty" jsonschema:"outgoing calls of one line at one time" min:"1" max:"1000" example:"4"`
	PerSecond float64   `json:"per_second,omitempty" jsonschema:"outgoing calls of one line started a second; fractions are rounded up" min:"1" max:"100" example:"1"`
}

// Edge is what the filter in front of the SIP parser lets through.
type Edge struct {
	PerSource  float64 `json:"per_source,omitempty" jsonschema:"messages a second from one address that is no trunk peer and no registered phone" min:"1" max:"100000" example:"50" reload:"restart"`
	Total      float64 `json:"total,omitempty" jsonschema:"messages a second from all such addresses together" min:"10" max:"1000000" example:"5000" reload:"restart"`
	PerPeer    float64 `json:"per_peer,omitempty" jsonschema:"messages a second from one address of a trunk's peer or of phones; four times as many from all of them. A call takes some ten" min:"100" max:"1000000" example:"10000" reload:"restart"`
	MaxMessage int     `json:"max_message,omitempty" jsonschema:"largest SIP message, bytes" min:"2048" max:"65535" example:"65535" reload:"restart"`
}
