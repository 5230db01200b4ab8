package main

import (
	"bytes"
	"fmt"
	"net/netip"
)

func lineUser(i int) string  { return fmt.Sprint(10001 + i) }
func phoneUser(i int) string { return "phone" + lineUser(i) }
func agentName(i int) string { return "agent" + lineUser(i) }

// configuration is a plain one, with extra in it, and agents lines, each with a phone that registers. Where it leaves the defaults it is for the
// benchmark's sake: faster registering, a short rest of ports, no rate limit on the one address that all phones share.
func configuration(pbx, sip netip.AddrPort, agents int, rate float64, extra string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `sip: {listen: ["udp://%s"]}
rtp: {bind: 127.0.0.1, ports: 18000-31999, quarantine: 2s}
control: {socket: control.sock}
state_dir: state
calls: {drain: 5s}
limits: {dial: {allow: ["*"], per_second: 50, max_calls: 20}, edge: {per_source: 20000, total: 50000, per_peer: 100000}}
trunks:
  - name: pbx
    server: "sip:%s;transport=udp"
    realm: pbx.bench
    register: {rate: %g}
    headers: {queue: X-Queue, variables: {X-Ivr-Choice: ivr}}
`, sip, pbx, rate)
	b.WriteString(extra)
	if agents > 0 {
		b.WriteString("agents:\n")
	}
	for i := range agents {
		fmt.Fprintf(&b, "  - {name: %s, line: {trunk: pbx, user: %q, password: {env: %s}}, device: {user: %s, password: {env: %[3]s}}}\n",
			agentName(i), lineUser(i), passwordEnv, phoneUser(i))
	}
	return b.Bytes()
}
