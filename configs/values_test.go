package configs

import (
	"fmt"
	"testing"
	"time"
)

func TestParseURI(t *testing.T) {
	for _, s := range []string{
		"sip:pbx.example.com", "sip:pbx.example.com:5080", "sips:pbx.example.com", "sip:192.0.2.1;transport=tcp",
		"sip:anna@[2001:db8::1]:5060;transport=tls", "sip:a.b-c_d+e@h", "sip:[::1]",
	} {
		u, err := ParseURI(s)
		if err != nil || u.String() != s {
			t.Errorf("%s: got %s, %v", s, u, err)
		}
	}
	for _, s := range []string{
		"", "sip:", "pbx", "tel:1", "sip:a b", "sip:h:0", "sip:h:65536", "sip:h:", "sip:@h", "sip:u@", "sip:a:b:c", "sip:2001:db8::1",
		"sip:[::1", "sip:[::1]x", "sip:[::1]:", "sip:[1.2.3.4]", "sip:1.2.3", "sip:-h", "sip:h;lr", "sip:h;transport=ws",
		"sip:h;transport=udp;transport=tcp", "sips:h;transport=udp", "sip:u:p@h", "sip:h\r\nX: y", "sip:h;", "sip:fe80::1%eth0",
	} {
		if u, err := ParseURI(s); err == nil {
			t.Errorf("%q is taken as %s", s, u)
		}
	}
	u, _ := ParseURI("sips:h")
	if u.Network() != "tls" {
		t.Errorf("sips goes over %s", u.Network())
	}
}

func TestPortRange(t *testing.T) {
	for s, pairs := range map[string]int{"20000-29999": 5000, "20001-20006": 2, "20000-20003": 2, "65000-65535": 268} {
		r, err := ParsePortRange(s)
		if err != nil || r.Pairs() != pairs {
			t.Errorf("%s: %d pairs, %v; want %d", s, r.Pairs(), err, pairs)
		}
	}
	for _, s := range []string{"", "1-2", "20000", "30000-20000", "20000-20001", "20000-70000", "a-b", "20000--20010", "20000-20010-20020"} {
		if r, err := ParsePortRange(s); err == nil {
			t.Errorf("%q is taken as %s", s, r)
		}
	}
}

func TestDialAllows(t *testing.T) {
	d := Dial{Allow: []Pattern{"1xxx", "+380", "00", "*8"}, Deny: []Pattern{"+380900", "1666"}}
	for number, want := range map[string]bool{
		"1000": true, "1abc": false, "100": false, "10000": false, "1666": false, "+380441234567": true, "+380900123456": false,
		"+48": false, "0048": true, "*8": true, "*81": true, "": false, "380": false,
	} {
		if got := d.Allows(number); got != want {
			t.Errorf("%q: %v, want %v", number, got, want)
		}
	}
	if (Dial{}).Allows("1") {
		t.Error("an empty list allows a number")
	}
	if !(Dial{Allow: []Pattern{"*"}}).Allows("112") || !(Dial{Allow: []Pattern{"+"}}).Allows("+1") {
		t.Error("everything is not everything")
	}
}

func TestDurations(t *testing.T) {
	for s, want := range map[string]time.Duration{"30s": 30 * time.Second, "1h30m": 90 * time.Minute, "0s": 0, "250ms": 250 * time.Millisecond, "1.5h": 90 * time.Minute} {
		if got, err := parseDuration(s); err != nil || got != want {
			t.Errorf("%s: %v, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "0", "30", "s", "-1s", "+1s", "1d", "1 h", "99999999h"} {
		if got, err := parseDuration(s); err == nil {
			t.Errorf("%q is taken as %s", s, got)
		}
	}
	for d, want := range map[time.Duration]string{time.Hour: "1h", 90 * time.Minute: "1h30m", 10 * time.Minute: "10m", 0: "0s", 10 * time.Second: "10s", 20 * time.Hour: "20h"} {
		if got := shortDuration(d); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}

func TestNearest(t *testing.T) {
	names := []string{"listen", "advertise", "user_agent", "tls", "no_answer"}
	for word, want := range map[string]string{
		"lisen": "listen", "listne": "listen", "user-agent": "user_agent", "TLS": "tls", "noanswer": "no_answer", "advertize": "advertise",
		"qwerty": "", "": "", "x": "",
	} {
		got, _ := nearest(word, names)
		if got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}

// TestPortZeroIsFree: ports that the host hands out are never taken twice.
func TestPortZeroIsFree(t *testing.T) {
	if _, err := Parse("f.yaml", []byte(`sip: {listen: [udp://127.0.0.1:0, "udp://127.0.0.2:0", tcp://127.0.0.1:0]}`)); err != nil {
		t.Error(err)
	}
}

func TestManyAgents(t *testing.T) {
	t.Setenv("CORDBOARD_TEST_PASSWORD", "x")
	text := []byte("sip: {listen: [udp://127.0.0.1:0]}\ntrunks: [{name: pbx, server: sip:127.0.0.1}]\nagents:\n")
	for i := range 2000 {
		text = fmt.Appendf(text, "  - name: a%d\n    line: {trunk: pbx, user: \"%d\", password: {env: CORDBOARD_TEST_PASSWORD}}\n    device: {user: p%d, password: {env: CORDBOARD_TEST_PASSWORD}}\n", i, i, i)
	}
	c, err := Parse("f.yaml", text)
	if err != nil || len(c.Agents) != 2000 {
		t.Fatal(err)
	}
}

func TestSize(t *testing.T) {
	for s, want := range map[string]Size{"0": 0, "1": 1, "1024": 1 << 10, "256MiB": 256 << 20, "1GiB": 1 << 30, "3KiB": 3072, "2TiB": 2 << 40} {
		got, err := ParseSize(s)
		if err != nil || got != want {
			t.Errorf("%s: %d, %v", s, got, err)
		}
		if again, err := ParseSize(got.String()); err != nil || again != want {
			t.Errorf("%s is written as %s", s, got)
		}
	}
	for _, s := range []string{"", "MiB", "-1", "+1", "1MB", "1 MiB", "1.5GiB", "1mib", "9000000TiB", "0x10", "1e3"} {
		if got, err := ParseSize(s); err == nil {
			t.Errorf("%q is taken as %d", s, got)
		}
	}
}
