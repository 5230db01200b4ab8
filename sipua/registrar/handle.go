package registrar

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"cordboard/sipua/digest"
)

// Handle answers one REGISTER; nil means silence. The flow is where it came
// from.
func (r *Registrar) Handle(req *sip.Request, f Flow) *sip.Response {
	user, res, ok := r.Authenticate(req, f)
	if !ok {
		return res
	}
	if unknown := unsupported(req); len(unknown) > 0 {
		res := sip.NewResponseFromRequest(req, 420, "Bad Extension", nil)
		res.AppendHeader(sip.NewHeader("Unsupported", strings.Join(unknown, ", ")))
		return res
	}
	if to := req.To(); to == nil || unescape(to.Address.User) != user {
		return sip.NewResponseFromRequest(req, 403, "Forbidden", nil) // RFC 3261 §10.3 step 4: only his own contacts
	}
	reg, err := read(req, user, f)
	if err != nil {
		r.log.Debug("bad register", "phone", user, "remote", f.Remote.String(), "error", err)
		return sip.NewResponseFromRequest(req, 400, "Bad Request", nil)
	}
	bindings, status := r.register(reg)
	return r.answer(req, bindings, status)
}

// Authenticate verifies a request of a phone, by the Authorization header and
// the configured users. When ok is false, res is the challenge or the refusal
// to send, nil for silence. For ACK and CANCEL, which cannot be challenged, do
// not call it (RFC 3261 §22.1).
func (r *Registrar) Authenticate(req *sip.Request, f Flow) (user string, res *sip.Response, ok bool) {
	now := time.Now()
	source := sourceOf(f)
	if r.denied.silent(source, now) {
		// A phone that is registered goes on: wrong credentials may come from behind the same NAT, or in its name.
		if _, registered := r.UserOf(f); !registered {
			return "", nil, false
		}
	}
	var credentials []string
	for _, h := range req.GetHeaders("Authorization") {
		credentials = append(credentials, h.Value())
	}
	user, err := r.auth.Verify(string(req.Method), req.Recipient.String(), credentials)
	switch {
	case err == nil:
		return user, nil, true
	case errors.Is(err, digest.ErrStale):
		return "", r.challenge(req, true), false
	case errors.Is(err, digest.ErrNoCredentials):
		return "", r.challenge(req, false), false
	case errors.Is(err, digest.ErrMalformed):
		r.denied.add(source, now)
		return "", sip.NewResponseFromRequest(req, 400, "Bad Request", nil), false
	}
	r.denied.add(source, now)
	r.log.Debug("phone denied", "remote", f.Remote.String(), "method", string(req.Method))
	return "", sip.NewResponseFromRequest(req, 403, "Forbidden", nil), false
}

func (r *Registrar) challenge(req *sip.Request, stale bool) *sip.Response {
	res := sip.NewResponseFromRequest(req, 401, "Unauthorized", nil)
	for _, v := range r.auth.Challenge(stale) {
		res.AppendHeader(sip.NewHeader("WWW-Authenticate", v))
	}
	return res
}

// answer makes the response to an authenticated REGISTER (RFC 3261 §10.3 step 8).
func (r *Registrar) answer(req *sip.Request, bindings []Binding, status int) *sip.Response {
	switch status {
	case 200:
	case 423:
		res := sip.NewResponseFromRequest(req, 423, "Interval Too Brief", nil)
		res.AppendHeader(sip.NewHeader("Min-Expires", strconv.Itoa(int(r.cfg.MinExpires/time.Second))))
		return res
	case 400:
		return sip.NewResponseFromRequest(req, 400, "Bad Request", nil)
	default:
		return sip.NewResponseFromRequest(req, 500, "Out Of Order", nil)
	}
	res := sip.NewResponseFromRequest(req, 200, "OK", nil)
	now := time.Now()
	for _, b := range bindings {
		left := max(0, int((b.Expires.Sub(now)+time.Second-1)/time.Second))
		value := "<" + b.Contact + ">;expires=" + strconv.Itoa(left)
		if b.Q < 1000 {
			value += ";q=" + formatQ(b.Q)
		}
		if b.Instance != "" {
			value += `;+sip.instance="` + b.Instance + `"`
		}
		res.AppendHeader(sip.NewHeader("Contact", value))
	}
	for _, h := range req.GetHeaders("Path") { // RFC 3327 §5.3
		res.AppendHeader(sip.NewHeader("Path", h.Value()))
	}
	return res
}

// unsupported gives the option tags of Require that are not done here.
func unsupported(req *sip.Request) []string {
	var out []string
	for _, h := range req.GetHeaders("Require") {
		for tag := range strings.SplitSeq(h.Value(), ",") {
			if tag = strings.TrimSpace(tag); tag != "" && !strings.EqualFold(tag, "path") && len(out) < 8 {
				out = append(out, tag)
			}
		}
	}
	return out
}
