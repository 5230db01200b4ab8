package webhook

import (
	"context"
	"net/http"
	"time"

	"cordboard/callcontrol"
	"cordboard/plugins/control"
)

// verb is what may be done to a call: its kind, and what of the request's body goes into the command.
type verb struct {
	kind callcontrol.Kind
	body func(r *http.Request, w http.ResponseWriter, c *callcontrol.Command) error
}

// callVerbs are the verbs of a call by their word in the path. Dial and status are those of an agent.
var callVerbs = map[string]verb{
	"answer":   {callcontrol.KindAnswer, nothing},
	"reject":   {callcontrol.KindReject, nothing},
	"hold":     {callcontrol.KindHold, nothing},
	"retrieve": {callcontrol.KindRetrieve, nothing},
	"mute":     {callcontrol.KindMute, nothing},
	"unmute":   {callcontrol.KindUnmute, nothing},
	"swap":     {callcontrol.KindSwap, nothing},

	"conference": {callcontrol.KindConference, nothing},
	"complete":   {callcontrol.KindComplete, nothing},
	"cancel":     {callcontrol.KindCancel, nothing},

	"hangup": {callcontrol.KindHangup, optional(func(b struct {
		Leg callcontrol.LegID `json:"leg"`
	}, c *callcontrol.Command) error {
		c.Leg = b.Leg
		return nil
	})},
	"transfer": {callcontrol.KindBlind, required(number)},
	"consult":  {callcontrol.KindConsult, required(number)},
	"digits":   {callcontrol.KindDigits, required(digits)},
	"bind":     {callcontrol.KindBind, required(bind)},
}

type numberBody struct {
	Number callcontrol.Number `json:"number"`
}

func number(b numberBody, c *callcontrol.Command) error {
	c.Number = b.Number
	return nil
}

type digitsBody struct {
	Digits   string            `json:"digits"`
	Duration int64             `json:"duration_ms"`
	Gap      int64             `json:"gap_ms"`
	Leg      callcontrol.LegID `json:"leg"`
}

// mostMilliseconds keeps a product from running over; the daemon's own bound is far below.
const mostMilliseconds = 60_000

func digits(b digitsBody, c *callcontrol.Command) error {
	if b.Duration < 0 || b.Duration > mostMilliseconds || b.Gap < 0 || b.Gap > mostMilliseconds {
		return refusal(callcontrol.CodeBadArgument, "duration_ms and gap_ms are within 0 and 60000")
	}
	c.Digits, c.Leg = b.Digits, b.Leg
	c.DigitDuration, c.DigitGap = time.Duration(b.Duration)*time.Millisecond, time.Duration(b.Gap)*time.Millisecond
	return nil
}

type bindBody struct {
	Contact    callcontrol.Contact    `json:"contact"`
	Candidates []callcontrol.Contact  `json:"candidates"`
	Variables  []callcontrol.Variable `json:"variables"`
}

func bind(b bindBody, c *callcontrol.Command) error {
	c.Contact, c.Candidates, c.Variables = b.Contact, b.Candidates, b.Variables
	return nil
}

// postVerb does something to a call.
func (a *api) postVerb(v verb) handler {
	return func(w http.ResponseWriter, r *http.Request, t *token) error {
		c := callcontrol.Command{Kind: v.kind, Call: callcontrol.CallID(r.PathValue("call"))}
		if err := v.body(r, w, &c); err != nil {
			return err
		}
		if len(c.Call) > mostID {
			return noSuchCall()
		}
		agent, err := a.owner(r.Context(), t, c.Call)
		if err != nil {
			return err
		}
		c.Agent = agent
		return a.do(w, r, t, c)
	}
}

// owner is the agent whose call it is, where the token is for some agents only: the daemon then refuses calls of any other. A
// call that has ended is found too, so that a command repeated after it gets its first result.
func (a *api) owner(ctx context.Context, t *token, id callcontrol.CallID) (callcontrol.AgentID, error) {
	if t.agents == nil {
		return "", nil
	}
	agent, ok := a.hub.owner(id)
	if !ok {
		calls, _, err := a.client.Calls(ctx, "")
		if err != nil {
			return "", err
		}
		for _, c := range calls {
			if c.ID == id {
				agent, ok = c.Agent, true
			}
		}
	}
	if !ok || !t.sees(agent) {
		return "", noSuchCall()
	}
	return agent, nil
}

func (a *api) postDial(w http.ResponseWriter, r *http.Request, t *token) error {
	var b struct {
		Number    callcontrol.Number     `json:"number"`
		Variables []callcontrol.Variable `json:"variables"`
	}
	if err := decode(w, r, &b, true); err != nil {
		return err
	}
	return a.forAgent(w, r, t, callcontrol.Command{Kind: callcontrol.KindDial, Number: b.Number, Variables: b.Variables})
}

func (a *api) postStatus(w http.ResponseWriter, r *http.Request, t *token) error {
	var b struct {
		Status callcontrol.Status `json:"status"`
		Reason string             `json:"reason"`
	}
	if err := decode(w, r, &b, true); err != nil {
		return err
	}
	return a.forAgent(w, r, t, callcontrol.Command{Kind: callcontrol.KindStatus, Status: b.Status, Reason: b.Reason})
}

func (a *api) forAgent(w http.ResponseWriter, r *http.Request, t *token, c callcontrol.Command) error {
	c.Agent = callcontrol.AgentID(r.PathValue("agent"))
	if !t.sees(c.Agent) || len(c.Agent) > mostID {
		return noSuchAgent()
	}
	return a.do(w, r, t, c)
}

// do carries out a command. It goes on when the client goes: repeated with its key, it gets the result.
func (a *api) do(w http.ResponseWriter, r *http.Request, t *token, c callcontrol.Command) error {
	if t.readOnly {
		return refusal(codeReadOnly, "the token may look, and do nothing")
	}
	key, err := idempotencyKey(r)
	if err != nil {
		return err
	}
	if key != "" {
		c.ID = callcontrol.CommandID(t.name + "/" + key) // tokens do not meet each other's results
	}
	select {
	case a.commands <- struct{}{}:
		defer func() { <-a.commands }()
	default:
		return refusal(codeTooMany, "too many commands are under way")
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), commandTime)
	defer cancel()
	res, err := a.client.Do(ctx, c)
	a.log.Info("command", "token", t.name, "verb", string(c.Kind), "agent", string(c.Agent), "call", string(c.Call), "replayed", res.Replayed, "error", err)
	if err != nil {
		return err
	}
	return reply(w, res)
}

// mostKey leaves room for the token's name within control.MaxCommandID.
const mostKey = control.MaxCommandID - 32 - 1

func idempotencyKey(r *http.Request) (string, error) {
	values := r.Header.Values("Idempotency-Key")
	if len(values) == 0 {
		return "", nil
	}
	key := values[0]
	wrong := len(values) > 1 || key == "" || len(key) > mostKey
	for i := range len(key) {
		wrong = wrong || key[i] <= ' ' || key[i] > '~'
	}
	if wrong {
		return "", refusal(codeBadRequest, "Idempotency-Key is there once, with 1 to 95 visible ASCII characters")
	}
	return key, nil
}
