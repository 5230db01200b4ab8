package journal

import (
	"encoding/json"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
)

// Config says where a Store keeps what it is given. Exactly one of Memory, URL and Dir decides: Memory
// before URL before Dir.
type Config struct {
	// Dir is the folder of the embedded server, made if missing. With URL it holds only the lock and
	// the marks by which an unclean end is noticed; it may then be empty.
	Dir string
	// URL is an external NATS server or cluster with JetStream: nats://host:4222, several with commas.
	URL string
	// Credentials is a NATS credentials file for URL; empty: none.
	Credentials string
	User        string // at URL, with Password; empty: none
	Password    string
	CA          string // PEM file of the authorities that a TLS server's certificate must be from; empty: the system's
	// Memory keeps everything in this process only: nothing survives its end.
	Memory bool

	MaxBytes int64         // of each log on disk, bytes; 0: DefaultMaxBytes
	MaxAge   time.Duration // of entries; 0: DefaultMaxAge
	Replicas int           // of each stream at URL; 0: 1
	Log      *slog.Logger  // nil: nothing is logged
}

// Bounds of a log where Config names none.
const (
	DefaultMaxBytes = 256 << 20
	DefaultMaxAge   = 7 * 24 * time.Hour
	DefaultRing     = 16384
)

// identity is how we show who we are at URL, and see who the server is.
func (c Config) identity() (opts []nats.Option) {
	if c.Credentials != "" {
		opts = append(opts, nats.UserCredentials(c.Credentials))
	}
	if c.User != "" {
		opts = append(opts, nats.UserInfo(c.User, c.Password))
	}
	if c.CA != "" {
		opts = append(opts, nats.RootCAs(c.CA))
	}
	return opts
}

func (c Config) withDefaults() Config {
	if c.MaxBytes <= 0 {
		c.MaxBytes = DefaultMaxBytes
	}
	if c.MaxAge <= 0 {
		c.MaxAge = DefaultMaxAge
	}
	if c.Replicas <= 0 {
		c.Replicas = 1
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// LogConfig describes one log of a store.
type LogConfig[E any] struct {
	// Name is part of the stream's name, cordboard_NAME: letters, digits, dashes.
	Name string
	// Encode and Decode must bring back the same value; nil: as JSON. Decode gets whatever is on the disk and must
	// not panic. An entry that cannot be encoded or decoded is a gap to readers.
	Encode func(E) ([]byte, error)
	Decode func([]byte) (E, error)
	// Ring is how many of the newest entries are kept in memory, for readers that are up to date and
	// for the time that the disk does not answer; 0: DefaultRing.
	Ring int

	MaxBytes int64         // on disk, bytes; 0: the store's
	MaxAge   time.Duration // 0: the store's
}

func (c LogConfig[E]) withDefaults(s Config) LogConfig[E] {
	if c.Encode == nil {
		c.Encode = func(e E) ([]byte, error) { return json.Marshal(e) }
	}
	if c.Decode == nil {
		c.Decode = func(text []byte) (e E, err error) {
			err = json.Unmarshal(text, &e)
			return e, err
		}
	}
	if c.Ring <= 0 {
		c.Ring = DefaultRing
	}
	if c.MaxBytes <= 0 {
		c.MaxBytes = s.MaxBytes
	}
	if c.MaxAge <= 0 {
		c.MaxAge = s.MaxAge
	}
	return c
}

// Status is how a log is doing.
type Status struct {
	Last     Cursor        // the newest entry
	Stored   Cursor        // the newest entry that is stored for good
	Pending  int           // entries that wait to be stored
	Lag      time.Duration // age of the oldest entry that waits; 0: none waits
	Lost     uint64        // entries of this life that will never be stored
	Degraded error         // set while storing fails: readers get entries that are not stored
}
