package sipua

import (
	"encoding/json"
	"fmt"

	"cordboard/sipua/registrar"
)

// keepPhone tells what of a phone's contacts the next run may have: JSON, nil for none.
func (s *Stack) keepPhone(st registrar.State) {
	if s.deps.OnContacts == nil {
		return
	}
	kept := registrar.Keep(st.Bindings)
	if len(kept) == 0 {
		s.deps.OnContacts(st.User, nil)
		return
	}
	text, err := json.Marshal(kept)
	if err != nil { // of texts, numbers and times
		s.log.Error("contacts of a phone cannot be kept", "phone", st.User, "error", err)
		return
	}
	s.deps.OnContacts(st.User, text)
}

// RestorePhone gives a phone the contacts that OnContacts told of in an earlier run, so that it need not register before it can
// be called. They run out when they would have. It must be called before Run, and returns how many there are.
func (s *Stack) RestorePhone(user string, contacts json.RawMessage) (int, error) {
	var kept []registrar.Kept
	if err := json.Unmarshal(contacts, &kept); err != nil {
		return 0, fmt.Errorf("contacts of phone %s: %w", user, err)
	}
	return s.registrar.Restore(user, kept), nil
}
