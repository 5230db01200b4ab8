package sipua

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

const maxInfoBody = 4096

// maxInfosWaiting bounds the digits that wait for the ACK.
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

// infoState is what is known of how the peer takes digits by INFO.
type infoState struct {
	plain bool // it does not know application/dtmf-relay
	never int  // the status that says that it takes none at all, 0: it may
}

// doDigit sends one digit. There are two forms in use and no way to ask which one the peer knows.
func (c *core) doDigit(m cmdDigit) {
	switch {
	case c.state == stEnded:
	case c.info.never != 0:
		c.emit(InfoFailed{Status: c.info.never, Never: true})
	case c.state == stAnswered && len(c.server.digits) < maxInfosWaiting: // the peer may not have our 200 yet
		c.server.digits = append(c.server.digits, m)
	case c.state != stEstablished || !strings.ContainsRune("0123456789*#ABCD", m.digit):
		c.emit(InfoFailed{})
	default:
		c.sendDigit(m)
	}
}

func (c *core) sendDigit(m cmdDigit) {
	req := c.newRequest(sip.INFO)
	kind, body, plain := sip.ContentTypeHeader("application/dtmf-relay"), fmt.Sprintf("Signal=%c\r\nDuration=%d\r\n", m.digit, m.duration.Milliseconds()), c.info.plain
	if plain {
		kind, body = "application/dtmf", string(m.digit)
	}
	req.AppendHeader(&kind)
	c.send(withBody(req, []byte(body)), func(res *sip.Response, err error) { c.digitDone(m, plain, res, err) })
}

// digitDone takes the answer to a digit that was sent in one of the two forms.
func (c *core) digitDone(m cmdDigit, plain bool, res *sip.Response, err error) {
	if c.state == stEnded || c.gone(res, err) {
		return
	}
	status := res.StatusCode
	switch {
	case status < 300:
		c.emit(InfoAccepted{})
		return
	case status == 415 && !plain:
		c.info.plain = true
		c.sendDigit(m)
		return
	case status == 405, status == 501, status == 415:
		c.info.never = status
		c.noDigits.Store(true)
	}
	c.log.Debug("INFO refused", "status", status)
	c.emit(InfoFailed{Status: status, Never: c.info.never == status})
}
