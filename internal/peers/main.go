// Command peers says which real SIP peers the tests can use on this machine, before the tests run:
// a test whose peer is missing is skipped, and fails when INTEROP=required.
package main

import (
	"fmt"
	"os"
	"os/exec"
)

var programs = []struct{ name, pkg, use string }{
	{"sipp", "sip-tester", "customers: full stories"},
	{"kamailio", "kamailio", "registrar and proxy: 100 lines, restart"},
	{"baresip", "baresip-core", "the agent's phone: audio both ways"},
	{"tshark", "tshark", "captures: RTP continuity, RFC 4733"},
	{"sox", "sox", "speech and envelope checks"},
	{"espeak-ng", "espeak-ng", "speech for the baresip test"},
	{"python3", "python3", "the signature check of docs/webhook.md"},
	{"node", "nodejs", "the same in JavaScript"},
	{"systemd-analyze", "systemd", "the unit: verified, exposure at most 1.5"},
}

func main() {
	missing := 0
	for _, p := range programs {
		if _, err := exec.LookPath(p.name); err != nil {
			missing++
			fmt.Printf("SKIPPED without %-15s (package %s): %s\n", p.name, p.pkg, p.use)
		}
	}
	if missing > 0 && os.Getenv("INTEROP") == "required" {
		fmt.Fprintln(os.Stderr, "INTEROP=required and peers are missing")
		os.Exit(1)
	}
}
