package configs

import (
	"fmt"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Journal is where events, command results and readers' cursors are kept.
type Journal struct {
	Dir         Path          `json:"dir,omitempty" jsonschema:"folder of the journal; made if missing. With url it holds only marks of how the last run ended" example:"/var/lib/cordboard/journal" reload:"restart"`
	URL         string        `json:"url,omitempty" jsonschema:"NATS server or cluster with JetStream that keeps the journal instead of this host: nats://, tls://, ws:// or wss://HOST:PORT, several with commas; no password in it" example:"nats://192.0.2.20:4222" reload:"restart"`
	Credentials Path          `json:"credentials,omitempty" jsonschema:"NATS credentials file for url, readable by its owner only" example:"secrets/nats.creds" reload:"restart"`
	User        string        `json:"user,omitempty" jsonschema:"user of the account at url, where it takes passwords" example:"cordboard" reload:"restart"`
	Password    Secret        `json:"password,omitzero" jsonschema:"of user, never written here: {file: PATH}, {env: NAME} or {credential: NAME}" example:"{file: secrets/nats}" reload:"restart"`
	CA          Path          `json:"ca,omitempty" jsonschema:"certificates of the authorities trusted for url, PEM; empty: the system's" example:"tls/nats-ca.pem" reload:"restart"`
	Replicas    int           `json:"replicas,omitempty" jsonschema:"servers of the cluster at url that keep each event: 3 outlive the loss of one" min:"1" max:"5" example:"3" reload:"restart"`
	MaxBytes    Size          `json:"max_bytes,omitempty" jsonschema:"most that the events may take on disk; the oldest go first. A plain call takes some 15 KiB" example:"1GiB" reload:"restart"`
	MaxAge      time.Duration `json:"max_age,omitempty" jsonschema:"events older than this go" min:"1m" max:"87600h" example:"720h" reload:"restart"`
	Memory      bool          `json:"memory,omitempty" jsonschema:"keep the journal in memory only: nothing survives a restart, for tests and hosts without a disk" example:"true" reload:"restart"`
}

// Bounds of journal.max_bytes.
const (
	minJournal Size = 1 << 20
	maxJournal Size = 1 << 40
)

func defaultJournal() Journal {
	return Journal{Replicas: 1, MaxBytes: 256 << 20, MaxAge: 7 * 24 * time.Hour}
}

// Size is an amount of bytes.
type Size int64

// sizeUnits from large to small; each is written after its number.
var sizeUnits = []struct {
	name  string
	bytes int64
}{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}}

// ParseSize reads a whole number of bytes, or one with KiB, MiB, GiB or TiB behind it.
func ParseSize(s string) (Size, error) {
	number, unit := s, int64(1)
	for _, u := range sizeUnits {
		if rest, ok := strings.CutSuffix(s, u.name); ok {
			number, unit = rest, u.bytes
			break
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 || strings.Trim(number, "0123456789") != "" || n > math.MaxInt64/unit {
		return 0, fmt.Errorf("%q is not an amount of bytes", s)
	}
	return Size(n * unit), nil
}

// String is the form written in a file.
func (s Size) String() string {
	for _, u := range sizeUnits {
		if s != 0 && int64(s)%u.bytes == 0 {
			return strconv.FormatInt(int64(s)/u.bytes, 10) + u.name
		}
	}
	return strconv.FormatInt(int64(s), 10)
}

// MarshalText is String.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// resolveJournal puts the journal into the state folder.
func (l *loader) resolveJournal() {
	c := &l.cfg.Journal
	if c.Dir == "" && !c.Memory {
		c.Dir = Path(filepath.Join(string(l.cfg.StateDir), "journal"))
	}
}

func (l *loader) checkJournal() {
	c := l.cfg.Journal
	if l.sound("journal.max_bytes") && (c.MaxBytes < minJournal || c.MaxBytes > maxJournal) {
		l.wrong("journal.max_bytes", fmt.Sprintf("%s is out of bounds", c.MaxBytes), fmt.Sprintf("write %s to %s, as max_bytes: 256MiB", minJournal, maxJournal))
	}
	for _, path := range []string{"journal.dir", "journal.url", "journal.credentials", "journal.user", "journal.password", "journal.ca"} {
		if c.Memory && l.given(path) && l.sound(path) {
			l.wrong(path, "a journal in memory has no place outside it", "remove the key, or remove memory: true")
		}
	}
	if !l.sound("journal.url", "journal.credentials", "journal.memory") {
		return
	}
	if c.Replicas > 1 && c.URL == "" && l.sound("journal.replicas") {
		l.wrong("journal.replicas", "a journal on this host has one copy", "remove the key, or add the cluster's address as url: nats://192.0.2.20:4222")
	}
	if c.URL != "" {
		l.checkJournalURL(c.URL)
	}
	l.checkJournalUser(c)
	if c.Credentials == "" {
		return
	}
	if c.URL == "" {
		l.wrong("journal.credentials", "there are credentials without a server", "add url: nats://192.0.2.20:4222, or remove the key")
		return
	}
	const fix = "name the credentials file of the account (nsc generate creds), owned by the daemon's user"
	info, err := os.Stat(string(c.Credentials))
	switch {
	case err != nil:
		l.wrong("journal.credentials", fmt.Sprintf("%s cannot be read: %s", printable(string(c.Credentials)), reason(err)), fix)
	case !info.Mode().IsRegular():
		l.wrong("journal.credentials", printable(string(c.Credentials))+" is not a plain file", fix)
	case info.Mode().Perm()&0o077 != 0:
		l.wrong("journal.credentials", fmt.Sprintf("the file can be read by others than its owner (mode %04o)", info.Mode().Perm()),
			"run chmod 600 "+printable(string(c.Credentials)))
	}
}

// checkJournalUser sees that user, password and authorities are whole, and are of use.
func (l *loader) checkJournalUser(c Journal) {
	if !l.sound("journal.user", "journal.password", "journal.ca") {
		return
	}
	for path, given := range map[string]bool{"journal.user": c.User != "", "journal.ca": c.CA != ""} {
		if given && c.URL == "" && !c.Memory {
			l.wrong(path, "there is no server that it is for", "add url: nats://192.0.2.20:4222, or remove the key")
		}
	}
	switch {
	case c.User != "" && c.Password.IsZero():
		l.wrong("journal.user", "there is no password of this user", "add password: {file: secrets/nats}")
	case c.User == "" && !c.Password.IsZero():
		l.wrong("journal.password", "there is a password and no user", "add user: NAME")
	}
	l.checkAuthorities("journal.ca", string(c.CA))
}

func (l *loader) checkJournalURL(text string) {
	for one := range strings.SplitSeq(text, ",") {
		u, err := url.Parse(strings.TrimSpace(one))
		switch {
		case err != nil || u.Hostname() == "" || u.Scheme != "nats" && u.Scheme != "tls" && u.Scheme != "ws" && u.Scheme != "wss":
			l.wrong("journal.url", "this is not the address of a NATS server", "write url: nats://192.0.2.20:4222, or several with commas between them")
		case u.User != nil:
			l.wrong("journal.url", "a password never stands in the configuration", "write the address alone and name a credentials file: credentials: secrets/nats.creds; or write user: NAME and password: {file: PATH}")
		default:
			continue
		}
		return
	}
}
