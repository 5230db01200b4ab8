package offer

import (
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var update = flag.Bool("update", false, "write the golden files")

// byAddr lets cmp see inside netip values.
var byAddr = cmp.Options{cmpopts.EquateComparable(netip.Addr{}, netip.AddrPort{})}

func addr(s string) netip.Addr     { return netip.MustParseAddr(s) }
func port(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

// lines joins with CRLF and ends the last line.
func lines(l ...string) []byte { return []byte(strings.Join(l, "\r\n") + "\r\n") }

// local is our usual side in tests.
func local() Local {
	return Local{Addr: addr("198.51.100.7"), Port: 20000, Codecs: []Codec{PCMA, PCMU}, EventPT: 101}
}

func testSession() *Session { return newSession("cordboard", 1000) }

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s differs (-want +got):\n%s", path, d)
	}
}

// version returns the o= version of a description of ours.
func version(t *testing.T, body []byte) string {
	t.Helper()
	for l := range strings.Lines(string(body)) {
		if v, ok := strings.CutPrefix(l, "o="); ok {
			return strings.Fields(v)[2]
		}
	}
	t.Fatalf("no o= in %q", body)
	return ""
}

func portFrom(p netip.AddrPort, n uint16) netip.AddrPort { return netip.AddrPortFrom(p.Addr(), n) }
