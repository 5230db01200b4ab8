package main

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"cordboard/mediamix"
)

// Payload bytes of the radios, PCMU. untouched is negative zero: a mixer's output never has it, so that a packet which still
// carries it was relayed. Conferences say levels whose sums are codes of their own.
const untouched = 0x7F

// frameTime is the packet time; frameSize its payload, PCMU.
const (
	frameTime = 20 * time.Millisecond
	frameSize = 160
)

// radio is one party's RTP socket.
type radio struct {
	conn *net.UDPConn
	gone func()
	wg   sync.WaitGroup

	to     atomic.Pointer[netip.AddrPort]
	packet [12 + frameSize]byte // of the sender
	say    atomic.Uint32        // payload byte
	want   atomic.Uint32        // payload byte to be heard

	sent, got, right atomic.Uint64
}

func newRadio() (*radio, error) {
	conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(loopback, 0)))
	if err != nil {
		return nil, err
	}
	r := &radio{conn: conn, gone: func() {}}
	r.packet[0] = 0x80
	binary.BigEndian.PutUint32(r.packet[8:], rand.Uint32())
	r.say.Store(untouched)
	r.want.Store(untouched)
	r.wg.Go(r.receive)
	return r, nil
}

func (r *radio) port() uint16 { return r.conn.LocalAddr().(*net.UDPAddr).AddrPort().Port() }

// aim makes the radio send from now on.
func (r *radio) aim(to netip.AddrPort) { r.to.Store(&to) }

func (r *radio) close() {
	r.gone()
	_ = r.conn.Close()
	r.wg.Wait()
}

func (r *radio) receive() {
	buf := make([]byte, 1500)
	for {
		n, _, err := r.conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		if n != len(r.packet) || buf[1]&0x7F != 0 {
			continue // RTCP of a neighbour, telephone-event
		}
		r.got.Add(1)
		if uint32(buf[12+frameSize/2]) == r.want.Load() {
			r.right.Add(1)
		}
	}
}

// send sends the packet that is due.
func (r *radio) send() {
	to := r.to.Load()
	if to == nil {
		return
	}
	p := r.packet[:]
	binary.BigEndian.PutUint16(p[2:], binary.BigEndian.Uint16(p[2:])+1)
	binary.BigEndian.PutUint32(p[4:], binary.BigEndian.Uint32(p[4:])+frameSize)
	say := byte(r.say.Load())
	for i := range p[12:] {
		p[12+i] = say
	}
	if _, err := r.conn.WriteToUDPAddrPort(p, *to); err == nil {
		r.sent.Add(1)
	}
}

// traffic sends for all radios of a world, evenly spread over each 20 ms, until ctx ends.
func (w *world) traffic(ctx context.Context) {
	start := time.Now()
	for n := 0; ctx.Err() == nil; n++ {
		w.mu.Lock()
		all := slices.Clone(w.radios)
		w.mu.Unlock()
		frame := start.Add(time.Duration(n) * frameTime)
		for i, r := range all {
			due := frame.Add(frameTime * time.Duration(i) / time.Duration(len(all)))
			if d := time.Until(due); d > 200*time.Microsecond {
				time.Sleep(d)
			}
			r.send()
		}
		time.Sleep(time.Until(frame.Add(frameTime)))
	}
}

// tally is the sum over radios.
type tally struct{ sent, got, right uint64 }

func (w *world) tally() (t tally) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range w.radios {
		t.sent += r.sent.Load()
		t.got += r.got.Load()
		t.right += r.right.Load()
	}
	return t
}

func (t tally) since(b tally) tally { return tally{t.sent - b.sent, t.got - b.got, t.right - b.right} }

// level is the PCMU code of a steady level, and the level it decodes to.
func level(v int16) (code byte, exact int16) {
	in, out := make([]int16, frameSize), make([]byte, frameSize)
	for i := range in {
		in[i] = v
	}
	mediamix.CodecPCMU.Encode(out, in)
	mediamix.CodecPCMU.Decode(in, out)
	return out[0], in[0]
}
