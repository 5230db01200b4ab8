package sipua

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

const maxInfoBody = 4096

// maxInfosWaiting bounds the INFOs that wait for the ACK.
const maxInfosWaiting = 16

// onInfo takes a SIP INFO: digits, or anything else as it is.
func (c *core) onInfo(st *serverTx) {
	body := st.req.Body()
	kind, _ := splitParams(contentType(st.req))
	kind = lower(kind)
	if len(body) > maxInfoBody {
		c.respond(st, c.answerWith(st, 513, ""))
		return
	}
	ev := Info{ContentType: clean(kind)}
	switch kind {
	case "application/dtmf-relay", "application/dtmf":
		if c.s.cfg.Info == InfoNoDTMF {
			c.respond(st, c.answerWith(st, 415, ""))
			return
		}
		digit, d, ok := parseDTMF(kind, body)
		if !ok {
			c.respond(st, c.answerWith(st, 400, ""))
			return
		}
		ev.Digit, ev.Duration = digit, d
	default:
		ev.Body = bytes.Clone(body)
	}
	c.respond(st, c.answerWith(st, 200, ""))
	if kind != "" || len(body) > 0 { // an empty INFO is a keep-alive
		c.emit(ev)
	}
}

// parseDTMF reads "Signal=5\r\nDuration=160" (dtmf-relay) or "5" (dtmf). Durations are in ms, 100 when not said.
func parseDTMF(kind string, body []byte) (digit rune, d time.Duration, ok bool) {
	text, ms := strings.TrimSpace(string(body)), 100
	if kind == "application/dtmf-relay" || strings.Contains(text, "=") {
		signal := ""
		for l := range strings.SplitSeq(text, "\n") {
			k, v, _ := strings.Cut(l, "=")
			switch lower(strings.TrimSpace(k)) {
			case "signal":
				signal = strings.TrimSpace(v)
			case "duration":
				if n, err := strconv.Atoi(strings.TrimSpace(v)); err == nil && n > 0 && n <= 10_000 {
					ms = n
				}
			}
		}
		text = signal
	}
	digit, ok = dtmfDigit(text)
	return digit, time.Duration(ms) * time.Millisecond, ok
}

// dtmfDigit reads one digit, or the event codes 10 to 15 that some peers send.
func dtmfDigit(s string) (rune, bool) {
	if len(s) == 1 && strings.Contains("0123456789*#ABCD", strings.ToUpper(s)) {
		return rune(strings.ToUpper(s)[0]), true
	}
	if n, err := strconv.Atoi(s); err == nil && n >= 10 && n <= 15 {
		return rune("*#ABCD"[n-10]), true
	}
	return 0, false
}

func (c *core) doInfo(kind string, body []byte) {
	if c.state == stEnded {
		return
	}
	if c.state == stAnswered && len(c.server.infos) < maxInfosWaiting { // the peer may not have our 200 yet
		c.server.infos = append(c.server.infos, cmdInfo{contentType: kind, body: body})
		return
	}
	if c.state != stEstablished || !cleanText(kind) || len(kind) > 128 || len(body) > maxInfoBody {
		c.emit(InfoFailed{})
		return
	}
	req := c.newRequest(sip.INFO)
	if len(body) > 0 {
		ct := sip.ContentTypeHeader(kind)
		req.AppendHeader(&ct)
	}
	c.send(withBody(req, body), c.infoDone)
}

func (c *core) infoDone(res *sip.Response, err error) {
	if c.state == stEnded || c.gone(res, err) {
		return
	}
	if res.StatusCode < 300 {
		c.emit(InfoAccepted{})
		return
	}
	c.log.Debug("INFO refused", "status", res.StatusCode)
	c.emit(InfoFailed{Status: res.StatusCode})
}
