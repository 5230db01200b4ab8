package rtp

import (
	"encoding/binary"

	pionrtp "github.com/pion/rtp"
)

// parsed is one RTP packet: head is pion's, reused; the payload is data[off:end].
type parsed struct {
	head     pionrtp.Header
	off, end int
}

// parse reads data with pion and checks what pion does not: the version, and the padding against the payload.
func (p *parsed) parse(data []byte) bool {
	if len(data) < headerLen || data[0]>>6 != 2 {
		return false
	}
	n, err := p.head.Unmarshal(data)
	if err != nil {
		return false
	}
	p.off, p.end = n, len(data)
	if p.head.Padding {
		pad := int(data[p.end-1])
		if pad == 0 || pad > p.end-p.off {
			return false
		}
		p.end -= pad
	}
	return true
}

// putHeader writes a fixed RTP header into the first 12 bytes of b.
func putHeader(b []byte, pt uint8, s stamp, ssrc uint32) {
	b[0] = 2 << 6
	b[1] = pt & 0x7F
	if s.marker {
		b[1] |= 0x80
	}
	binary.BigEndian.PutUint16(b[2:], s.seq)
	binary.BigEndian.PutUint32(b[4:], s.ts)
	binary.BigEndian.PutUint32(b[8:], ssrc)
}
