package adapter

// Capability is what an adapter can do.
type Capability string

// Capabilities.
const (
	CanLookup Capability = "lookup" // says who a number is
	CanSearch Capability = "search" // finds contacts by name
	CanEvents Capability = "events" // takes and acknowledges events
)

// Info is what an adapter says of itself.
type Info struct {
	Name         string // the program: contacts, creatio
	Version      string
	Capabilities []Capability
	Schema       []byte // JSON schema of its configuration; empty: not checked by the daemon
}

// HealthState tells whether an adapter can do its work.
type HealthState string

// States of health.
const (
	HealthOK       HealthState = "ok"
	HealthDegraded HealthState = "degraded" // it runs, and something it needs is missing
)

// Health is how an adapter is.
type Health struct {
	State   HealthState
	Message string // for a person
}
