package configs

// Effect is what a change needs to come into force.
type Effect string

// The effects.
const (
	EffectReload  Effect = "reload"
	EffectRestart Effect = "restart"
)

// ChangeKind is what happened to a key.
type ChangeKind string

// The kinds of change.
const (
	Added   ChangeKind = "added"
	Removed ChangeKind = "removed"
	Changed ChangeKind = "changed"
)

// Change is one difference between two configurations. Old and New are as written
// in a file; secrets are never shown.
type Change struct {
	Path   string     `json:"path"` // as rtp.ports or agents[anna].line.user
	Kind   ChangeKind `json:"kind"`
	Old    string     `json:"old,omitempty"`
	New    string     `json:"new,omitempty"`
	Effect Effect     `json:"effect"`
}
