package control

import (
	"context"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"cordboard/callcontrol"
	"cordboard/plugins/adapter"
	controlv1 "cordboard/plugins/control/v1"
)

// maxSearch is the longest text that is searched for, bytes.
const maxSearch = 256

// Found is what adapters answered to a search.
type Found struct {
	Contacts []FoundContact  `json:"contacts"` // those of one adapter together, in the adapters' configured order
	Failures []SearchFailure `json:"failures,omitempty"`
}

// FoundContact is a CRM record that an adapter found.
type FoundContact struct {
	Adapter string `json:"adapter"`
	adapter.Contact
}

// SearchFailure is an adapter that was asked and did not answer.
type SearchFailure struct {
	Adapter string `json:"adapter"`
	Message string `json:"message"`
}

// Search implements controlv1.ControlServer.
func (s *Service) Search(ctx context.Context, req *controlv1.SearchRequest) (*controlv1.SearchReply, error) {
	if s.sources.Search == nil {
		return nil, status.Error(codes.Unimplemented, "nobody searches here")
	}
	q := adapter.Search{
		Text: adapter.Clean(req.GetText(), maxSearch), Agent: callcontrol.AgentID(req.GetAgentId()),
		Limit: int(min(req.GetLimit(), adapter.MaxFound)),
	}
	if q.Limit == 0 {
		q.Limit = adapter.MaxFound
	}
	if q.Text == "" || len(req.GetText()) > maxSearch {
		return nil, encodeRefusal(badArgument("a search needs a text of at most 256 bytes"))
	}
	found, err := s.sources.Search(ctx, s.adapter, q)
	if err != nil {
		return nil, encodeError(err)
	}
	return &controlv1.SearchReply{
		Contacts: list(found.Contacts, encodeFound),
		Failures: list(found.Failures, func(f SearchFailure) *controlv1.SearchFailure {
			return &controlv1.SearchFailure{Adapter: text(f.Adapter), Message: text(f.Message)}
		}),
	}, nil
}

// Search asks the daemon's adapters for contacts of that name or number, and waits for their answers as long as ctx
// and the daemon's own bound of some seconds.
func (c *Client) Search(ctx context.Context, q adapter.Search) (Found, error) {
	r, err := c.rpc.Search(ctx, &controlv1.SearchRequest{
		Text: text(q.Text), AgentId: text(q.Agent), Limit: uint32(min(max(q.Limit, 0), adapter.MaxFound)),
	})
	if err != nil {
		return Found{}, decodeError(err)
	}
	return Found{
		Contacts: list(r.GetContacts(), decodeFound),
		Failures: list(r.GetFailures(), func(f *controlv1.SearchFailure) SearchFailure {
			return SearchFailure{Adapter: f.GetAdapter(), Message: f.GetMessage()}
		}),
	}, nil
}

func encodeFound(f FoundContact) *controlv1.FoundContact {
	return &controlv1.FoundContact{
		Adapter: text(f.Adapter), Id: text(f.ID), Name: text(f.Name), Kind: text(f.Kind),
		Phones: list(f.Phones, func(p adapter.Phone) *controlv1.ContactPhone {
			return &controlv1.ContactPhone{Number: text(p.Number), Label: text(p.Label)}
		}),
	}
}

func decodeFound(f *controlv1.FoundContact) FoundContact {
	return FoundContact{Adapter: f.GetAdapter(), Contact: adapter.Contact{
		ID: f.GetId(), Name: f.GetName(), Kind: f.GetKind(),
		Phones: list(f.GetPhones(), func(p *controlv1.ContactPhone) adapter.Phone {
			return adapter.Phone{Number: p.GetNumber(), Label: p.GetLabel()}
		}),
	}}
}
