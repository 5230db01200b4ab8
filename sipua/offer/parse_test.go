package offer

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// head starts a description that is complete but for its media.
var head = string(lines("v=0", "o=- 1 1 IN IP4 192.0.2.1", "s=-", "c=IN IP4 192.0.2.1", "t=0 0"))

func TestLimits(t *testing.T) {
	formats := func(n int) string { return strings.Repeat(" 0", n) }
	pad := func(n int) string { return "a=x:" + strings.Repeat("y", n-len("a=x:\r\n")) + "\r\n" }
	audio := "m=audio 4000 RTP/AVP 0\r\n"
	for name, c := range map[string]struct {
		body string
		want error
	}{
		"16 KiB":        {head + audio + pad(MaxBody-len(head+audio)), nil},
		"16 KiB + 1":    {head + audio + pad(MaxBody-len(head+audio)+1), ErrTooLarge},
		"256 lines":     {head + audio + strings.Repeat("a=x\r\n", MaxLines-6), nil},
		"257 lines":     {head + audio + strings.Repeat("a=x\r\n", MaxLines-5), ErrTooManyLines},
		"8 media":       {head + audio + strings.Repeat("m=video 0 RTP/AVP 31\r\n", MaxMedia-1), nil},
		"9 media":       {head + audio + strings.Repeat("m=video 0 RTP/AVP 31\r\n", MaxMedia), ErrTooManyMedia},
		"64 types":      {head + "m=audio 4000 RTP/AVP" + formats(MaxTypes) + "\r\n", nil},
		"65 types":      {head + "m=audio 4000 RTP/AVP" + formats(MaxTypes+1) + "\r\n", ErrTooManyTypes},
		"empty":         {"", ErrMalformed},
		"only line end": {"\r\n\r\n", ErrMalformed},
		"not SDP":       {"<audio>\r\n <pcmu port=\"443\"/>\r\n</audio>\r\n", ErrMalformed},
		"version 1":     {strings.Replace(head, "v=0", "v=1", 1) + audio, ErrMalformed},
		"no media":      {head, ErrNoAudio},
		"short m=":      {head + "m=audio 4000\r\n", ErrMalformed},
		"port":          {head + "m=audio 65536 RTP/AVP 0\r\n", ErrMalformed},
		"minus port":    {head + "m=audio -1 RTP/AVP 0\r\n", ErrMalformed},
		"word":          {head + "m=aud\x01io 4000 RTP/AVP 0\r\n", ErrMalformed},
		"8-bit word":    {head + "m=audio 4000 RTP/\xc3\xbc 0\r\n", ErrMalformed},
		"no formats":    {head + "m=audio 4000 RTP/AVP\r\n", ErrNoCodec},
		"unknown codec": {head + "m=audio 4000 RTP/AVP 18 97\r\na=rtpmap:97 iLBC/8000\r\n", ErrNoCodec},
		"other clock":   {head + "m=audio 4000 RTP/AVP 97\r\na=rtpmap:97 PCMU/16000\r\n", ErrNoCodec},
		"two channels":  {head + "m=audio 4000 RTP/AVP 97\r\na=rtpmap:97 PCMU/8000/2\r\n", ErrNoCodec},
		"other rtpmap":  {head + "m=audio 4000 RTP/AVP 0\r\na=rtpmap:0 iLBC/8000\r\n", ErrNoCodec},
		"TCP":           {head + "m=audio 4000 TCP/RTP/AVP 0\r\n", ErrNoAudio},
		"SAVP":          {head + "m=audio 4000 RTP/SAVP 0\r\n", ErrSecureMedia},
		"removed":       {head + "m=audio 0 RTP/AVP 0\r\n", ErrNoAudio},
		"no c=":         {"v=0\r\nm=audio 4000 RTP/AVP 0\r\n", ErrNoAddress},
		"host name":     {head + "m=audio 4000 RTP/AVP 0\r\nc=IN IP4 media.example.com\r\n", ErrNoAddress},
		"short c=":      {head + "m=audio 4000 RTP/AVP 0\r\nc=IN IP4\r\n", ErrNoAddress},
		"zone":          {head + "m=audio 4000 RTP/AVP 0\r\nc=IN IP6 fe80::1%eth0\r\n", ErrNoAddress},
		"multicast":     {head + "m=audio 4000 RTP/AVP 0\r\nc=IN IP4 224.2.1.1/127\r\n", ErrNoAddress},
		"broadcast":     {head + "m=audio 4000 RTP/AVP 0\r\nc=IN IP4 255.255.255.255\r\n", ErrNoAddress},
		"IPv6":          {head + "m=audio 4000 RTP/AVP 0\r\nc=IN IP6 2001:db8::1\r\n", ErrAddressFamily},
		"IPv6 hold":     {head + "m=audio 4000 RTP/AVP 0\r\nc=IN IP6 ::\r\n", nil},
		"NUL in line":   {head + "a=x\x00y\r\n" + audio, nil},
		"CR only":       {strings.ReplaceAll(head+audio, "\r\n", "\r"), nil},
	} {
		t.Run(name, func(t *testing.T) {
			answer, _, err := testSession().Answer(local(), []byte(c.body))
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if err != nil && (!errors.Is(err, ErrNotAcceptable) || Status(err) != 488) {
				t.Errorf("%v is not a 488", err)
			}
			if err == nil {
				checkAnswer(t, []byte(c.body), answer)
			}
		})
	}
}

func TestStatusAndWarning(t *testing.T) {
	if Status(nil) != 0 || Status(errors.New("disk")) != 500 {
		t.Error("status of other errors")
	}
	for err, want := range map[error]int{
		ErrNoAudio: 304, ErrNoCodec: 305, ErrSecureMedia: 302, ErrAddressFamily: 301, ErrNoAddress: 301, ErrTooLarge: 399,
	} {
		if code, text := Warning(fmt.Errorf("peer: %w", err)); code != want || text == "" {
			t.Errorf("%v: warning %d %q, want %d", err, code, text, want)
		}
	}
}

func TestDirections(t *testing.T) {
	// ours × offered (a= and c=0.0.0.0) → ours after the answer (RFC 3264 §6.1)
	want := map[Direction][4]Direction{
		SendRecv: {SendRecv, RecvOnly, SendOnly, Inactive},
		SendOnly: {SendOnly, Inactive, SendOnly, Inactive},
		RecvOnly: {RecvOnly, RecvOnly, Inactive, Inactive},
		Inactive: {Inactive, Inactive, Inactive, Inactive},
	}
	for ours, row := range want {
		for i, w := range row {
			offered := SendRecv + Direction(i)
			l := local()
			l.Direction = ours
			body := head + "m=audio 4000 RTP/AVP 0\r\na=" + strings.ToUpper(offered.String()) + "\r\n"
			answer, n, err := testSession().Answer(l, []byte(body))
			if err != nil || n.Direction != w || n.Peer != offered {
				t.Errorf("%v answers %v: %v, peer %v, want %v (%v)", ours, offered, n.Direction, n.Peer, w, err)
			}
			if !strings.Contains(string(answer), "a="+w.String()+"\r\n") {
				t.Errorf("%v answers %v:\n%s", ours, offered, answer)
			}
		}
	}
	for d := SendRecv; d <= Inactive; d++ {
		if d.Reverse().Reverse() != d || d.And(SendRecv) != d || d.And(Inactive) != Inactive {
			t.Errorf("%v: reverse %v, and %v", d, d.Reverse(), d.And(SendRecv))
		}
	}
}

func TestDirectionOfSessionIsInherited(t *testing.T) {
	r, err := Parse(lines("v=0", "a=inactive", "c=IN IP4 192.0.2.1", "m=audio 4 RTP/AVP 0", "m=audio 6 RTP/AVP 0", "a=recvonly"))
	if err != nil || r.Media[0].Direction != Inactive || r.Media[1].Direction != RecvOnly {
		t.Errorf("%v %+v", err, r)
	}
}

func TestRTCPAddress(t *testing.T) {
	for in, want := range map[string]string{
		"":                           "192.0.2.1:4001",
		"a=rtcp:5000":                "192.0.2.1:5000",
		"a=rtcp:5000 IN IP4 2.2.2.2": "2.2.2.2:5000",
		"a=rtcp:5000 IN IP4 x":       "192.0.2.1:5000",
		"a=rtcp:0":                   "192.0.2.1:4001",
		"a=rtcp:70000":               "192.0.2.1:4001",
		"a=rtcp:":                    "192.0.2.1:4001",
		"a=rtcp:5 IN IP4 224.0.0.1":  "192.0.2.1:5",
	} {
		r, err := Parse([]byte(head + "m=audio 4000 RTP/AVP 0\r\n" + in + "\r\n"))
		if err != nil || r.Media[0].RTCP != port(want) {
			t.Errorf("%q: %v, %v, want %v", in, r.Media[0].RTCP, err, want)
		}
	}
	r, _ := Parse([]byte(head + "m=audio 65535 RTP/AVP 0\r\n"))
	if r.Media[0].RTCP.IsValid() {
		t.Errorf("port after 65535: %v", r.Media[0].RTCP)
	}
}

func TestPTime(t *testing.T) {
	for in, want := range map[string]int{
		"": 20, "a=ptime:30": 30, "a=ptime:20.0": 20, "a=ptime:0": 20, "a=ptime:25": 20, "a=ptime:900": 20, "a=ptime:x": 20,
		"a=ptime:60\r\na=maxptime:40": 40, "a=maxptime:10": 10, "a=maxptime:1": 20,
	} {
		_, n, err := testSession().Answer(local(), []byte(head+"m=audio 4000 RTP/AVP 0\r\n"+in+"\r\n"))
		if err != nil || n.PTime != want {
			t.Errorf("%q: %d ms (%v), want %d", in, n.PTime, err, want)
		}
	}
}

func TestCodecs(t *testing.T) {
	r, err := Parse([]byte(head + "m=audio 4000 RTP/AVP 0 0 128 x 97 98 99 13\r\na=rtpmap:97 telephone-event/8000\r\n" +
		"a=fmtp:97 0-11,16\r\na=rtpmap:97 PCMU/8000\r\na=rtpmap:98\r\na=rtpmap:99 G726/\r\na=rtpmap:300 X/1\r\n"))
	want := []Codec{PCMU, {Name: "telephone-event", PT: 97, ClockRate: 8000, Fmtp: "0-11,16"}, {Name: "CN", PT: 13, ClockRate: 8000}}
	if d := cmp.Diff(want, r.Media[0].Codecs); err != nil || d != "" {
		t.Errorf("%v\n%s", err, d)
	}
}

func TestNoEventWithoutOurs(t *testing.T) {
	l := local()
	l.EventPT = 0
	answer, n, err := testSession().Answer(l, []byte(head+"m=audio 4000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"))
	if err != nil || n.EventSendPT != 0 || strings.Contains(string(answer), eventName) {
		t.Errorf("%v %+v\n%s", err, n, answer)
	}
}
