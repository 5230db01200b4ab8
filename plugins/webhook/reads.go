package webhook

import (
	"net/http"

	"cordboard/callcontrol"
	"cordboard/plugins/control"
)

// healthReply is how the adapter is.
type healthReply struct {
	State    string   `json:"state"` // ok, degraded
	Problems []string `json:"problems"`
}

func (a *api) getHealth(w http.ResponseWriter, _ *http.Request, t *token) error {
	h := healthReply{State: "ok", Problems: []string{}}
	if wrong := a.health(); len(wrong) > 0 {
		h.State = "degraded"
		if t.agents == nil {
			h.Problems = wrong
		}
	}
	return reply(w, h)
}

// getStatus shows the adapters to tokens of all agents only.
func (a *api) getStatus(w http.ResponseWriter, r *http.Request, t *token) error {
	s, err := a.client.Status(r.Context())
	if err != nil {
		return err
	}
	s.Adapters = only(s.Adapters, func(control.AdapterStatus) bool { return t.agents == nil })
	return reply(w, s)
}

func (a *api) getDirectory(w http.ResponseWriter, r *http.Request, t *token) error {
	d, err := a.client.Directory(r.Context())
	if err != nil {
		return err
	}
	return reply(w, t.directory(d))
}

// getSnapshot is everything live that the token sees, or of one agent.
func (a *api) getSnapshot(w http.ResponseWriter, r *http.Request, t *token) error {
	q, err := words(r, "agent")
	if err != nil {
		return err
	}
	s, err := a.client.Snapshot(r.Context())
	if err != nil {
		return err
	}
	s = t.snapshot(s)
	if id, ok := q["agent"]; ok {
		one := &token{agents: map[callcontrol.AgentID]bool{callcontrol.AgentID(id): true}}
		if s = one.snapshot(s); len(s.Agents) == 0 {
			return noSuchAgent()
		}
	}
	return reply(w, s)
}

func (a *api) getAgent(w http.ResponseWriter, r *http.Request, t *token) error {
	s, err := a.client.Snapshot(r.Context())
	if err != nil {
		return err
	}
	for _, v := range t.snapshot(s).Agents {
		if string(v.ID) == r.PathValue("agent") {
			return reply(w, v)
		}
	}
	return noSuchAgent()
}

func (a *api) getCall(w http.ResponseWriter, r *http.Request, t *token) error {
	s, err := a.client.Snapshot(r.Context())
	if err != nil {
		return err
	}
	for _, v := range t.snapshot(s).Calls {
		if string(v.ID) == r.PathValue("call") {
			return reply(w, v)
		}
	}
	return noSuchCall()
}

// What a token does not see is answered as what does not exist.
func noSuchAgent() error { return refusal(callcontrol.CodeNoSuchAgent, "there is no such agent") }

func noSuchCall() error { return refusal(callcontrol.CodeNoSuchCall, "there is no such call") }
