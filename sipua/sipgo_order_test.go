package sipua

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"
)

// The tests here are why sipgo's TransactionLayer is not used (docs/adr/0009): they hold what v1.7.2 does. One that
// fails after an update of sipgo says that the decision can be looked at again.

// layer is sipgo's own transaction layer over a network in memory.
func layer(t *testing.T, peer netip.AddrPort) (self *memConn, txl *sip.TransactionLayer, stop func()) {
	n := newMemNet(1, 1, time.Millisecond)
	c, _ := n.listen("udp", netip.MustParseAddrPort("127.0.0.1:6001"))
	sipgoSettings()
	log := slog.New(slog.DiscardHandler)
	tpl := sip.NewTransportLayer(net.DefaultResolver, sip.NewParser(), nil, sip.WithTransportLayerLogger(log))
	txl = sip.NewTransactionLayer(tpl, sip.WithTransactionLayerLogger(log), sip.WithTransactionLayerUnhandledResponseHandler(func(*sip.Response) {}))
	var wg sync.WaitGroup
	wg.Go(func() { _ = tpl.ServeUDP(c) })
	self = c.(*memConn)
	self.in <- datagram{peer, []byte("\r\n\r\n")}
	synctest.Wait()
	return self, txl, func() {
		txl.Close()
		_ = c.Close()
		wg.Wait()
		_ = tpl.Close()
	}
}

// Requests of one dialog reach the handler in another order than that of the wire.
func TestSipgoInvertsRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const requests = 2000
		peer := netip.MustParseAddrPort("127.0.0.1:6002")
		self, txl, stop := layer(t, peer)
		defer stop()
		var mu sync.Mutex
		var order []uint32
		txl.OnRequest(func(req *sip.Request, tx *sip.ServerTx) {
			mu.Lock()
			order = append(order, req.CSeq().SeqNo)
			mu.Unlock()
			tx.Terminate()
		})
		for i := range requests {
			self.in <- datagram{peer, fmt.Appendf(nil, "INFO sip:x@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP %v;branch=z9hG4bK%d\r\nFrom: <sip:a@x>;tag=1\r\nTo: <sip:x@x>;tag=2\r\nCall-ID: c\r\nCSeq: %d INFO\r\nContent-Length: 0\r\n\r\n", peer, i, i+1)}
		}
		time.Sleep(time.Minute)
		mu.Lock()
		defer mu.Unlock()
		inverted := 0
		for i := 1; i < len(order); i++ {
			if order[i] < order[i-1] {
				inverted++
			}
		}
		t.Logf("%d of %d requests came after a later one", inverted, len(order))
		if len(order) != requests || inverted == 0 {
			t.Errorf("%d requests, none inverted: sipgo keeps the order now", len(order))
		}
	})
}

// The answers to an INVITE come apart when they arrive back to back, and those overtaken by the final one are lost.
func TestSipgoLosesRinging(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const calls = 200
		peer := netip.MustParseAddrPort("127.0.0.1:6002")
		self, txl, stop := layer(t, peer)
		defer stop()
		lost := 0
		for i := range calls {
			req := sip.NewRequest(sip.INVITE, sip.Uri{Scheme: "sip", User: "x", Host: "127.0.0.1", Port: int(peer.Port())})
			via := &sip.ViaHeader{ProtocolName: "SIP", ProtocolVersion: "2.0", Transport: "UDP", Host: "127.0.0.1", Port: 6001}
			via.Params.Add("branch", sip.GenerateBranchN(16))
			req.AppendHeader(via)
			from := &sip.FromHeader{Address: sip.Uri{Scheme: "sip", User: "a", Host: "x"}}
			from.Params.Add("tag", "1")
			req.AppendHeader(from)
			req.AppendHeader(&sip.ToHeader{Address: sip.Uri{Scheme: "sip", User: "x", Host: "x"}})
			id := sip.CallIDHeader(fmt.Sprint("call-", i))
			req.AppendHeader(&id)
			req.AppendHeader(&sip.CSeqHeader{SeqNo: 1, MethodName: sip.INVITE})
			req.SetTransport("UDP")
			req.SetDestination(peer.String())
			req.Laddr = sip.Addr{IP: net.IPv4(127, 0, 0, 1), Port: 6001}
			tx, err := txl.Request(context.Background(), req)
			if err != nil {
				t.Fatal(err)
			}
			for _, status := range []int{100, 180, 183, 200} {
				res := sip.NewResponseFromRequest(req, status, "X", nil)
				self.in <- datagram{peer, []byte(res.String())}
			}
			heard := map[int]bool{}
			for open := true; open; {
				select {
				case res := <-tx.Responses():
					heard[res.StatusCode] = true
					if res.StatusCode >= 200 {
						open = false
					}
				case <-time.After(time.Second):
					open = false
				}
			}
			tx.Terminate()
			if !heard[180] {
				lost++
			}
		}
		t.Logf("180 not heard before the answer in %d of %d calls", lost, calls)
		if lost == 0 {
			t.Error("no 180 lost: sipgo keeps the order now")
		}
	})
}
