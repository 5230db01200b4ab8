package callcontrol

// Identity is how a party is named to another one.
type Identity struct {
	Display string `json:"display,omitempty"`
	Number  Number `json:"number,omitempty"`
}

// Variable is one routing datum that came with a call (an IVR choice, say). Order is kept.
type Variable struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Contact is a CRM record that was bound to a call.
type Contact struct {
	ID   string `json:"id"`
	Name string `json:"name,omitempty"`
	Kind string `json:"kind,omitempty"`
}
