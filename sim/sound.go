package sim

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/pion/rtp"

	"cordboard/mediamix"
	"cordboard/sipua/offer"
)

// maxHeard bounds what a party keeps of what it heard: 10 minutes at 8 kHz.
const maxHeard = 10 * 60 * 8000

// Sound is a party's microphone and ear: one RTP socket, a source that is sent every 20 ms, and a record of everything
// received.
type Sound struct {
	conn   *net.UDPConn
	source func(dst []int16) // fills the next frame; called by the sender only; nil: nothing is ever sent
	// noEvents leaves telephone-event out of Local; set before the first call of it.
	noEvents bool
	ctx      context.Context
	cancel   context.CancelFunc
	wg       sync.WaitGroup
	out, in  *road

	mu      sync.Mutex
	media   offer.Negotiated
	ready   bool // media is agreed
	mute    bool
	heard   []int16
	arrived chan struct{} // closed and renewed with each packet
	check   checker
	last    time.Time     // arrival of the newest packet
	pause   time.Duration // longest between two packets since that was asked
	digits  digits
	keys    []byte // event codes to send
}

// Quiet is a source for parties that only listen: they send no packets at all, which keeps a world of many parties light.
func Quiet() func([]int16) { return nil }

// NewSound opens a socket at addr and starts sending when Agree was called. source is asked for 160 samples at a time; nil
// sends nothing.
func NewSound(addr netip.Addr, source func([]int16)) (*Sound, error) {
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(addr, 0)))
	if err != nil {
		return nil, fmt.Errorf("rtp socket: %w", err)
	}
	if err := stamped(conn); err != nil {
		conn.Close()
		return nil, fmt.Errorf("rtp socket: %w", err)
	}
	s := &Sound{conn: conn, source: source, arrived: make(chan struct{}), out: newRoad(Faults{}), in: newRoad(Faults{})}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.wg.Go(s.receive)
	if source != nil {
		s.wg.Go(s.send)
	}
	return s, nil
}

// Local is our side of the media for an offer or answer.
func (s *Sound) Local(dir offer.Direction) offer.Local {
	a := s.conn.LocalAddr().(*net.UDPAddr).AddrPort()
	l := offer.Local{
		Addr: a.Addr().Unmap(), Port: a.Port(), Codecs: []offer.Codec{offer.PCMA, offer.PCMU}, EventPT: 101, Direction: dir, PTime: 20,
	}
	if s.noEvents {
		l.EventPT = 0
	}
	return l
}

// Agree sets what was negotiated.
func (s *Sound) Agree(n offer.Negotiated) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.media, s.ready = n, true
}

// Agreed is what was negotiated last.
func (s *Sound) Agreed() offer.Negotiated {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.media
}

// Close ends both directions and returns when they have ended.
func (s *Sound) Close() {
	s.cancel()
	s.conn.Close()
	s.wg.Wait()
	s.out.wg.Wait()
	s.in.wg.Wait()
}

// Faults puts this party behind a bad network from now on: what befalls the RTP it sends, and the RTP it receives.
func (s *Sound) Faults(sent, received Faults) {
	s.out.set(sent)
	s.in.set(received)
}

// Mute stops sending sound: packets stop too, as with a phone that died.
func (s *Sound) Mute(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mute = on
}

// Press queues keys to be sent as telephone-events.
func (s *Sound) Press(keys string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range keys {
		if i := strings.IndexRune(keyNames, r); i >= 0 {
			s.keys = append(s.keys, byte(i))
		}
	}
}

// Digits are the keys received so far.
func (s *Sound) Digits() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.digits.keys
}

// Wire is the state of the received stream.
func (s *Sound) Wire() Wire {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.check.wire
}

// Pause is the longest time between two packets received since it was asked last, or, where that is longer, since the
// newest one: 20 ms when the stream is whole.
func (s *Sound) Pause() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	longest := s.pause
	if !s.last.IsZero() {
		longest = max(longest, time.Since(s.last))
	}
	s.pause = 0
	return longest
}

// Listen returns the next d of sound that arrives from now on. A stream that stays silent on the wire gives what came
// within d and half a second.
func (s *Sound) Listen(ctx context.Context, d time.Duration) ([]int16, error) {
	want := int(d.Seconds() * 8000)
	ctx, cancel := context.WithTimeout(ctx, d+500*time.Millisecond)
	defer cancel()
	s.mu.Lock()
	from := len(s.heard)
	s.mu.Unlock()
	for {
		s.mu.Lock()
		got, more := s.heard[from:], s.arrived
		s.mu.Unlock()
		if len(got) >= want {
			return append([]int16(nil), got[:want]...), nil
		}
		select {
		case <-more:
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return append([]int16(nil), got...), nil
			}
			return nil, ctx.Err()
		}
	}
}

// Heard is a copy of everything received.
func (s *Sound) Heard() []int16 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]int16(nil), s.heard...)
}

// Record writes everything received as a WAV file, 8 kHz mono.
func (s *Sound) Record(path string) error { return mediamix.WriteWAV(path, s.Heard()) }

func (s *Sound) receive() {
	buf, oob := make([]byte, 2048), make([]byte, 128)
	for {
		n, control, _, _, err := s.conn.ReadMsgUDPAddrPort(buf, oob)
		if err != nil {
			return
		}
		at := arrival(oob[:control], time.Now())
		f := s.in.faults.Load()
		s.in.pass(s.ctx, buf[:n], func(b []byte) {
			if f.Delay+f.Jitter > 0 {
				at = time.Now()
			}
			var p rtp.Packet
			if p.Unmarshal(b) == nil && p.Version == 2 {
				s.take(&p, at)
			}
		})
	}
}

func (s *Sound) take(p *rtp.Packet, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.last.IsZero() {
		s.pause = max(s.pause, now.Sub(s.last))
	}
	s.last = now
	if s.ready && s.media.EventRecvPT != 0 && p.PayloadType == s.media.EventRecvPT {
		s.check.events(&p.Header, now)
		s.digits.packet(p.Timestamp, p.Payload)
		return
	}
	codec, ok := codecOf(p.PayloadType)
	if !ok {
		return
	}
	s.check.audio(&p.Header, now)
	if len(s.heard) < maxHeard {
		pcm := make([]int16, len(p.Payload))
		codec.Decode(pcm, p.Payload)
		s.heard = append(s.heard, pcm...)
	}
	close(s.arrived)
	s.arrived = make(chan struct{})
}

func codecOf(pt uint8) (mediamix.Codec, bool) {
	switch pt {
	case offer.PCMU.PT:
		return mediamix.CodecPCMU, true
	case offer.PCMA.PT:
		return mediamix.CodecPCMA, true
	}
	return 0, false
}

// send writes a packet each 20 ms on an absolute schedule.
func (s *Sound) send() {
	out := outgoing{ssrc: rand.Uint32(), seq: uint16(rand.Uint32()), ts: rand.Uint32()}
	pcm := make([]int16, frame)
	next := time.Now()
	for {
		next = next.Add(20 * time.Millisecond)
		select {
		case <-time.After(time.Until(next)):
		case <-s.ctx.Done():
			return
		}
		s.mu.Lock()
		media, ready := s.media, s.ready && !s.mute
		if ready && out.event == nil && len(s.keys) > 0 && media.EventSendPT != 0 {
			out.start(s.keys[0])
			s.keys = s.keys[1:]
		}
		s.mu.Unlock()
		s.source(pcm)
		if ready && media.Direction.Send() && media.Remote.IsValid() && !media.Remote.Addr().IsUnspecified() {
			for _, b := range out.packets(media, pcm) {
				s.out.pass(s.ctx, b, func(b []byte) { _, _ = s.conn.WriteToUDPAddrPort(b, media.Remote) })
			}
		}
		out.ts += frame
	}
}

// outgoing is the state of the stream we send.
type outgoing struct {
	ssrc  uint32
	seq   uint16
	ts    uint32
	event *event
}

type event struct {
	code    byte
	ts      uint32
	samples uint16
	first   bool
}

func (o *outgoing) start(code byte) { o.event = &event{code: code, ts: o.ts, first: true} }

// eventSamples is the length of a key: 100 ms.
const eventSamples = 5 * frame

// packets are those of this tick: one of sound, or of a key; the last of a key three times (RFC 4733 §2.5.1.4).
func (o *outgoing) packets(media offer.Negotiated, pcm []int16) [][]byte {
	if o.event == nil {
		codec, _ := mediamix.ParseCodec(media.Codec.Name)
		payload := make([]byte, len(pcm))
		codec.Encode(payload, pcm)
		return [][]byte{o.packet(media.Codec.PT, o.ts, false, payload)}
	}
	e := o.event
	e.samples += frame
	end := e.samples >= eventSamples
	n := 1
	if end {
		n, o.event = 3, nil
	}
	var out [][]byte
	for range n {
		out = append(out, o.packet(media.EventSendPT, e.ts, e.first, eventPayload(e.code, end, e.samples)))
		e.first = false
	}
	return out
}

func (o *outgoing) packet(pt uint8, ts uint32, marker bool, payload []byte) []byte {
	p := rtp.Packet{Header: rtp.Header{
		Version: 2, PayloadType: pt, SequenceNumber: o.seq, Timestamp: ts, SSRC: o.ssrc, Marker: marker,
	}, Payload: payload}
	o.seq++
	b, err := p.Marshal()
	if err != nil {
		return nil
	}
	return b
}

// Tone is a source of sines of the given frequencies in Hz (multiples of 5 Hz), each at dbfs.
func Tone(dbfs float64, hz ...float64) func([]int16) { return mediamix.NewGenerator(dbfs, hz...).Fill }

// Samples is a source that plays pcm (8 kHz mono) again and again.
func Samples(pcm []int16) func([]int16) {
	at := 0
	return func(dst []int16) {
		for i := range dst {
			if len(pcm) == 0 {
				dst[i] = 0
				continue
			}
			dst[i] = pcm[at]
			at = (at + 1) % len(pcm)
		}
	}
}
