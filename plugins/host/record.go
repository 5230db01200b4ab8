package host

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"

	"cordboard/plugins/adapter"
)

const (
	levelTrace  = slog.LevelDebug - 4
	mostAttrs   = 32
	longestAttr = 1024 // bytes
)

// record is one line of an adapter's log.
type record struct {
	level   slog.Level
	message string
	attrs   []slog.Attr
}

// parseLine reads a JSON line as hclog (@level, @message, @timestamp) or log/slog (level, msg, time) write
// it. False: it is none.
func parseLine(line []byte) (record, bool) {
	if line[0] != '{' {
		return record{}, false
	}
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return record{}, false
	}
	r := record{level: slog.LevelInfo}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return record{}, false
		}
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return record{}, false
		}
		r.add(key.(string), raw) // a key of an object is always a string
	}
	return r, r.message != ""
}

func (r *record) add(key string, raw json.RawMessage) {
	value := plainText(raw)
	switch key {
	case "@level", "level":
		r.level = levelOf(value)
		return
	case "@message", "msg":
		r.message = shortenTo(value, 2048)
		return
	case "@timestamp", "time":
		return // the daemon's own is a moment later
	}
	if key = adapter.Clean(key, 64); key != "" && len(r.attrs) < mostAttrs {
		if key == "adapter" { // ours says who writes
			key = "adapter_"
		}
		r.attrs = append(r.attrs, slog.String(key, value))
	}
}

// plainText is a JSON string as it is meant, anything else as it is written.
func plainText(raw json.RawMessage) string {
	var s string
	if len(raw) > 0 && raw[0] == '"' && json.Unmarshal(raw, &s) == nil {
		return shortenTo(s, longestAttr)
	}
	return shortenTo(string(raw), longestAttr)
}

func levelOf(word string) slog.Level {
	var l slog.Level
	switch strings.ToLower(word) {
	case "trace":
		return levelTrace
	case "warning":
		return slog.LevelWarn
	case "fatal", "critical":
		return slog.LevelError
	}
	if l.UnmarshalText([]byte(word)) != nil {
		return slog.LevelInfo
	}
	return l
}

// shorten is text for one line of a status.
func shorten(s string) string { return shortenTo(s, 300) }

func shortenTo(s string, limit int) string {
	clean := adapter.Clean(s, limit)
	if len(clean)+3 > limit && len(s) > len(clean) {
		clean += "…"
	}
	return clean
}
