package control

import (
	"strings"

	"cordboard/callcontrol"
	controlv1 "cordboard/plugins/control/v1"
)

// words maps the words of one Go type to the values of its enum and back. The name of a value is the
// word in capitals behind the enum's prefix, so that neither side can drift.
type words[S ~string, E ~int32] struct {
	enum map[S]E
	word map[E]S
}

func table[S ~string, E ~int32](prefix string, values map[string]int32) words[S, E] {
	w := words[S, E]{enum: make(map[S]E, len(values)), word: make(map[E]S, len(values))}
	for name, n := range values {
		if n != 0 {
			s := S(strings.ToLower(strings.TrimPrefix(name, prefix)))
			w.enum[s], w.word[E(n)] = E(n), s
		}
	}
	return w
}

// to is the enum's value; 0 (unspecified) for a word without one.
func (w words[S, E]) to(s S) E { return w.enum[s] }

// from is the word; empty for a value this program does not know.
func (w words[S, E]) from(e E) S { return w.word[e] }

var (
	verbs            = table[callcontrol.Kind, controlv1.Verb]("VERB_", controlv1.Verb_value)
	refusalCodes     = table[callcontrol.Code, controlv1.RefusalCode]("REFUSAL_CODE_", controlv1.RefusalCode_value)
	eventKinds       = table[callcontrol.EventKind, controlv1.EventKind]("EVENT_KIND_", controlv1.EventKind_value)
	roles            = table[callcontrol.Role, controlv1.Role]("ROLE_", controlv1.Role_value)
	legStates        = table[callcontrol.LegState, controlv1.LegState]("LEG_STATE_", controlv1.LegState_value)
	directions       = table[callcontrol.CallDirection, controlv1.Direction]("DIRECTION_", controlv1.Direction_value)
	phases           = table[callcontrol.Phase, controlv1.Phase]("PHASE_", controlv1.Phase_value)
	transferKinds    = table[callcontrol.TransferKind, controlv1.TransferKind]("TRANSFER_KIND_", controlv1.TransferKind_value)
	transferStatuses = table[callcontrol.TransferStatus, controlv1.TransferStatus]("TRANSFER_STATUS_", controlv1.TransferStatus_value)
	statuses         = table[callcontrol.Status, controlv1.Status]("STATUS_", controlv1.Status_value)
	connects         = table[callcontrol.Connect, controlv1.Connect]("CONNECT_", controlv1.Connect_value)
	reasons          = table[callcontrol.WhyCode, controlv1.ReasonCode]("REASON_CODE_", controlv1.ReasonCode_value)
	causes           = table[callcontrol.Cause, controlv1.Cause]("CAUSE_", controlv1.Cause_value)
	enders           = table[callcontrol.Ender, controlv1.Ender]("ENDER_", controlv1.Ender_value)
	adapterStates    = table[AdapterState, controlv1.AdapterState]("ADAPTER_STATE_", controlv1.AdapterState_value)
)
