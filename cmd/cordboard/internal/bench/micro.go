package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// suites are the rooms' own benchmarks that belong to the story: what a packet and a tick cost without sockets and kernel.
var suites = []struct{ pattern, time string }{
	{"^(BenchmarkRelayPacket|BenchmarkTick3Party|BenchmarkPortableSend|BenchmarkThreePartyTick|BenchmarkMusicTick|BenchmarkCall|BenchmarkAnswer|BenchmarkValidate)$", "100ms"},
	{"^(BenchmarkLoopbackRelay100Calls|BenchmarkPacing200Legs)$", "100x"},
}

// rooms are the packages with benchmarks, from the root of the repository.
var rooms = []string{"./rtp", "./mediamix", "./callcontrol", "./sipua/offer", "./sipua/edge"}

// micro runs the rooms' benchmarks.
func micro(ctx context.Context, o options, r *report) error {
	for _, s := range suites {
		args := []string{"test", "-run", "^$", "-bench", s.pattern, "-benchtime", s.time, "-benchmem", "-count", strconv.Itoa(o.runs), "-p", "1"}
		cmd := exec.CommandContext(ctx, "go", append(args, rooms...)...)
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			return fmt.Errorf("go test -bench: %w\n%s", err, out)
		}
		for line := range bytes.Lines(out) {
			r.benchmark(string(line))
		}
	}
	return nil
}

// benchmark takes a result line: name, iterations, then pairs of value and unit.
func (r *report) benchmark(line string) {
	f := strings.Fields(line)
	if len(f) < 4 || !strings.HasPrefix(f[0], "Benchmark") {
		return
	}
	name := strings.TrimPrefix(f[0], "Benchmark")
	if i := strings.LastIndexByte(name, '-'); i > 0 {
		name = name[:i]
	}
	for i := 2; i+1 < len(f); i += 2 {
		if f[i+1] == "B/op" || f[i+1] == "MB/s" {
			continue
		}
		if v, err := strconv.ParseFloat(f[i], 64); err == nil {
			r.add("micro: "+name, f[i+1], v)
		}
	}
}
