package edge

import (
	"errors"
	"io"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

var ourEnd = netip.MustParseAddrPort("192.0.2.1:40000")

// What comes by Dialled has the fate of what comes by Conn: messages, answers, pongs and breaks.
func TestDialledEqualsConn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		part := rapid.SampledFrom([]string{
			options(), options("Content-Length: 4") + "body", ok200(), "\r\n", "\r\n\r\n", options("CSeq: x"), ok200("CSeq: x"),
			options("-Content-Length"), options("+l: 0"), "rubbish\x00", bomb(),
		})
		in := strings.Join(rapid.SliceOfN(part, 1, 10).Draw(t, "parts"), "")
		cuts := pieces(in, rapid.IntRange(1, 700).Draw(t, "size"))
		conn := &fakeConn{in: append([]string(nil), cuts...)}
		want, err := io.ReadAll(New(Config{MaxSources: 8}).Conn(conn))
		if err != nil {
			t.Fatal(err)
		}
		f := New(Config{MaxSources: 8})
		var got, wrote []byte
		broken := false
		for _, p := range cuts {
			out, err := f.Dialled(ourEnd, someone, []byte(p), func(b []byte) { wrote = append(wrote, b...) })
			got = append(got, out...)
			if err != nil {
				broken = true
				if !errors.Is(err, ErrBroken) {
					t.Fatal(err)
				}
				break
			}
		}
		// What the last read completed before it broke is lost with the connection.
		if broken != conn.closed || !strings.HasPrefix(string(want), string(got)) || !broken && string(got) != string(want) {
			t.Fatalf("broken %v, closed %v\ngot  %q\nwant %q", broken, conn.closed, got, want)
		}
		if string(wrote) != conn.out.String() {
			t.Fatalf("wrote %q, want %q", wrote, conn.out.String())
		}
	})
}

func TestDialledKeepsOnlyWhatIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := New(Config{MaxConns: 2, MaxSources: 8})
		feed := func(port uint16, s string) error {
			_, err := f.Dialled(netip.AddrPortFrom(ourEnd.Addr(), port), someone, []byte(s), nil)
			return err
		}
		if err := feed(1, options()); err != nil || len(f.flows.m) != 0 {
			t.Errorf("%v, %d kept after a whole message", err, len(f.flows.m))
		}
		if feed(1, "OPT") != nil || feed(2, "OPT") != nil || len(f.flows.m) != 2 {
			t.Errorf("%d kept", len(f.flows.m))
		}
		if err := feed(3, "OPT"); !errors.Is(err, ErrBroken) || f.Stats().Dropped[ReasonConns] != 1 {
			t.Errorf("above the cap: %v", err)
		}
		if err := feed(1, options()[3:]); err != nil || len(f.flows.m) != 1 {
			t.Errorf("%v, %d kept", err, len(f.flows.m))
		}
		time.Sleep(21 * time.Second)
		if err := feed(2, options()[3:]); !errors.Is(err, ErrBroken) || len(f.flows.m) != 0 || f.Stats().Dropped[ReasonIdle] != 1 {
			t.Errorf("too late: %v", err)
		}
		_, _ = feed(4, "OPT"), feed(5, "OPT")
		time.Sleep(time.Minute) // both connections are gone
		if err := feed(6, "OPT"); err != nil || len(f.flows.m) != 1 {
			t.Errorf("%v, %d kept", err, len(f.flows.m))
		}
	})
}
