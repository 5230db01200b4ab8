package daemon

import (
	"fmt"
	"sync"
	"time"

	"cordboard/callcontrol"
	"cordboard/mediamix"
	"cordboard/rtp"
	"cordboard/sipua"
	"cordboard/sipua/offer"
)

// eventPT is the payload type proposed for telephone-event (RFC 4733).
const eventPT = 101

// leg is one party: a dialog, a stream, a seat on the desk's board.
type leg struct {
	id     callcontrol.LegID
	desk   *desk
	d      *Daemon
	set    *settings
	device bool
	asked  bool  // we sent the INVITE
	ring   *ring // to a device that we call; nil for other legs

	infoDone chan sipua.InfoFailed // how the INFO under way came out; status 200: taken
	gone     chan struct{}         // closed with the leg

	mu      sync.Mutex
	dialog  *sipua.Dialog
	stream  *rtp.Stream
	board   *mediamix.Board
	slot    int
	local   offer.Local
	codec   string // in force on the board
	refer   *sipua.ReferRequested
	digits  []func(error)        // completions of digit strings, oldest first
	infos   []callcontrol.Digits // to be sent by INFO; the first is under way
	closed  bool
	opened  time.Time
	invited time.Time // when the INVITE came; zero: it is ours
	release func()    // gives the leg's place among limits.max_legs back
}

// open reserves ports and a seat; it does nothing when the leg has them.
func (l *leg) open() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stream != nil {
		return nil
	}
	if l.closed {
		return rtp.ErrClosed
	}
	board, slot, ok := l.desk.seat(l)
	if !ok {
		return fmt.Errorf("desk %s: no free seat on the board", l.desk.agent)
	}
	s, err := l.d.engine.Open(rtp.OpenParams{
		Group: l.desk.group(), Board: board, Slot: slot, Name: string(l.id), OnEvent: l.onMedia,
	})
	if err != nil {
		return fmt.Errorf("open media: %w", err)
	}
	l.stream, l.board, l.slot = s, board, slot
	l.local = offer.Local{
		Addr: l.d.mediaAddr, Port: s.Local().Port(), Codecs: l.codecs(), EventPT: eventPT, PTime: 20,
		Prefer: l.desk.codecInUse(),
	}
	return nil
}

// codecs are those of the trunk or device in its order, the desk's codec in use first.
func (l *leg) codecs() []offer.Codec {
	names := l.set.trunk.Codecs
	if l.device {
		names = l.set.config.Device.Codecs
	}
	use := l.desk.codecInUse()
	var first, rest []offer.Codec
	for _, n := range names {
		c := offer.PCMA
		if string(n) == offer.PCMU.Name {
			c = offer.PCMU
		}
		if c.Name == use {
			first = append(first, c)
		} else {
			rest = append(rest, c)
		}
	}
	return append(first, rest...)
}

// agree puts negotiated media in force.
func (l *leg) agree(n offer.Negotiated) {
	codec, ok := mediamix.ParseCodec(n.Codec.Name)
	l.mu.Lock()
	s, board, slot, fresh := l.stream, l.board, l.slot, l.codec != n.Codec.Name
	if s == nil || !ok || l.closed {
		l.mu.Unlock()
		return
	}
	l.codec = n.Codec.Name
	l.mu.Unlock()
	l.desk.useCodec(n.Codec.Name)
	if fresh {
		l.d.engine.Do(l.desk.group(), func() { board.Join(slot, codec) }, nil)
	}
	s.Update(rtp.Params{
		Remote: n.Remote, RemoteRTCP: n.RemoteRTCP,
		SendPT: n.Codec.PT, RecvPT: n.RecvPT, Codec: rtp.Codec{Name: codec.String(), ClockRate: int(n.Codec.ClockRate)},
		PTime:       time.Duration(n.PTime) * time.Millisecond,
		EventSendPT: n.EventSendPT, EventRecvPT: n.EventRecvPT,
		Send: n.Direction.Send(), Recv: n.Direction.Recv(),
		Learn:   l.d.mayLearn(l.device),
		Timeout: l.d.silenceLimit(n),
	})
}

// close ends the leg's media; the first call only.
func (l *leg) close() {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return
	}
	l.closed = true
	close(l.gone)
	s, board, slot, release := l.stream, l.board, l.slot, l.release
	pending := l.digits
	l.digits = nil
	l.mu.Unlock()

	if s != nil {
		l.d.engine.Do(l.desk.group(), func() { board.Leave(slot) }, nil)
		l.d.ended(l, s.Close())
	}
	if l.desk.remove(l) {
		l.d.sweepSoon()
	}
	if release != nil {
		release()
	}
	for _, done := range pending {
		done(rtp.ErrClosed)
	}
}

func (l *leg) current() (*sipua.Dialog, *rtp.Stream, offer.Local) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.dialog, l.stream, l.local
}

func (l *leg) setDialog(d *sipua.Dialog) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dialog = d
}

func (l *leg) setReceived(at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.invited = at
}

// received is when the leg's INVITE came; zero: it is ours.
func (l *leg) received() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.invited
}
