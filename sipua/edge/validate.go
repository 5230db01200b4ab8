package edge

// Validate judges one raw message as it came: a datagram, or a whole framed message of a stream. It catches what
// the parser behind lets pass (RFC 3261 §7, §8.1.1, §18.3, §25) and allocates nothing. A fault in a response or an ACK
// is always a Drop.
func Validate(raw []byte, stream bool) Verdict {
	c := check{fields: fields{data: raw}}
	reason := c.message(stream)
	if reason == ReasonNone {
		return Verdict{Action: Accept, Size: c.pos + c.length}
	}
	v := Verdict{Action: Drop, Reason: reason}
	if status := reason.status(); status != 0 && c.start == request && !c.ack() {
		v.Action, v.Status = Answer, status
	}
	return v
}

// check is the state of one validation.
type check struct {
	fields
	start  startKind
	method []byte
	seen   uint32 // bit per field
	vias   int
	length int // bytes of the body
}

func (c *check) ack() bool { return string(c.method) == "ACK" }

func (c *check) message(stream bool) Reason {
	if len(c.data) == 0 {
		return ReasonEmpty
	}
	if fault := c.startLine(); fault != ReasonNone {
		return fault
	}
	declared := -1
	for n := 0; ; n++ {
		if n > maxFields {
			return ReasonTooLarge
		}
		name, value, done, fault := c.next()
		if fault != ReasonNone {
			return fault
		}
		if done {
			break
		}
		if fault := c.field(fieldOf(name), value, &declared); fault != ReasonNone {
			return fault
		}
	}
	const mandatory = 1<<fieldTo | 1<<fieldFrom | 1<<fieldCallID | 1<<fieldCSeq | 1<<fieldVia
	if c.seen&mandatory != mandatory {
		return ReasonMissing
	}
	if c.start == response && c.vias != 1 { // RFC 3261 §8.1.3.3
		return ReasonVia
	}
	return c.body(declared, stream)
}

// body settles the length of the body.
func (c *check) body(declared int, stream bool) Reason {
	have := len(c.data) - c.pos
	switch {
	case declared < 0 && stream:
		return ReasonNoLength
	case declared < 0:
		declared = have
	case declared > have:
		return ReasonLength
	}
	c.length = declared
	return ReasonNone
}

// field judges one header.
func (c *check) field(id field, value []byte, declared *int) Reason {
	if fault := controls(value); fault != ReasonNone {
		return fault
	}
	if id == fieldOther {
		return ReasonNone
	}
	bit := uint32(1) << id
	again := c.seen&bit != 0
	if again && id != fieldVia && id != fieldContact {
		if id == fieldContentLength {
			return ReasonBadLength
		}
		return ReasonRepeated
	}
	c.seen |= bit
	v := trim(value)
	switch id {
	case fieldTo, fieldFrom:
		return address(v, false)
	case fieldContact:
		return address(v, true)
	case fieldVia:
		c.vias += listLength(v)
		if !again {
			return via(v)
		}
	case fieldCallID:
		if w, _ := word(v, ""); len(w) == 0 || len(w) != len(v) {
			return ReasonCallID
		}
	case fieldCSeq:
		return c.cseq(v)
	case fieldMaxForwards:
		return within(v, 255)
	case fieldExpires:
		return within(v, 1<<32-1)
	case fieldContentLength:
		n, ok := number(v, 1<<31-1)
		if !ok {
			return overlong(v)
		}
		*declared = int(n)
	}
	return ReasonNone
}

// overlong tells a Content-Length that is a number beyond all bytes from one that is no number.
func overlong(v []byte) Reason {
	for _, c := range v {
		if c < '0' || c > '9' {
			return ReasonBadLength
		}
	}
	if len(v) == 0 {
		return ReasonBadLength
	}
	return ReasonLength
}

func within(v []byte, limit uint64) Reason {
	if _, ok := number(v, limit); !ok {
		return ReasonNumber
	}
	return ReasonNone
}

// cseq judges "number method" (RFC 3261 §8.1.1.5).
func (c *check) cseq(v []byte) Reason {
	n, rest := word(v, "")
	if _, ok := number(n, 1<<31-1); !ok {
		return ReasonCSeq
	}
	method := trimLeft(rest)
	if !token(method) {
		return ReasonCSeq
	}
	if c.start == request && string(method) != string(c.method) {
		return ReasonMethodMismatch
	}
	return ReasonNone
}

// controls refuses control characters but in a quoted pair, where the grammar has them (RFC 3261 §25.1).
func controls(value []byte) Reason {
	quote := false
	for i := 0; i < len(value); i++ {
		c := value[i]
		switch {
		case c == '"':
			quote = !quote
		case c == '\\' && quote:
			if i++; i < len(value) && (value[i] == '\r' || value[i] == '\n') {
				return ReasonControl
			}
		case c < ' ' && !isSpace(c), c == 0x7f:
			return ReasonControl
		}
	}
	return ReasonNone
}
