package sipua

import (
	"strconv"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// parseParty reads name-addr or addr-spec of a header value: RFC 3261 §20.10. What is not clean text is left out.
func parseParty(v string) (Identity, map[string]string) {
	value, params := splitParams(v)
	var id Identity
	addr := value
	if i := strings.IndexByte(value, '<'); i >= 0 {
		if j := strings.IndexByte(value[i:], '>'); j > 0 {
			id.Display = unquote(strings.TrimSpace(value[:i]))
			addr = value[i+1 : i+j]
		}
	}
	id.Number, id.Host = party(addr)
	if !cleanText(id.Display) || len(id.Display) > maxDisplay {
		id.Display = ""
	}
	return id, params
}

// party takes user and host of a sip, sips or tel URI.
func party(addr string) (user, host string) {
	if scheme, rest, ok := strings.Cut(addr, ":"); ok && strings.EqualFold(scheme, "tel") {
		n, _, _ := strings.Cut(rest, ";")
		n = strings.NewReplacer("-", "", ".", "", "(", "", ")", "").Replace(n)
		if !cleanText(n) || len(n) > maxUser {
			return "", ""
		}
		return n, ""
	}
	u, err := ParseURI(addr)
	if err != nil {
		return "", ""
	}
	return u.User, u.Host
}

func unquote(s string) string {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return s
	}
	s = s[1 : len(s)-1]
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// identities fills the parties of an INVITE.
func (in *Incoming) identities(req *sip.Request) {
	in.From, _ = parseParty(req.From().Value())
	in.To, _ = parseParty(req.To().Value())
	for _, v := range values(req, "P-Asserted-Identity") {
		id, _ := parseParty(v)
		if in.Asserted.Number == "" {
			in.Asserted.Number, in.Asserted.Host = id.Number, id.Host
		}
		if in.Asserted.Display == "" {
			in.Asserted.Display = id.Display
		}
	}
	for _, v := range values(req, "Remote-Party-ID") {
		id, params := parseParty(v)
		if p := params["party"]; p != "" && !strings.EqualFold(p, "calling") {
			continue
		}
		in.RemoteParty = id
		switch lower(params["privacy"]) {
		case "full", "name", "uri":
			in.Privacy = true
		}
		break
	}
	for _, v := range strings.FieldsFunc(firstValue(req, "Privacy"), func(r rune) bool { return r == ';' || r == ' ' || r == ',' }) {
		switch lower(v) {
		case "id", "user", "header", "session":
			in.Privacy = true
		}
	}
	if strings.EqualFold(in.From.Host, "anonymous.invalid") || strings.EqualFold(in.From.Number, "anonymous") {
		in.Privacy = true
	}
	in.Caller = firstKnown(in.Asserted, in.RemoteParty, in.From)
	in.Caller.Private = in.Privacy
	in.Diversion = diversions(values(req, "Diversion"), false)
	in.History = diversions(values(req, "History-Info"), true)
}

func firstKnown(ids ...Identity) Identity {
	for _, id := range ids {
		if id.Number != "" {
			return id
		}
	}
	return Identity{}
}

const maxDiversions = 16

func diversions(vals []string, history bool) []Diversion {
	var out []Diversion
	for _, v := range vals {
		if len(out) == maxDiversions {
			break
		}
		id, params := parseParty(v)
		if id.Number == "" {
			continue
		}
		d := Diversion{Identity: id, Reason: clip(params["reason"])}
		if history {
			d.Index, d.Reason = clip(params["index"]), clip(historyCause(v))
		} else if n, err := strconv.Atoi(params["counter"]); err == nil && n >= 0 && n < 1000 {
			d.Counter = n
		}
		out = append(out, d)
	}
	return out
}

// historyCause finds "cause=486" in the Reason or cause parameter of a History-Info entry: RFC 4458, RFC 7044.
func historyCause(v string) string {
	_, rest, ok := strings.Cut(lower(v), "cause")
	if !ok {
		return ""
	}
	rest = strings.TrimPrefix(strings.TrimPrefix(rest, "%3d"), "=")
	end := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(rest)
	}
	return rest[:min(end, 3)]
}

// capture takes the headers a trunk's configuration names, in order, limited.
func capture(req *sip.Request, names []string) []Header {
	var out []Header
	if len(names) == 0 {
		return nil
	}
	for _, h := range req.Headers() {
		if len(out) == maxCaptured || !captured(h.Name(), names) {
			continue
		}
		v := h.Value()
		if len(v) > maxCapturedValue || !cleanText(strings.ReplaceAll(v, "\t", " ")) {
			continue
		}
		out = append(out, Header{Name: h.Name(), Value: v})
	}
	return out
}

func captured(name string, names []string) bool {
	for _, n := range names {
		if prefix, ok := strings.CutSuffix(n, "*"); ok {
			if len(name) >= len(prefix) && strings.EqualFold(name[:len(prefix)], prefix) {
				return true
			}
		} else if strings.EqualFold(n, name) {
			return true
		}
	}
	return false
}
