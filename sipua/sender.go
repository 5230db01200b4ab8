package sipua

import (
	"context"
	"net/netip"
	"strings"

	"github.com/emiago/sipgo/sip"

	"cordboard/sipua/digest"
	"cordboard/sipua/resolve"
)

// authenticator answers challenges: *digest.Client.
type authenticator interface {
	Begin(method, uri string) *digest.Exchange
}

// Do sends a request outside any dialog to a target and waits for its final answer. The error is a timeout (errNoAnswer),
// a transport failure or that of ctx. Only for the packages below: it speaks sipgo.
func (s *Stack) Do(ctx context.Context, req *sip.Request, t resolve.Target) (*sip.Response, error) {
	s.route(req, t)
	type outcome struct {
		res *sip.Response
		err error
	}
	done := make(chan outcome, 1)
	put := func(o outcome) {
		select {
		case done <- o:
		default:
		}
	}
	tx := s.txns.start(req, nil, func(res *sip.Response) {
		if res.StatusCode >= 200 {
			put(outcome{res: res})
		}
	}, func(err error) { put(outcome{err: err}) })
	select {
	case o := <-done:
		return o.res, o.err
	case <-ctx.Done():
		tx.terminate()
		return nil, ctx.Err()
	}
}

// route gives a request its Via, the socket to leave by and where to go.
func (s *Stack) route(req *sip.Request, t resolve.Target) {
	s.txns.dialler.note(t)
	host, port, laddr := s.via(t.Transport, t.Addr.Addr())
	req.RemoveHeader("Via")
	via := &sip.ViaHeader{ProtocolName: "SIP", ProtocolVersion: "2.0", Transport: strings.ToUpper(t.Transport), Host: host, Port: port}
	via.Params.Add("branch", sip.GenerateBranchN(24))
	via.Params.Add("rport", "")
	req.PrependHeader(via)
	req.SetTransport(strings.ToUpper(t.Transport))
	req.SetDestination(netip.AddrPortFrom(t.Addr.Addr().Unmap(), t.Addr.Port()).String())
	req.Laddr = laddr
}

// fillRequest adds the headers that each request outside a dialog has.
func (s *Stack) fillRequest(req *sip.Request, domain string) {
	from := &sip.FromHeader{Address: sip.Uri{Scheme: "sip", User: "cordboard", Host: domain}}
	from.Params.Add("tag", sip.GenerateTagN(16))
	req.AppendHeader(from)
	req.AppendHeader(&sip.ToHeader{Address: *req.Recipient.Clone()})
	id := sip.CallIDHeader(newCallID())
	req.AppendHeader(&id)
	req.AppendHeader(&sip.CSeqHeader{SeqNo: 1, MethodName: req.Method})
	hops := sip.MaxForwardsHeader(70)
	req.AppendHeader(&hops)
	addHeader(req, "User-Agent", s.cfg.UserAgent)
	req.SetBody(nil)
}

func newCallID() string { return sip.GenerateTagN(32) }

// reply makes a response to a request, with our Server header.
func (s *Stack) reply(req *sip.Request, status int, reason string) *sip.Response {
	if reason == "" {
		reason = statusText(status)
	}
	res := sip.NewResponseFromRequest(req, status, reason, nil)
	res.SipVersion = "SIP/2.0"
	addHeader(res, "Server", s.cfg.UserAgent)
	return res
}

var statusTexts = map[int]string{
	100: "Trying", 180: "Ringing", 183: "Session Progress", 200: "OK", 202: "Accepted", 400: "Bad Request", 403: "Forbidden", 404: "Not Found",
	405: "Method Not Allowed", 408: "Request Timeout", 415: "Unsupported Media Type", 416: "Unsupported URI Scheme", 420: "Bad Extension",
	422: "Session Interval Too Small", 480: "Temporarily Unavailable", 481: "Call/Transaction Does Not Exist", 482: "Loop Detected", 483: "Too Many Hops",
	486: "Busy Here", 487: "Request Terminated", 488: "Not Acceptable Here", 489: "Bad Event", 491: "Request Pending", 500: "Server Internal Error",
	501: "Not Implemented", 503: "Service Unavailable", 504: "Server Time-out", 513: "Message Too Large", 600: "Busy Everywhere", 603: "Decline",
}

func statusText(status int) string {
	if t := statusTexts[status]; t != "" {
		return t
	}
	switch {
	case status < 200:
		return "Progress"
	case status < 300:
		return "OK"
	}
	return "Failure"
}
