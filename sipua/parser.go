package sipua

import (
	"maps"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// newParser is sipgo's parser with what v1.7.2 gets wrong about white space mended (RFC 3261 §7.3.1, RFC 4475 §3.1.1.1):
// it keeps the spaces around "=" as part of a parameter, whose tag or branch is then not found and not sent back as it
// came, and the names of parameters as they are written, though their case means nothing.
func newParser() *sip.Parser {
	parsers := maps.Clone(sip.DefaultHeadersParser())
	for _, name := range []string{"from", "f", "to", "t", "contact", "m", "via", "v", "cseq"} {
		parse := parsers[name]
		parsers[name] = func(name []byte, text string) (sip.Header, error) {
			if name[0] == 'v' {
				text = spaceVia(text)
			}
			h, err := parse(name, text)
			tidy(h)
			return h, err
		}
	}
	return sip.NewParser(sip.WithHeadersParsers(parsers))
}

// tidy trims the parameters of a header, and the method of CSeq.
func tidy(h sip.Header) {
	var params sip.HeaderParams
	switch h := h.(type) {
	case *sip.FromHeader:
		params = h.Params
	case *sip.ToHeader:
		params = h.Params
	case *sip.ContactHeader:
		params = h.Params
	case *sip.ViaHeader:
		params = h.Params
	case *sip.CSeqHeader:
		h.MethodName = sip.RequestMethod(strings.TrimSpace(string(h.MethodName)))
	}
	for i, p := range params {
		params[i] = sip.HeaderKV{K: lower(strings.TrimSpace(p.K)), V: strings.TrimSpace(p.V)}
	}
}

// spaceVia moves the spaces before the transport of "SIP / 2.0 / UDP host" behind it: sipgo takes the first space for the
// end of the transport. The length stays, for sipgo counts in the text it gave.
func spaceVia(text string) string {
	i := strings.IndexByte(text, '/')
	j := strings.IndexByte(text[i+1:], '/')
	if i < 0 || j < 0 {
		return text
	}
	head, rest := text[:i+j+2], text[i+j+2:]
	word := strings.TrimLeft(rest, " \t")
	end := strings.IndexAny(word, " \t")
	if end < 0 {
		return text
	}
	return head + word[:end] + rest[:len(rest)-len(word)] + word[end:]
}

// restoreMethod undoes sipgo's capitals (v1.7.2) by CSeq, which keeps the method as it came and, as the edge saw to, is the
// same: methods are case-sensitive (RFC 3261 §7.1, RFC 4475 §3.1.1.2).
func restoreMethod(req *sip.Request) {
	if c := req.CSeq(); c != nil && strings.EqualFold(string(c.MethodName), string(req.Method)) {
		req.Method = c.MethodName
	}
}
