package edge

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/emiago/sipgo/sip"
)

// corpus is the expected verdict on each message of RFC 4475 and RFC 5118 as a datagram. Those accepted that need
// more than syntax (an unknown extension, content type, method or scheme in To) are the user agent's to answer.
var corpus = map[string]struct {
	action Action
	reason Reason
	status int
}{
	// RFC 4475 §3.1.1: valid, however it looks
	"rfc4475/wsinv.dat":      {action: Accept},
	"rfc4475/intmeth.dat":    {action: Accept},
	"rfc4475/esc01.dat":      {action: Accept},
	"rfc4475/escnull.dat":    {action: Accept},
	"rfc4475/esc02.dat":      {action: Accept},
	"rfc4475/lwsdisp.dat":    {action: Accept},
	"rfc4475/longreq.dat":    {action: Accept},
	"rfc4475/dblreq.dat":     {action: Accept},
	"rfc4475/semiuri.dat":    {action: Accept},
	"rfc4475/transports.dat": {action: Accept},
	"rfc4475/mpart01.dat":    {action: Accept},
	"rfc4475/unreason.dat":   {action: Accept},
	"rfc4475/noreason.dat":   {action: Accept},
	// RFC 4475 §3.1.2: invalid
	"rfc4475/badinv01.dat":   {Answer, ReasonVia, 400},
	"rfc4475/clerr.dat":      {Answer, ReasonLength, 400},
	"rfc4475/ncl.dat":        {Answer, ReasonBadLength, 400},
	"rfc4475/scalar02.dat":   {Answer, ReasonCSeq, 400},
	"rfc4475/scalarlg.dat":   {Drop, ReasonCSeq, 0},
	"rfc4475/quotbal.dat":    {Answer, ReasonAddress, 400},
	"rfc4475/ltgtruri.dat":   {Answer, ReasonURI, 400},
	"rfc4475/lwsruri.dat":    {Answer, ReasonStartLine, 400},
	"rfc4475/lwsstart.dat":   {Answer, ReasonStartLine, 400},
	"rfc4475/trws.dat":       {Answer, ReasonStartLine, 400},
	"rfc4475/escruri.dat":    {Answer, ReasonURI, 400},
	"rfc4475/baddate.dat":    {action: Accept}, // Date means nothing here
	"rfc4475/regbadct.dat":   {Answer, ReasonAddress, 400},
	"rfc4475/badaspec.dat":   {Answer, ReasonAddress, 400},
	"rfc4475/baddn.dat":      {action: Accept}, // a comma in an unquoted display name is a name, not a list
	"rfc4475/badvers.dat":    {Answer, ReasonVersion, 505},
	"rfc4475/mismatch01.dat": {Answer, ReasonMethodMismatch, 400},
	"rfc4475/mismatch02.dat": {Answer, ReasonMethodMismatch, 400},
	"rfc4475/bigcode.dat":    {Drop, ReasonStartLine, 0},
	// RFC 4475 §3.2: transactions
	"rfc4475/badbranch.dat": {Answer, ReasonVia, 400},
	// RFC 4475 §3.3: application
	"rfc4475/insuf.dat":    {Answer, ReasonMissing, 400},
	"rfc4475/unkscm.dat":   {Answer, ReasonScheme, 416},
	"rfc4475/novelsc.dat":  {Answer, ReasonScheme, 416},
	"rfc4475/unksm2.dat":   {action: Accept},
	"rfc4475/bext01.dat":   {action: Accept},
	"rfc4475/invut.dat":    {action: Accept},
	"rfc4475/regaut01.dat": {action: Accept},
	"rfc4475/multi01.dat":  {Answer, ReasonRepeated, 400},
	"rfc4475/mcl01.dat":    {Answer, ReasonBadLength, 400},
	"rfc4475/bcast.dat":    {Drop, ReasonVia, 0},
	"rfc4475/zeromf.dat":   {action: Accept},
	"rfc4475/cparam01.dat": {action: Accept},
	"rfc4475/cparam02.dat": {action: Accept},
	"rfc4475/regescrt.dat": {action: Accept},
	"rfc4475/sdp01.dat":    {action: Accept},
	"rfc4475/inv2543.dat":  {action: Accept}, // RFC 4475 §3.4.1: a peer of RFC 2543 is served
	// RFC 5118
	"rfc5118/ipv6-good":                     {action: Accept},
	"rfc5118/ipv6-bad":                      {Answer, ReasonURI, 400},
	"rfc5118/port-ambiguous":                {action: Accept},
	"rfc5118/port-unambiguous":              {action: Accept},
	"rfc5118/via-received-param-with-delim": {action: Accept},
	"rfc5118/via-received-param-no-delim":   {action: Accept},
	"rfc5118/ipv6-in-sdp":                   {action: Accept},
	"rfc5118/mult-ip-in-header":             {action: Accept},
	"rfc5118/mult-ip-in-sdp":                {action: Accept},
	"rfc5118/ipv4-mapped-ipv6":              {action: Accept},
	"rfc5118/ipv6-bug-abnf-3-colons":        {action: Accept},
	"rfc5118/ipv6-correct-abnf-2-colons":    {action: Accept},
}

func corpusFiles(t testing.TB) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob("testdata/sip-corpus/*/*")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		out[filepath.Base(filepath.Dir(f))+"/"+filepath.Base(f)] = raw
	}
	return out
}

func TestCorpus(t *testing.T) {
	files := corpusFiles(t)
	if len(files) != len(corpus) {
		t.Errorf("%d files, %d verdicts", len(files), len(corpus))
	}
	for name, raw := range files {
		t.Run(name, func(t *testing.T) {
			want, ok := corpus[name]
			if !ok {
				t.Fatal("no verdict for this file")
			}
			v := Validate(raw, false)
			if v.Action != want.action || v.Reason != want.reason || v.Status != want.status {
				t.Fatalf("got %v %v %d, want %v %v %d", v.Action, v.Reason, v.Status, want.action, want.reason, want.status)
			}
			if v.Action == Answer && respond(raw, v, someone) == nil {
				t.Error("no answer can be built")
			}
			if v.Action == Accept {
				if v.Size > len(raw) {
					t.Fatalf("size %d of %d", v.Size, len(raw))
				}
				if _, err := sip.ParseMessage(raw[:v.Size]); err != nil {
					t.Errorf("accepted, but the parser behind refuses it: %v", err)
				}
			}
		})
	}
}

// A second request in the same datagram is not part of the first (RFC 4475 §3.1.1.8).
func TestDatagramIsCutToItsLength(t *testing.T) {
	raw := corpusFiles(t)["rfc4475/dblreq.dat"]
	v := Validate(raw, false)
	if rest := raw[v.Size:]; !bytes.HasPrefix(rest, []byte("\r\nINVITE ")) {
		t.Errorf("cut at %d, rest %q", v.Size, rest[:20])
	}
}
