package callcontrol

// Identifiers never change while the thing they name lives: they survive hold, transfer, re-INVITE
// and restart.
type (
	// AgentID names a person with a line, a device and statuses.
	AgentID string
	// LineID names an agent's registered SIP account at a trunk.
	LineID string
	// CallID names one talk at one time between parties.
	CallID string
	// LegID names one party's SIP dialog (or browser session) with its RTP stream.
	LegID string
	// InteractionID names the customer's whole story across transfers.
	InteractionID string
	// TransferID names one blind or consult transfer.
	TransferID string
	// CommandID is chosen by the sender of a command; the same id with the same body is answered
	// with the first result.
	CommandID string
)
