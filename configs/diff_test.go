package configs

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const diffBase = `
sip: {listen: [udp://127.0.0.1:5060]}
log: {level: info}
trunks:
  - {name: pbx, server: sip:127.0.0.1, peers: [192.0.2.0/24]}
  - {name: old, server: sip:127.0.0.2}
music: {level: -22}
agents:
  - name: anna
    line: {trunk: pbx, user: "1", password: {env: CORDBOARD_TEST_A}}
    device: {contact: sip:127.0.0.3}
  - name: bohdan
    line: {trunk: pbx, user: "2", password: {env: CORDBOARD_TEST_B}}
    device: {contact: sip:127.0.0.4}
limits: {dial: {allow: ["1xxx"]}}
`

func TestDiff(t *testing.T) {
	t.Setenv("CORDBOARD_TEST_A", "hunter2 before")
	t.Setenv("CORDBOARD_TEST_B", "same")
	before, err := Parse("f.yaml", []byte(diffBase))
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("CORDBOARD_TEST_A", "hunter2 after")
	edited := strings.NewReplacer(
		"udp://127.0.0.1:5060", "udp://127.0.0.1:5070",
		"level: info", "level: debug",
		"name: old, server: sip:127.0.0.2", "name: new, server: sip:127.0.0.5",
		"192.0.2.0/24", "192.0.2.0/25",
		"127.0.0.4}", "127.0.0.4}\n    wrap_up: 15s",
		`"1xxx"`, `"2xxx"`,
	).Replace(diffBase)
	// Agents change places: that is no difference.
	head, agents, _ := strings.Cut(edited, "  - name: anna")
	anna, rest, _ := strings.Cut(agents, "  - name: bohdan")
	bohdan, limits, _ := strings.Cut(rest, "limits:")
	edited = head + "  - name: bohdan" + bohdan + "  - name: anna" + anna + "limits:" + limits
	after, err := Parse("f.yaml", []byte(edited))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range Diff(before, after) {
		got = append(got, c.String())
	}
	want := []string{
		"sip.listen changed from [udp://127.0.0.1:5060] to [udp://127.0.0.1:5070] (restart)",
		"log.level changed from info to debug (reload)",
		"trunks[pbx].peers changed from [192.0.2.0/24, 127.0.0.1/32] to [192.0.2.0/25, 127.0.0.1/32] (reload)",
		"trunks[pbx].dial.allow changed from [1xxx] to [2xxx] (reload)",
		"trunks[old] removed (reload)",
		"trunks[new] added (reload)",
		"agents[anna].line.password changed (reload)",
		"agents[bohdan].wrap_up changed from 0s to 15s (reload)",
		"limits.dial.allow changed from [1xxx] to [2xxx] (reload)",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	if changes := Diff(before, before); len(changes) != 0 {
		t.Errorf("differs from itself: %v", changes)
	}
}

func TestDiffTables(t *testing.T) {
	a, b := Default(), Default()
	a.Music.Queues = map[string]Path{"Sales": "/a.wav", "Old": "/o.wav"}
	b.Music.Queues = map[string]Path{"Sales": "/b.wav", "New Queue": "/n.wav"}
	var got []string
	for _, c := range Diff(a, b) {
		got = append(got, c.String())
	}
	want := []string{
		`music.queues["New Queue"] added (reload)`,
		"music.queues.Old removed (reload)",
		"music.queues.Sales changed from /a.wav to /b.wav (reload)",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
}
