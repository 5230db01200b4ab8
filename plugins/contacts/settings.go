package contacts

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nyaruka/phonenumbers"

	"cordboard/callcontrol"
	"cordboard/plugins/sdk"
)

// Settings is what stands under config: in the daemon's configuration. Sizes are written as 16MiB; relative paths start from the configuration's folder.
type Settings struct {
	Book    string       `json:"book,omitempty" jsonschema:"file with the contacts: CSV, YAML or vCard"`
	Format  string       `json:"format,omitempty" jsonschema:"csv, yaml or vcard; without it the file's name tells"`
	Region  string       `json:"region,omitempty" jsonschema:"country of numbers without a country code, as two letters: UA"`
	Columns Columns      `json:"columns,omitzero" jsonschema:"names of a CSV file's columns, where they are not the usual ones"`
	Every   sdk.Duration `json:"every,omitempty" jsonschema:"how often the file is looked at for changes"`
	Events  Events       `json:"events,omitzero" jsonschema:"events as lines of JSON"`
	Hook    Hook         `json:"hook,omitzero" jsonschema:"command that is run when something happens"`
}

// Columns are headings of a CSV file. Several of Name are joined by a space.
type Columns struct {
	ID     string   `json:"id,omitempty"`
	Name   []string `json:"name,omitempty"`
	Kind   string   `json:"kind,omitempty"`
	Phones []string `json:"phones,omitempty"`
}

// Events says where lines of events go.
type Events struct {
	File   string   `json:"file,omitempty" jsonschema:"file, or - for the daemon's log"`
	Max    string   `json:"max_size,omitempty" jsonschema:"size at which the file is put aside and a new one begun"`
	Keep   int      `json:"keep,omitempty" jsonschema:"most files put aside that are kept"`
	Kinds  []string `json:"kinds,omitempty" jsonschema:"only these events; without it all"`
	Digits bool     `json:"digits,omitempty" jsonschema:"write the keys that parties press, too; they may belong to a card"`
}

// Hook is a command for events.
type Hook struct {
	Command     []string     `json:"command,omitempty" jsonschema:"program and arguments, not through a shell"`
	On          []string     `json:"on,omitempty" jsonschema:"events for which it is run"`
	Timeout     sdk.Duration `json:"timeout,omitempty" jsonschema:"longest time a run may take; then it is killed"`
	Concurrency int          `json:"concurrency,omitempty" jsonschema:"most runs at one time"`
	MaxAge      sdk.Duration `json:"max_age,omitempty" jsonschema:"events older than this, as after an outage, run nothing"`
}

// plan is settings that make sense.
type plan struct {
	Settings
	numbers numbers
	maxSize int64
	kinds   map[callcontrol.EventKind]bool // nil: all
	on      map[callcontrol.EventKind]bool
}

func defaults() Settings {
	return Settings{
		Every:  sdk.Duration(2 * time.Second),
		Events: Events{Max: "16MiB", Keep: 4},
		Hook: Hook{
			On: []string{string(callcontrol.EventCallStarted)}, Timeout: sdk.Duration(5 * time.Second), Concurrency: 4,
			MaxAge: sdk.Duration(30 * time.Second),
		},
	}
}

// settle reads the session's configuration. Its error names every key that is wrong.
func settle(s *sdk.Session) (plan, error) {
	p := plan{Settings: defaults()}
	if err := s.Decode(&p.Settings); err != nil {
		return p, err
	}
	return p, p.check()
}

func (p *plan) check() error {
	var wrong []error
	add := func(key string, err error) {
		if err != nil {
			wrong = append(wrong, fmt.Errorf("config: %s: %w", key, err))
		}
	}
	var err error
	if p.Book == "" && p.Events.File == "" && len(p.Hook.Command) == 0 {
		add("book", errors.New("there is nothing to do: name a book, events.file or hook.command"))
	}
	if p.Format == "" && p.Book != "" {
		p.Format = formatOf(p.Book)
	}
	if p.Book != "" && !slices.Contains([]string{"csv", "yaml", "vcard"}, p.Format) {
		add("format", errors.New("csv, yaml or vcard; the book's name does not tell which"))
	}
	p.numbers, err = newNumbers(p.Region)
	add("region", err)
	add("columns", p.checkColumns())
	add("every", within(time.Duration(p.Every), 100*time.Millisecond, time.Hour))
	p.maxSize, err = size(p.Events.Max)
	add("events.max_size", err)
	add("events.keep", within(p.Events.Keep, 1, 100))
	p.kinds, err = sdk.EventKinds(p.Events.Kinds)
	add("events.kinds", err)
	p.on, err = sdk.EventKinds(p.Hook.On)
	add("hook.on", err)
	if len(p.Hook.Command) > 0 && p.Hook.Command[0] == "" {
		add("hook.command", errors.New("the program has no name"))
	}
	add("hook.timeout", within(time.Duration(p.Hook.Timeout), 100*time.Millisecond, time.Minute))
	add("hook.concurrency", within(p.Hook.Concurrency, 1, 16))
	add("hook.max_age", within(time.Duration(p.Hook.MaxAge), time.Second, 24*time.Hour))
	return errors.Join(wrong...)
}

func (p *plan) checkColumns() error {
	c := p.Columns
	if (c.ID != "" || c.Kind != "" || len(c.Name) > 0 || len(c.Phones) > 0) && p.Format != "csv" {
		return errors.New("only a CSV file has columns")
	}
	return nil
}

func formatOf(name string) string {
	i := strings.LastIndexByte(name, '.')
	switch strings.ToLower(name[i+1:]) {
	case "csv", "tsv":
		return "csv"
	case "yaml", "yml":
		return "yaml"
	case "vcf", "vcard":
		return "vcard"
	}
	return ""
}

func within[N int | time.Duration](n, least, most N) error {
	if n < least || n > most {
		return fmt.Errorf("%v is not within %v and %v", n, least, most)
	}
	return nil
}

var sizeForm = regexp.MustCompile(`^([0-9]{1,12})(KiB|MiB|GiB)?$`)

// Bounds of a file of events, in bytes.
const (
	leastSize = 64 << 10
	mostSize  = 1 << 40
)

func size(text string) (int64, error) {
	m := sizeForm.FindStringSubmatch(text)
	if m == nil {
		return 0, fmt.Errorf("%q is not a size: write it as 16MiB", text)
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil {
		return 0, err
	}
	n <<= map[string]int{"": 0, "KiB": 10, "MiB": 20, "GiB": 30}[m[2]]
	if n < leastSize || n > mostSize {
		return 0, fmt.Errorf("%s is not within 64KiB and 1024GiB", text)
	}
	return n, nil
}

// newNumbers takes a region as ISO 3166 alpha-2, or none.
func newNumbers(region string) (numbers, error) {
	region = strings.ToUpper(strings.TrimSpace(region))
	if region != "" && !phonenumbers.GetSupportedRegions()[region] {
		return numbers{}, fmt.Errorf("%q is no country: write its two letters, as UA", region)
	}
	return numbers{region}, nil
}
