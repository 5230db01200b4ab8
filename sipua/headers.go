package sipua

import (
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

// Extensions and methods the stack knows.
const (
	allowMethods       = "INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO, REFER, NOTIFY"
	allowMethodsNoInfo = "INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, REFER, NOTIFY"
	supportedExt       = "100rel, timer, replaces, norefersub"
)

var knownExt = map[string]bool{"100rel": true, "timer": true, "replaces": true, "norefersub": true}

// allow is the value of our Allow header.
func (s *Stack) allow() string {
	if s.cfg.Info == InfoRefused {
		return allowMethodsNoInfo
	}
	return allowMethods
}

// values returns all values of a header, comma-separated lists taken apart, quoted strings and <> respected.
func values(m sip.Message, name string) []string {
	var out []string
	for _, h := range m.GetHeaders(name) {
		out = append(out, splitList(h.Value())...)
	}
	return out
}

// rawValues returns the header lines as they are: for challenges, whose commas are not list separators.
func rawValues(m sip.Message, name string) []string {
	var out []string
	for _, h := range m.GetHeaders(name) {
		out = append(out, h.Value())
	}
	return out
}

func firstValue(m sip.Message, name string) string {
	if hs := m.GetHeaders(name); len(hs) > 0 {
		return strings.TrimSpace(hs[0].Value())
	}
	return ""
}

// splitList splits at commas outside quotes and angle brackets.
func splitList(s string) []string {
	var out []string
	depth, quoted, start := 0, false, 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '<':
			depth++
		case c == '>' && depth > 0:
			depth--
		case c == ',' && depth == 0:
			out = append(out, strings.TrimSpace(s[start:i]))
			start = i + 1
		}
	}
	if last := strings.TrimSpace(s[start:]); last != "" {
		out = append(out, last)
	}
	return out
}

// hasToken reports whether a list header holds a token, without regard to case.
func hasToken(m sip.Message, name, token string) bool {
	for _, v := range values(m, name) {
		if strings.EqualFold(v, token) {
			return true
		}
	}
	return false
}

// splitParams splits "value;a=b;c" outside quotes and brackets.
func splitParams(s string) (value string, params map[string]string) {
	params = map[string]string{}
	first, depth, quoted, start := true, 0, false, 0
	cut := func(part string) {
		if first {
			value, first = strings.TrimSpace(part), false
			return
		}
		k, v, _ := strings.Cut(part, "=")
		params[lower(strings.TrimSpace(k))] = strings.Trim(strings.TrimSpace(v), `"`)
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '<':
			depth++
		case c == '>' && depth > 0:
			depth--
		case c == ';' && depth == 0:
			cut(s[start:i])
			start = i + 1
		}
	}
	cut(s[start:])
	return value, params
}

// seconds reads a delta-seconds; ok is false when it is not one.
func seconds(s string) (time.Duration, bool) {
	n, err := strconv.ParseUint(strings.TrimSpace(s), 10, 32)
	if err != nil {
		return 0, false
	}
	return time.Duration(min(n, 1<<31)) * time.Second, true
}

// retryAfter reads Retry-After: RFC 3261 §20.33; at most an hour is believed.
func retryAfter(m sip.Message) time.Duration {
	v, _ := splitParams(firstValue(m, "Retry-After"))
	v, _, _ = strings.Cut(v, "(")
	d, _ := seconds(v)
	return min(d, time.Hour)
}

// sessionOf reads the RFC 4028 headers of a message.
func sessionOf(m sip.Message) sessionOffer {
	var o sessionOffer
	v := firstValue(m, "Session-Expires")
	if v == "" {
		v = firstValue(m, "x")
	}
	value, params := splitParams(v)
	o.expires, _ = seconds(value)
	o.refresher = lower(params["refresher"])
	minSE, _ := splitParams(firstValue(m, "Min-SE"))
	o.minSE, _ = seconds(minSE)
	o.supported = hasToken(m, "Supported", "timer") || hasToken(m, "k", "timer")
	return o
}

// unknownRequire lists the extensions of Require that we do not know.
func unknownRequire(m sip.Message) []string {
	var out []string
	for _, v := range values(m, "Require") {
		if !knownExt[lower(v)] {
			out = append(out, v)
		}
	}
	return out
}

// sdpBody returns the session description of a message; ok is false when there is a body of another kind.
func sdpBody(m sip.Message) (body []byte, ok bool) {
	b := m.Body()
	if len(b) == 0 {
		return nil, true
	}
	if enc := firstValue(m, "Content-Encoding"); enc != "" && !strings.EqualFold(enc, "identity") {
		return nil, false
	}
	kind, params := splitParams(contentType(m))
	switch lower(kind) {
	case "application/sdp":
		return b, true
	case "multipart/mixed", "multipart/alternative", "multipart/related":
		return sdpPart(b, params["boundary"])
	}
	return nil, false
}

func contentType(m sip.Message) string {
	if v := firstValue(m, "Content-Type"); v != "" {
		return v
	}
	return firstValue(m, "c")
}

func addHeader(m sip.Message, name, value string) { m.AppendHeader(sip.NewHeader(name, value)) }

func setSDP(m sip.Message, sdp []byte) {
	if sdp != nil {
		ct := sip.ContentTypeHeader("application/sdp")
		m.AppendHeader(&ct)
	}
	m.SetBody(sdp)
}

func tagOf(p sip.HeaderParams) string {
	t, _ := p.Get("tag")
	return t
}
