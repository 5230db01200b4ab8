package configs

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const adapterBase = "sip: {listen: [udp://127.0.0.1:5060]}\n"

func TestAdapterConfigAsJSON(t *testing.T) {
	c, err := Parse("f.yaml", []byte(adapterBase+`
x-common: &common {url: "https://crm.example.com/a?b=<c>", on: yes}
adapters:
  - name: crm
    command: sh
    config:
      <<: *common
      number: 0441234567
      hex: 0x10
      thousands: 1_000
      big: 18446744073709551615
      ratio: 12.50
      empty: {}
      none:
      "a \"b\"": [true, False, ~, "Ї", 'x']
`))
	if err != nil {
		t.Fatal(err)
	}
	a := c.Adapters[0]
	if a.Kind != AdapterCommand || a.Lookup.Timeout != 300*time.Millisecond || !cmp.Equal(a.Words(), []string{"sh"}) {
		t.Errorf("%+v", a)
	}
	want := `{"number":"0441234567","hex":16,"thousands":1000,"big":18446744073709551615,"ratio":12.5,"empty":{},"none":null,` +
		`"a \"b\"":[true,false,null,"Ї","x"],"url":"https://crm.example.com/a?b=<c>","on":"yes"}`
	if got := string(a.Config.JSON()); got != want || !json.Valid(a.Config.JSON()) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := string((Free{}).JSON()); got != "{}" {
		t.Errorf("nothing written: %s", got)
	}
}

func TestAdapterProgramBesideTheFile(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "bin", "crm")
	if err := os.MkdirAll(filepath.Dir(program), 0o700); err != nil {
		t.Fatal(err)
	}
	text := []byte(adapterBase + "adapters: [{name: crm, command: [bin/crm, -v, -v]}]\n")
	file := filepath.Join(dir, "f.yaml")
	for mode, ok := range map[os.FileMode]bool{0o700: true, 0o600: false} {
		if err := os.WriteFile(program, []byte("#!/bin/sh\n"), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(program, mode); err != nil {
			t.Fatal(err)
		}
		c, err := Parse(file, text)
		if (err == nil) != ok {
			t.Errorf("mode %o: %v", mode, err)
		}
		if ok && !cmp.Equal(c.Adapters[0].Words(), []string{program, "-v", "-v"}) {
			t.Errorf("%q", c.Adapters[0].Command)
		}
	}
}

// What changes below config is told without its values: they may hold what is nobody's business.
func TestAdapterDiff(t *testing.T) {
	load := func(s string) *Config {
		t.Helper()
		c, err := Parse("f.yaml", []byte(adapterBase+s))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	before := load("adapters: [{name: a, command: sh, env: {P: hunter1}, config: {token: hunter2}}, {name: b, kind: contacts}]\n")
	after := load("adapters: [{name: a, command: sh, env: {P: hunter4, X: hunter5}, config: {token: hunter3}}, {name: c, kind: webhook}]\n")
	var got []string
	for _, c := range Diff(before, after) {
		got = append(got, c.String())
	}
	want := []string{
		"adapters[a].env.P changed (reload)", "adapters[a].env.X added (reload)", "adapters[a].config changed (reload)", "adapters[b] removed (reload)", "adapters[c] added (reload)",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if text := fmt.Sprintf("%s %+v", got, Diff(before, after)); strings.Contains(text, "hunter") {
		t.Error(text)
	}
	if len(Diff(before, before)) != 0 {
		t.Error("it differs from itself")
	}
}
