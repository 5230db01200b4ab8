// Package adapter is the adapter contract in Go: what host and sdk say to each other, in words of
// callcontrol, with the limits that hold for both. The wire is package v1.
package adapter

// The handshake by which a daemon and a program know each other (hashicorp/go-plugin). The cookie is no
// secret: it only keeps an adapter from being started by hand.
const (
	ProtocolVersion = 1
	CookieKey       = "CORDBOARD_ADAPTER"
	CookieValue     = "switchboard-cord"
	PluginName      = "adapter"
)
