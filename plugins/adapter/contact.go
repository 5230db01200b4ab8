package adapter

import "cordboard/callcontrol"

// Limits of what an adapter may answer; what is beyond is cut off, not refused.
const (
	MaxContacts = 16  // of a lookup: an agent picks among them while the phone rings
	MaxFound    = 100 // of a search
	MaxPhones   = 16  // of a contact
	MaxName     = 128 // bytes of a name: it is shown on a phone's display
	MaxWord     = 128 // bytes of an id, kind, label
)

// Contact is a CRM record of a person or firm.
type Contact struct {
	ID     string  `json:"id"`
	Name   string  `json:"name"`
	Kind   string  `json:"kind,omitempty"` // contact, account, case
	Phones []Phone `json:"phones,omitempty"`
}

// Phone is one of a contact's numbers.
type Phone struct {
	Number string `json:"number"`
	Label  string `json:"label,omitempty"` // work, mobile
}

// Bound is the contact as a call is bound to it.
func (c Contact) Bound() callcontrol.Contact {
	return callcontrol.Contact{ID: c.ID, Name: c.Name, Kind: c.Kind}
}

// Query asks who a party of a call is. All but Number may be empty.
type Query struct {
	Number    callcontrol.Number // as the trunk gave it
	Display   string             // the party's own word for himself
	Agent     callcontrol.AgentID
	Call      callcontrol.CallID
	Line      callcontrol.LineID
	Direction callcontrol.CallDirection
	Queue     string
	Variables []callcontrol.Variable
}

// Search asks for contacts by name or number.
type Search struct {
	Text  string
	Agent callcontrol.AgentID // for whom
	Limit int                 // most contacts wanted; 0: MaxFound
}
