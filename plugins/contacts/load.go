package contacts

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
	"unicode/utf8"
)

// longestBook is the largest file of a book, in bytes.
const longestBook = 64 << 20

// stamp tells versions of a file apart.
type stamp struct {
	size    int64
	changed time.Time
	info    os.FileInfo
}

func (s stamp) same(o stamp) bool {
	return s.info != nil && o.info != nil && s.size == o.size && s.changed.Equal(o.changed) && os.SameFile(s.info, o.info)
}

func look(name string) (stamp, error) {
	info, err := os.Stat(name)
	if err != nil {
		return stamp{}, err
	}
	if !info.Mode().IsRegular() {
		return stamp{}, fmt.Errorf("%s is no file", name)
	}
	return stamp{info.Size(), info.ModTime(), info}, nil
}

// readFile is a book's bytes. Errors: as os.Open; the file is too large.
func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if info.Size() <= longestBook {
		b.Grow(int(info.Size()) + bytes.MinRead)
		if _, err := b.ReadFrom(io.LimitReader(f, longestBook+1)); err != nil {
			return nil, err
		}
	}
	if max(info.Size(), int64(b.Len())) > longestBook {
		return nil, fmt.Errorf("%s is larger than 64 MiB", name)
	}
	return b.Bytes(), nil
}

// parse makes a book of a file's bytes. old may be nil. Its error is a *bookError.
func (p *plan) parse(data []byte, old *book) (*book, error) {
	rep := &report{}
	var b *book
	if data = plainText(data, rep); data != nil {
		var entries []entry
		switch p.Format {
		case "csv":
			entries = readCSV(data, p.Columns, rep)
		case "yaml":
			entries = readYAML(data, rep)
		case "vcard":
			entries = readVCard(data, rep)
		}
		b = bind(entries, p.numbers, old, rep)
	}
	if err := rep.err(filepath.Base(p.Book)); err != nil {
		return nil, err
	}
	return b, nil
}

// plainText is a file's text without a byte order mark; nil: it is not UTF-8. What is broken may be told by
// the format better, as in vCard's own encodings, but no format has such bytes in UTF-8 files.
func plainText(data []byte, rep *report) []byte {
	data = bytes.TrimPrefix(data, []byte("\xEF\xBB\xBF"))
	if bytes.HasPrefix(data, []byte("\xFF\xFE")) || bytes.HasPrefix(data, []byte("\xFE\xFF")) {
		rep.add(1, "the file is UTF-16: save it as UTF-8")
		return nil
	}
	if bytes.IndexByte(data, 0) >= 0 {
		rep.add(1+bytes.Count(data[:bytes.IndexByte(data, 0)], []byte{'\n'}), "a NUL byte stands here: this is no text")
		return nil
	}
	if utf8.Valid(data) {
		if data == nil {
			data = []byte{}
		}
		return data
	}
	line := 0
	for part := range bytes.Lines(data) {
		line++
		if !utf8.Valid(part) {
			rep.add(line, "the text is not UTF-8: save the file as UTF-8")
			break
		}
	}
	return nil
}

// plainError takes the operation from an error of a file: what remains says name and reason.
func plainError(err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		return fmt.Errorf("%s: %w", p.Path, p.Err)
	}
	return err
}
