package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"cordboard/plugins/sdk"
)

// options of a run.
type options struct {
	bin, out string
	runs     int
	parts    string
	lines    int           // of the lines part
	rate     float64       // REGISTERs a second
	window   time.Duration // length of each measurement
	idle     time.Duration // rest before memory is read
	sizes    []int         // calls of the relay part
	rooms    int           // conferences of the mix part
	adapter  time.Duration // length of the adapter part
	events   int           // in the journal of the start part
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == adapterWord { // the daemon runs this program as its adapter
		sdk.Serve(&clock{})
		return
	}
	o := options{sizes: []int{50, 100, 200}}
	flag.StringVar(&o.bin, "bin", "bin/cordboard", "the daemon's binary")
	flag.StringVar(&o.out, "out", "bench-out", "folder for bench.json and logs")
	flag.IntVar(&o.runs, "runs", 3, "runs of each measurement")
	flag.StringVar(&o.parts, "parts", "lines,calls,adapter,start,micro", "what to measure: lines, calls, adapter, start, micro")
	flag.IntVar(&o.lines, "lines", 5000, "registered lines of the lines part")
	flag.Float64Var(&o.rate, "rate", 1000, "REGISTER requests a second, first tries and authentication")
	flag.DurationVar(&o.window, "window", 4*time.Second, "length of each measurement")
	flag.DurationVar(&o.idle, "idle", 5*time.Second, "rest before memory is read")
	flag.IntVar(&o.rooms, "rooms", 30, "three-way conferences of the mix part")
	flag.DurationVar(&o.adapter, "adapter", 40*time.Second, "length of the adapter part")
	flag.IntVar(&o.events, "events", 100_000, "events in the journal of the start part")
	small := flag.Bool("small", false, "a quick try with few calls and lines: no figures to quote")
	flag.Parse()
	if *small {
		o.runs, o.lines, o.sizes, o.rooms, o.window, o.idle = 1, 500, []int{5, 10}, 5, 2*time.Second, 2*time.Second
		o.adapter, o.events = 5*time.Second, 5000
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

var parts = map[string]func(context.Context, options, *report) error{
	"lines": lines, "calls": calls, "adapter": toAdapter, "start": startUp, "micro": micro,
}

func run(ctx context.Context, o options) error {
	var err error
	if o.bin, err = filepath.Abs(o.bin); err != nil {
		return err
	}
	if err = os.MkdirAll(o.out, 0o755); err != nil {
		return err
	}
	r := newReport()
	for n := range o.runs {
		for _, part := range strings.Split(o.parts, ",") {
			measure, ok := parts[part]
			switch {
			case !ok:
				err = fmt.Errorf("no part %q", part)
			case part != "micro" || n == 0:
				err = measure(ctx, o, r)
			}
			if err != nil {
				return fmt.Errorf("%s, run %d: %w", part, n+1, err)
			}
		}
	}
	r.print(os.Stdout)
	if err := r.write(filepath.Join(o.out, "bench.json")); err != nil {
		return err
	}
	return r.verdict()
}
