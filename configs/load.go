package configs

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
)

// maxIncluded bounds the files that include patterns may find.
const maxIncluded = 20_000

// Load reads a configuration file with everything it names: included files,
// secrets, certificates, the heads of music files. Every mistake is found in one
// go: the error is then an Errors, and there is no configuration.
func Load(path string) (*Config, error) {
	return load(path, os.ReadFile)
}

// Parse is Load for text that is not in a file yet; name stands for its file, and
// relative paths start from name's folder.
func Parse(name string, text []byte) (*Config, error) {
	return load(name, func(string) ([]byte, error) { return text, nil })
}

func load(path string, read func(string) ([]byte, error)) (*Config, error) {
	l := newLoader()
	l.load(path, read)
	if err := l.rep.errors(); err != nil {
		return nil, err
	}
	return l.cfg, nil
}

// loader is one run of Load.
type loader struct {
	cfg  *Config
	dec  decoder
	rep  *report
	main *source
}

func newLoader() *loader {
	rep := newReport()
	return &loader{cfg: Default(), rep: rep, dec: decoder{rep: rep, marks: map[string]mark{}, limit: maxNodes}}
}

func (l *loader) load(path string, read func(string) ([]byte, error)) {
	text, err := read(path)
	text = clean(text)
	l.main = l.source(path, text)
	l.cfg.folder = l.main.dir
	if err != nil {
		l.rep.add(l.main.mark(1, 1), "", "the file cannot be read: "+reason(err), "name a file that exists and that the daemon's user may read")
		return
	}
	tree := parseTree(l.main, text, l.rep)
	if tree == nil {
		return
	}
	if tree.kind == kindNull {
		tree.kind = kindMap // an empty file lacks keys, nothing else
	}
	l.dec.value(tree, reflect.ValueOf(l.cfg).Elem(), key{}, "")
	l.includes()
	if l.dec.count <= l.dec.limit {
		l.resolve()
		l.check()
	}
}

// source begins a file; relative paths in it start from its folder.
func (l *loader) source(name string, text []byte) *source {
	src := l.rep.source(name, text)
	if abs, err := filepath.Abs(src.dir); err == nil {
		src.dir = abs
	}
	return src
}

// clean drops a byte order mark and the carriage returns of line ends.
func clean(text []byte) []byte {
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	return bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
}

// at is where a key was written, or else the nearest block around it.
func (l *loader) at(path string) mark {
	for path != "" {
		if m, ok := l.dec.marks[path]; ok {
			return m
		}
		path = path[:max(0, strings.LastIndexAny(path, ".["))]
	}
	return l.main.mark(1, 1)
}

// given reports whether the key was written.
func (l *loader) given(path string) bool {
	_, ok := l.dec.marks[path]
	return ok
}

// sound reports whether none of the keys has a problem yet: checks that build on
// a broken value only repeat it.
func (l *loader) sound(paths ...string) bool {
	return !slices.ContainsFunc(paths, func(p string) bool { return l.rep.bad[p] })
}

// wrong reports a problem at a key.
func (l *loader) wrong(path, message, fix string) {
	l.rep.add(l.at(path), path, message, fix)
}

// includes adds the agents of the included files.
func (l *loader) includes() {
	seen := map[string]bool{}
	for i, pattern := range l.cfg.Include {
		path := fmt.Sprintf("include[%d]", i)
		if l.rep.bad[path] || pattern == "" {
			continue
		}
		// Globbing is done as written, so that the names told are the operator's.
		full := pattern
		if !filepath.IsAbs(pattern) {
			full = filepath.Join(filepath.Dir(l.main.name), pattern)
		}
		names, err := filepath.Glob(full)
		if err != nil {
			l.wrong(path, "this is not a pattern of file names", "write a file or a pattern such as agents/*.yaml")
			continue
		}
		if len(names) == 0 {
			l.wrong(path, printable(fmt.Sprintf("no file matches %s", full)), "write a file that exists, as agents/*.yaml, or remove the key")
			continue
		}
		if len(seen)+len(names) > maxIncluded {
			l.wrong(path, fmt.Sprintf("more than %d files match", maxIncluded), "put several agents into one file")
			continue
		}
		for _, name := range names {
			if !seen[name] {
				seen[name] = true
				l.include(name, path)
			}
		}
	}
}

// include reads one file: an agent or a list of agents.
func (l *loader) include(name, from string) {
	text, err := readPlain(name)
	if err != nil {
		l.wrong(from, fmt.Sprintf("%s cannot be read: %s", printable(name), reason(err)), "let the daemon's user read it, or write a pattern that does not match it")
		return
	}
	text = clean(text)
	src := l.source(name, text)
	tree := parseTree(src, text, l.rep)
	if tree == nil {
		return
	}
	items := []*node{tree}
	switch tree.kind {
	case kindList:
		items = tree.items
	case kindNull:
		l.rep.add(tree.mark, "", "the file is empty", "write an agent, beginning with name: anna, or remove the file")
		return
	case kindMap:
		if len(tree.fields) == 1 && tree.fields[0].key == "agents" {
			l.rep.add(tree.fields[0].mark, "", "an included file holds the agents themselves, without the key agents",
				"remove the line agents: and move what is under it two columns to the left")
			return
		}
	}
	for _, item := range items {
		agent := Agent{}
		agent.setDefaults()
		path := fmt.Sprintf("agents[%d]", len(l.cfg.Agents))
		l.dec.value(item, reflect.ValueOf(&agent).Elem(), key{name: "agents", example: "{name: anna, …}"}, path)
		l.cfg.Agents = append(l.cfg.Agents, agent)
	}
}

// readPlain reads a regular file of bounded size: a device or a pipe in an
// included folder must not hang the start.
func readPlain(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("it is not a plain file")
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxFileBytes+1))
}
