package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// figure is one measured quantity over all runs.
type figure struct {
	Name   string    `json:"name"`
	Unit   string    `json:"unit"`
	Median float64   `json:"median"`
	Min    float64   `json:"min"`
	Max    float64   `json:"max"`
	Bar    float64   `json:"bar,omitempty"` // the median must not be above; 0: no bar
	Values []float64 `json:"values"`
}

// report collects figures in the order in which they first come.
type report struct {
	Date    time.Time `json:"date"`
	Command string    `json:"command"`
	CPUs    int       `json:"cpus"`
	Model   string    `json:"cpu_model"`
	Go      string    `json:"go"`
	Load    string    `json:"load_before"` // load average when it began
	Figures []*figure `json:"figures"`
	Invalid []string  `json:"invalid,omitempty"`
}

func newReport() *report {
	load, _ := os.ReadFile("/proc/loadavg")
	return &report{
		Date: time.Now().UTC().Truncate(time.Second), Command: strings.Join(os.Args[1:], " "), CPUs: runtime.NumCPU(),
		Model: cpuModel(), Go: runtime.Version(), Load: strings.TrimSpace(string(load)),
	}
}

func cpuModel() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(text)) {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == "model name" {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// add takes one run's value.
func (r *report) add(name, unit string, value float64) *figure {
	i := slices.IndexFunc(r.Figures, func(f *figure) bool { return f.Name == name && f.Unit == unit })
	if i < 0 {
		i = len(r.Figures)
		r.Figures = append(r.Figures, &figure{Name: name, Unit: unit})
	}
	f := r.Figures[i]
	f.Values = append(f.Values, value)
	sorted := slices.Sorted(slices.Values(f.Values))
	f.Min, f.Max = sorted[0], sorted[len(sorted)-1]
	f.Median = (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
	fmt.Fprintf(os.Stderr, "  %s: %.4g %s\n", name, value, unit)
	return f
}

// percentile is the value that the share p of all is not above.
func percentile(values []float64, p float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[max(int(math.Ceil(p*float64(len(sorted))))-1, 0)]
}

// invalid notes why a measurement does not count.
func (r *report) invalid(format string, args ...any) {
	r.Invalid = append(r.Invalid, fmt.Sprintf(format, args...))
	fmt.Fprintf(os.Stderr, "  NOT VALID: "+format+"\n", args...)
}

func (r *report) print(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "measurement\tmedian\tspread\tunit\tbar")
	for _, f := range r.Figures {
		bar := ""
		if f.Bar > 0 {
			bar = fmt.Sprintf("≤ %.4g", f.Bar)
		}
		fmt.Fprintf(t, "%s\t%s\t%s – %s\t%s\t%s\n", f.Name, digits(f.Median), digits(f.Min), digits(f.Max), f.Unit, bar)
	}
	_ = t.Flush()
}

// digits writes three significant ones, and all before the point.
func digits(v float64) string {
	if v >= 1000 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.3g", v)
}

func (r *report) write(path string) error {
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(b, '\n'), 0o644)
}

// verdict is an error for each bar that is missed and each measurement that does not count.
func (r *report) verdict() error {
	var all []error
	for _, f := range r.Figures {
		if f.Bar > 0 && f.Median > f.Bar {
			all = append(all, fmt.Errorf("%s: %.4g %s, the bar is %.4g", f.Name, f.Median, f.Unit, f.Bar))
		}
	}
	for _, why := range r.Invalid {
		all = append(all, errors.New(why))
	}
	return errors.Join(all...)
}
