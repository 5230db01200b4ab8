package edge

import (
	"bytes"
	"hash/fnv"
	"net/netip"
	"strconv"
)

var phrases = map[int]string{400: "Bad Request", 416: "Unsupported URI Scheme", 505: "Version Not Supported", 513: "Message Too Large"}

// respond builds the stateless answer to a faulty request (RFC 3261 §8.2.6, §8.2.7): it echoes what it can of
// Via, From, To, Call-ID and CSeq, and tags To by a hash, so that a retransmission gets the same answer. It returns nil if
// there is no Via to answer to, or the request is an ACK.
func respond(raw []byte, v Verdict, src netip.AddrPort) []byte {
	c := check{fields: fields{data: raw}}
	if c.start = sniff(raw); c.start != request {
		return nil
	}
	c.method, _ = word(raw, "")
	if _, fault := c.line(); fault != ReasonNone || c.ack() {
		return nil
	}
	reason := phrases[v.Status]
	if v.Status == 400 {
		reason += " (" + v.Reason.String() + ")"
	}
	out := make([]byte, 0, 512)
	out = append(out, "SIP/2.0 "+strconv.Itoa(v.Status)+" "+reason+"\r\n"...)
	out, vias := echo(out, &c, src)
	if vias == 0 {
		return nil
	}
	return append(out, "Content-Length: 0\r\n\r\n"...)
}

// maxEcho bounds the headers echoed: an answer is never much larger than an honest request needs.
const maxEcho = 8 << 10

// echo appends the headers an answer repeats, each once but Via, up to the first that is broken.
func echo(out []byte, c *check, src netip.AddrPort) (_ []byte, vias int) {
	for c.seen = 0; len(out) < maxEcho; {
		name, value, done, fault := c.next()
		if done || fault != ReasonNone {
			break
		}
		id := fieldOf(name)
		if id == fieldOther || id > fieldVia || controls(value) != ReasonNone {
			continue
		}
		if again := c.seen&(1<<id) != 0; again && id != fieldVia {
			continue
		}
		c.seen |= 1 << id
		value = unfold(value)
		switch id {
		case fieldVia:
			if vias++; vias == 1 {
				value = received(value, src)
			}
			out = append(out, "Via: "...)
		case fieldFrom:
			out = append(out, "From: "...)
		case fieldTo:
			out = append(out, "To: "...)
			if !bytes.Contains(bytes.ToLower(bytes.ReplaceAll(value, []byte(" "), nil)), []byte(";tag=")) {
				h := fnv.New64a()
				headers, _, _ := bytes.Cut(c.data, []byte("\r\n\r\n"))
				h.Write(headers)
				value = append(value, ";tag="+strconv.FormatUint(h.Sum64(), 36)...)
			}
		case fieldCallID:
			out = append(out, "Call-ID: "...)
		case fieldCSeq:
			out = append(out, "CSeq: "...)
		}
		out = append(append(out, value...), "\r\n"...)
	}
	return out, vias
}

// unfold copies a value with each run of white space as one space.
func unfold(v []byte) []byte {
	return bytes.Join(bytes.FieldsFunc(v, func(r rune) bool { return r < 0x80 && isSpace(byte(r)) }), []byte(" "))
}

// received adds where the request really came from to the first value of Via (RFC 3261 §18.2.1, RFC 3581 §4).
func received(via []byte, src netip.AddrPort) []byte {
	end := len(via)
	if i := bytes.IndexByte(via, ','); i >= 0 {
		end = i
	}
	first, rest := via[:end], via[end:]
	var out []byte
	for i, p := range bytes.Split(first, []byte(";")) {
		p = trim(p)
		switch {
		case i == 0:
			out = append(out, p...)
		case len(p) == 0 || hasPrefix(p, "received="):
		case is(p, "rport"):
			out = append(out, ";rport="+strconv.Itoa(int(src.Port()))...)
		default:
			out = append(append(out, ';'), p...)
		}
	}
	out = append(out, ";received="+src.Addr().String()...)
	return append(out, rest...)
}
