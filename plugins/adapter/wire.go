package adapter

import (
	"strings"

	"cordboard/callcontrol"
	adapterv1 "cordboard/plugins/adapter/v1"
	controlv1 "cordboard/plugins/control/v1"
)

var capabilities = map[Capability]adapterv1.Capability{
	CanLookup: adapterv1.Capability_CAPABILITY_LOOKUP,
	CanSearch: adapterv1.Capability_CAPABILITY_SEARCH,
	CanEvents: adapterv1.Capability_CAPABILITY_EVENTS,
}

var directions = map[callcontrol.CallDirection]controlv1.Direction{
	callcontrol.Inbound:  controlv1.Direction_DIRECTION_INBOUND,
	callcontrol.Outbound: controlv1.Direction_DIRECTION_OUTBOUND,
	callcontrol.Internal: controlv1.Direction_DIRECTION_INTERNAL,
}

// wordOf is the word of an enum's value; empty for one that this program does not know.
func wordOf[W, E comparable](words map[W]E, e E) (w W) {
	for word, v := range words {
		if v == e {
			return word
		}
	}
	return w
}

// text makes a string fit for protobuf, which refuses a whole message for one bad byte.
func text[S ~string](s S) string { return strings.ToValidUTF8(string(s), "\uFFFD") }

// EncodeInfo is i on the wire.
func EncodeInfo(i Info) *adapterv1.InfoReply {
	out := &adapterv1.InfoReply{Name: text(i.Name), Version: text(i.Version), ConfigSchema: text(string(i.Schema))}
	for _, c := range i.Capabilities {
		out.Capabilities = append(out.Capabilities, capabilities[c])
	}
	return out
}

// DecodeInfo is what an adapter said of itself, cleaned. A capability that this program does not know is
// left out.
func DecodeInfo(m *adapterv1.InfoReply) Info {
	i := Info{Name: Clean(m.GetName(), MaxWord), Version: Clean(m.GetVersion(), MaxWord), Schema: []byte(m.GetConfigSchema())}
	seen := map[Capability]bool{}
	for _, c := range m.GetCapabilities() {
		if word := wordOf(capabilities, c); word != "" && !seen[word] {
			seen[word] = true
			i.Capabilities = append(i.Capabilities, word)
		}
	}
	return i
}

// EncodeContacts is an answer on the wire.
func EncodeContacts(cs []Contact) []*adapterv1.Contact {
	out := make([]*adapterv1.Contact, len(cs))
	for i, c := range cs {
		out[i] = &adapterv1.Contact{Id: text(c.ID), Name: text(c.Name), Kind: text(c.Kind)}
		for _, p := range c.Phones {
			out[i].Phones = append(out[i].Phones, &adapterv1.Phone{Number: text(p.Number), Label: text(p.Label)})
		}
	}
	return out
}

// DecodeContacts is an answer, cleaned and at most so long.
func DecodeContacts(ms []*adapterv1.Contact, most int) []Contact {
	cs := make([]Contact, len(ms))
	for i, m := range ms {
		cs[i] = Contact{ID: m.GetId(), Name: m.GetName(), Kind: m.GetKind()}
		for _, p := range m.GetPhones() {
			cs[i].Phones = append(cs[i].Phones, Phone{Number: p.GetNumber(), Label: p.GetLabel()})
		}
	}
	return CleanContacts(cs, most)
}

// EncodeQuery is q on the wire.
func EncodeQuery(q Query) *adapterv1.LookupRequest {
	out := &adapterv1.LookupRequest{
		Number: text(q.Number), Display: text(q.Display), AgentId: text(q.Agent), CallId: text(q.Call), LineId: text(q.Line),
		Direction: directions[q.Direction], Queue: text(q.Queue),
	}
	for _, v := range q.Variables {
		out.Variables = append(out.Variables, &controlv1.Variable{Name: text(v.Name), Value: text(v.Value)})
	}
	return out
}

// DecodeQuery is a question as the adapter gets it.
func DecodeQuery(m *adapterv1.LookupRequest) Query {
	q := Query{
		Number: callcontrol.Number(m.GetNumber()), Display: m.GetDisplay(), Agent: callcontrol.AgentID(m.GetAgentId()),
		Call: callcontrol.CallID(m.GetCallId()), Line: callcontrol.LineID(m.GetLineId()),
		Direction: wordOf(directions, m.GetDirection()), Queue: m.GetQueue(),
	}
	for _, v := range m.GetVariables() {
		q.Variables = append(q.Variables, callcontrol.Variable{Name: v.GetName(), Value: v.GetValue()})
	}
	return q
}

// EncodeSearch is s on the wire.
func EncodeSearch(s Search) *adapterv1.SearchRequest {
	return &adapterv1.SearchRequest{Text: text(s.Text), AgentId: text(s.Agent), Limit: uint32(s.limit())}
}

// DecodeSearch is a question as the adapter gets it.
func DecodeSearch(m *adapterv1.SearchRequest) Search {
	s := Search{Text: m.GetText(), Agent: callcontrol.AgentID(m.GetAgentId()), Limit: int(min(m.GetLimit(), MaxFound))}
	s.Limit = s.limit()
	return s
}

func (s Search) limit() int {
	if s.Limit <= 0 || s.Limit > MaxFound {
		return MaxFound
	}
	return s.Limit
}

// EncodeHealth is h on the wire.
func EncodeHealth(h Health) *adapterv1.HealthReply {
	out := &adapterv1.HealthReply{State: adapterv1.HealthState_HEALTH_STATE_OK, Message: text(h.Message)}
	if h.State == HealthDegraded {
		out.State = adapterv1.HealthState_HEALTH_STATE_DEGRADED
	}
	return out
}

// DecodeHealth is what an adapter says of its health; a state that this program does not know is no
// good news.
func DecodeHealth(m *adapterv1.HealthReply) Health {
	h := Health{State: HealthDegraded, Message: Clean(m.GetMessage(), 4*MaxName)}
	if m.GetState() == adapterv1.HealthState_HEALTH_STATE_OK {
		h.State = HealthOK
	}
	return h
}
