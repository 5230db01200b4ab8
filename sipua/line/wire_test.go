package line

import (
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"cordboard/sipua/digest"
)

func testRequest() Request {
	return Request{
		Trunk: "pbx", Line: "l0", URI: "sip:pbx.example", User: "10 0@x", Domain: "pbx.example", Display: "An\"na\r\nX: y",
		CallID: "call-1", FromTag: "tag1", CSeq: 7, Expires: 10 * time.Minute,
		Authorization: []digest.Header{{Name: "Authorization", Value: `Digest username="x"`}},
	}
}

func TestRegisterFor(t *testing.T) {
	contact := sip.Uri{Scheme: "sip", Host: "192.0.2.50", Port: 5070, UriParams: sip.HeaderParams{{K: "transport", V: "tcp"}}}
	got := RegisterFor(testRequest(), contact, "Cordboard").String()
	want := strings.ReplaceAll(`REGISTER sip:pbx.example SIP/2.0
From: "AnnaX: y" <sip:10%200%40x@pbx.example>;tag=tag1
To: <sip:10%200%40x@pbx.example>
Call-ID: call-1
CSeq: 7 REGISTER
Max-Forwards: 70
Contact: <sip:10%200%40x@192.0.2.50:5070;transport=tcp>;expires=600
Expires: 600
Authorization: Digest username="x"
Supported: path
User-Agent: Cordboard
Content-Length: 0

`, "\n", "\r\n")
	if got != want {
		t.Fatalf("got\n%s\nwant\n%s", got, want)
	}
}

func TestParseResponse(t *testing.T) {
	contact := sip.Uri{Scheme: "sip", Host: "192.0.2.50", Port: 5070}
	r := testRequest()
	r.User = "100"
	req := RegisterFor(r, contact, "")
	for _, tt := range []struct {
		name    string
		headers string
		want    time.Duration
	}{
		{"ours", "Contact: <sip:100@192.0.2.50:5070>;expires=300\r\n", 300 * time.Second},
		{"ours among others", "Contact: <sip:100@10.0.0.1>;expires=9, <sip:100@192.0.2.50:5070>;expires=120\r\n", 120 * time.Second},
		{"not among others", "Contact: <sip:100@10.0.0.1>;expires=9, <sip:100@10.0.0.2>;expires=120\r\n", 0},
		{"rewritten", "Contact: <sip:100@198.51.100.1:1024>;expires=60\r\n", time.Minute},
		{"header only", "Contact: <sip:100@192.0.2.50:5070>\r\nExpires: 90\r\n", 90 * time.Second},
		{"no contact, header", "Expires: 45\r\n", 45 * time.Second},
		{"nothing at all", "", 10 * time.Minute},
		{"too large", "Contact: <sip:100@192.0.2.50:5070>;expires=99999999999\r\n", maxExpires},
		{"zero", "Contact: <sip:100@192.0.2.50:5070>;expires=0\r\n", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			res := parseRes(t, "SIP/2.0 200 OK\r\nCall-ID: x\r\nCSeq: 7 REGISTER\r\n"+tt.headers+"Content-Length: 0\r\n\r\n")
			if got := ParseResponse(req, res, "pbx"); got.Expires != tt.want || got.Peer != "pbx" {
				t.Fatalf("granted %v, want %v", got.Expires, tt.want)
			}
		})
	}
	res := parseRes(t, "SIP/2.0 200 OK\r\nService-Route: <sip:a;lr>, <sip:b,c;lr>\r\nService-Route: <sip:d;lr>\r\nPath: <sip:p;lr>\r\nContent-Length: 0\r\n\r\n")
	if got := ParseResponse(req, res, ""); strings.Join(got.ServiceRoute, " ") != "<sip:a;lr> <sip:b,c;lr> <sip:d;lr>" || len(got.Path) != 1 {
		t.Fatalf("%q %q", got.ServiceRoute, got.Path)
	}
	res = parseRes(t, "SIP/2.0 503 Busy\r\nRetry-After: 18 (maintenance);duration=3600\r\nContent-Length: 0\r\n\r\n")
	if got := ParseResponse(req, res, ""); got.RetryAfter != 18*time.Second || got.Status != 503 {
		t.Fatalf("%+v", got)
	}
	res = parseRes(t, "SIP/2.0 423 Interval Too Brief\r\nMin-Expires: 1800\r\nWWW-Authenticate: Digest a=\"1\"\r\nWWW-Authenticate: Digest b=\"2\"\r\nContent-Length: 0\r\n\r\n")
	if got := ParseResponse(req, res, ""); got.MinExpires != 30*time.Minute || len(got.WWWAuthenticate) != 2 {
		t.Fatalf("%+v", got)
	}
}

func parseRes(t testing.TB, s string) *sip.Response {
	t.Helper()
	m, err := sip.NewParser().ParseSIP([]byte(s))
	if err != nil {
		t.Fatal(err)
	}
	return m.(*sip.Response)
}

// FuzzResponse: whatever a registrar answers, the result stays within bounds.
func FuzzResponse(f *testing.F) {
	f.Add("Contact: <sip:100@192.0.2.50:5070>;expires=300\r\nService-Route: <sip:a;lr>,\"<\r\n")
	f.Add("Expires: -1\r\nRetry-After: \r\nMin-Expires: 99999999999999999999999\r\nContact: *\r\n")
	req := RegisterFor(testRequest(), sip.Uri{Scheme: "sip", Host: "192.0.2.50"}, "")
	f.Fuzz(func(t *testing.T, headers string) {
		m, err := sip.NewParser().ParseSIP([]byte("SIP/2.0 200 OK\r\n" + headers + "Content-Length: 0\r\n\r\n"))
		if err != nil {
			return
		}
		res, ok := m.(*sip.Response)
		if !ok {
			return
		}
		r := ParseResponse(req, res, "pbx")
		if r.Expires < 0 || r.RetryAfter < 0 || r.MinExpires < 0 || len(r.ServiceRoute) > maxValues || len(r.Path) > maxValues {
			t.Fatalf("%+v", r)
		}
	})
}
