package callcontrol

// Phase is where a call is. The agent's device leg is shared by the desk's calls; hold belongs to a
// leg, and Held says that the other party's leg is held by the agent.
//
//	offered ──answer──▶ answering ──▶ talking ◀──hold/retrieve──▶ held
//	calling (device first) ──▶ dialling ──▶ talking; busy, no answer, failure ──▶ tone
//	talking+held (consult) ──conference──▶ conference; ──complete──▶ bridged
//	talking ──blind──▶ forwarding ──▶ bridged; target fails ──▶ recall ──answer──▶ answering
//	talking ──blind, refer──▶ referring ──▶ (gone) or talking
type Phase string

// Phases. Bridged, forwarding and a tone for the customer are without the agent.
const (
	PhaseOffered    Phase = "offered"    // inbound, rings
	PhaseAnswering  Phase = "answering"  // the device, then the customer's leg, is being answered
	PhaseCalling    Phase = "calling"    // outbound: the device is called first
	PhaseDialling   Phase = "dialling"   // the other party is called, or alerts
	PhaseTone       Phase = "tone"       // a failure is heard for a moment
	PhaseTalking    Phase = "talking"    //
	PhaseHeld       Phase = "held"       //
	PhaseConference Phase = "conference" // agent, customer, target
	PhaseBridged    Phase = "bridged"    // customer and target, without the agent
	PhaseForwarding Phase = "forwarding" // blind transfer in progress, anchored
	PhaseRecall     Phase = "recall"     // the agent is called back after a failed transfer
	PhaseReferring  Phase = "referring"  // the peer was asked to transfer itself
	PhaseReferred   Phase = "referred"   // the peer asked us to put another party in its place
	PhaseEnded      Phase = "ended"
)
