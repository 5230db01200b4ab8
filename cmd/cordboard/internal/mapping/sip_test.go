package mapping

import (
	"slices"
	"testing"
	"time"

	"cordboard/configs"
	"cordboard/sipua"
	"cordboard/sipua/digest"
)

// What a file says is what the SIP stack is told, also where its own zero means a default.
func TestSIP(t *testing.T) {
	c := configs.Default()
	if got := digestOffer(c.Phones.Digest); !slices.Equal(got, []digest.Algorithm{digest.MD5}) {
		t.Errorf("phones are offered %v by default", got)
	}
	got := trunk(configs.Trunk{
		KeepAlive: time.Minute, Register: configs.Register{Rate: 7, Timeout: time.Second, Retry: 2 * time.Second, RetryMax: 3 * time.Second, Expires: time.Hour},
	}, nil)
	if r := got.Register; r.PerSecond != 7 || r.Timeout != time.Second || r.Retry != 2*time.Second || r.RetryMax != 3*time.Second || got.Expires != time.Hour || got.KeepAlive != time.Minute {
		t.Errorf("trunk registers as %+v", got)
	}
	got = trunk(configs.Trunk{Server: configs.URI{Host: "pbx.test"}, Proxy: configs.URI{Host: "sbc.test", Transport: "tls"}, Identity: configs.IdentityNone}, nil)
	if got.Server.Host != "pbx.test" || got.Proxy != (sipua.URI{Host: "sbc.test", Transport: "tls"}) || got.Identity != sipua.IdentityNone {
		t.Errorf("trunk behind a proxy is %+v", got)
	}
}
