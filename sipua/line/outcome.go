package line

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"cordboard/sipua/digest"
)

// maxReason bounds what is kept of a peer's reason phrase, in bytes.
const maxReason = 120

// verdict maps a final status other than 2xx, 401, 407 and 423 to an input.
//
//	503                               another target (RFC 3263 §4.3), else back off
//	408 429 430 480 486 491, other 5xx    back off
//	501 505 513, 3xx, other 4xx, 6xx  refused: slow retry
func verdict(status int) kind {
	switch status {
	case 503:
		return inLost
	case 408, 429, 430, 480, 486, 491:
		return inBusy
	case 501, 505, 513:
		return inRefused
	}
	if status >= 500 && status < 600 {
		return inBusy
	}
	return inRefused
}

// judge turns what came back for a REGISTER into an input and, for a challenge,
// the headers of the next one.
func judge(r Response, err error, x *digest.Exchange) (input, []digest.Header) {
	if err != nil {
		return input{kind: inLost, reason: sendReason(err)}, nil
	}
	in := input{
		status: r.Status, reason: phrase(r.Status, r.Reason), granted: r.Expires,
		minExpires: r.MinExpires, retryAfter: r.RetryAfter,
	}
	switch {
	case r.Status >= 200 && r.Status < 300:
		in.kind = inOK
	case r.Status == 401 || r.Status == 407:
		headers, err := x.Challenge(r.Peer, r.Status, r.WWWAuthenticate, r.ProxyAuthenticate)
		if err != nil {
			in.kind, in.reason = inRefused, in.reason+": "+err.Error()
			return in, nil
		}
		in.kind = inChallenged
		return in, headers
	case r.Status == 423:
		in.kind = inBrief
	default:
		in.kind = verdict(r.Status)
	}
	return in, nil
}

func sendReason(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return "no answer in time"
	}
	return clean(err.Error())
}

func phrase(status int, reason string) string {
	return strings.TrimSpace(strconv.Itoa(status) + " " + clean(reason))
}

// clean makes a peer's text fit for logs and tables.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	if len(s) > maxReason {
		s = strings.ToValidUTF8(s[:maxReason], "")
	}
	return s
}

// deadFor is how long a target is avoided after an input, 0 for the default.
func (in input) deadFor() time.Duration { return min(in.retryAfter, maxRetryAfter) }
