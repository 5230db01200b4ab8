package offer

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"
)

// slot is one m= line of the session. Lines never go away in a dialog (RFC 3264 §8): what is not our audio stays with
// port 0.
type slot struct {
	kind, proto, format string
}

var audioSlot = slot{kind: "audio", proto: "RTP/AVP", format: "0"}

// stream is our audio as one description of ours states it.
type stream struct {
	addr      netip.Addr
	port      uint16
	codecs    []Codec // with the payload types we receive them by; telephone-event last
	direction Direction
	ptime     int
}

// describe returns a description without its o= line's variable part filled in: origin is set by Session.
func describe(slots []slot, audio int, st stream) *sdp.SessionDescription {
	d := &sdp.SessionDescription{
		SessionName:           "-",
		ConnectionInformation: &sdp.ConnectionInformation{NetworkType: "IN", AddressType: family(st.addr), Address: &sdp.Address{Address: host(st.addr)}},
		TimeDescriptions:      []sdp.TimeDescription{{}},
	}
	for i, s := range slots {
		md := &sdp.MediaDescription{MediaName: sdp.MediaName{Media: s.kind, Protos: []string{s.proto}}}
		if i == audio {
			md.MediaName.Port.Value = int(st.port)
			describeAudio(md, st)
		} else {
			md.MediaName.Formats = []string{s.format}
		}
		d.MediaDescriptions = append(d.MediaDescriptions, md)
	}
	return d
}

func describeAudio(md *sdp.MediaDescription, st stream) {
	add := func(key, value string) { md.Attributes = append(md.Attributes, sdp.NewAttribute(key, value)) }
	for _, c := range st.codecs {
		pt := strconv.Itoa(int(c.PT))
		md.MediaName.Formats = append(md.MediaName.Formats, pt)
		add("rtpmap", pt+" "+c.Name+"/"+strconv.FormatUint(uint64(c.ClockRate), 10))
		if c.Fmtp != "" {
			add("fmtp", pt+" "+c.Fmtp)
		}
	}
	add("ptime", strconv.Itoa(st.ptime))
	add(st.direction.String(), "")
}

func host(a netip.Addr) string {
	if !a.IsValid() {
		return "0.0.0.0"
	}
	return a.WithZone("").String()
}

// word returns s as an o= user name: one printable word.
func word(s string) string {
	if len(s) > 64 || !printable(s) || strings.ContainsAny(s, "=") {
		return "-"
	}
	return s
}
