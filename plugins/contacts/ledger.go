package contacts

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"syscall"

	"cordboard/journal"
)

// ledger is a file of lines, each with its cursor, that is put aside as FILE.1, FILE.2 … when it is full. What
// its last line tells is where it goes on after any end of the process: a line that is there is not
// written again.
//
// A line goes to the system in one write: it outlives the process, not the loss of the machine's power.
type ledger struct {
	path string
	max  int64 // bytes of a file, but for a line that is longer
	keep int   // files put aside

	mu    sync.Mutex // held over work on the file: it keeps Health from opening what an event is written to
	file  *os.File   // nil: to be opened
	known bool       // last is what the files say
	last  journal.Cursor
}

func newLedger(path string, max int64, keep int) *ledger {
	return &ledger{path: path, max: max, keep: keep}
}

// write adds a line, which has no line end, unless it is there already. Errors: of the file; a partial
// line is taken back.
func (l *ledger) write(at journal.Cursor, line []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	size, err := l.readyLocked()
	if err != nil {
		return err
	}
	if at.Epoch == l.last.Epoch && at.Seq <= l.last.Seq {
		return nil
	}
	line = append(line, '\n')
	if size > 0 && size+int64(len(line)) > l.max {
		if size, err = l.turnLocked(); err != nil {
			return err
		}
	}
	if _, err := l.file.Write(line); err != nil {
		if cut := l.file.Truncate(size); cut != nil {
			l.closeLocked() // opening it cuts what is partial
		}
		return plainError(err)
	}
	l.last = at
	return nil
}

// ready opens the file where it is not open. Its error is why no line can be written.
func (l *ledger) ready() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err := l.readyLocked()
	return err
}

// readyLocked gives the open file's size. A file that was moved away or removed is begun anew.
func (l *ledger) readyLocked() (int64, error) {
	if l.file != nil {
		mine, err := l.file.Stat()
		if err == nil {
			there, err := os.Stat(l.path)
			if err == nil && os.SameFile(mine, there) {
				return mine.Size(), nil
			}
		}
		l.closeLocked()
	}
	return l.openLocked()
}

func (l *ledger) openLocked() (int64, error) {
	// Not blocking: the path may be a pipe that nobody reads.
	f, err := os.OpenFile(l.path, os.O_CREATE|os.O_APPEND|os.O_RDWR|syscall.O_NONBLOCK, 0o640)
	if err != nil {
		return 0, plainError(err)
	}
	size, err := l.begin(f)
	if err != nil {
		_ = f.Close()
		return 0, fmt.Errorf("%s: %w", l.path, err)
	}
	l.file = f
	return size, nil
}

// begin makes the file this process's, cuts what is partial and looks where it ends.
func (l *ledger) begin(f *os.File) (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	if !info.Mode().IsRegular() {
		return 0, errors.New("this is no file; - means the daemon's log")
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return 0, fmt.Errorf("another process writes it (%w)", err)
	}
	end, last, err := tail(f, info.Size())
	if err != nil {
		return 0, err
	}
	if end < info.Size() {
		if err := f.Truncate(end); err != nil {
			return 0, err
		}
	}
	switch {
	case end > 0:
		l.last = last
	case !l.known:
		if err := l.recover(); err != nil {
			return 0, err
		}
	}
	l.known = true
	return end, nil
}

// recover finds the last line in the files put aside, for the case that the file itself is empty.
func (l *ledger) recover() error {
	for n := 1; n <= l.keep; n++ {
		f, err := os.Open(l.aside(n))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return plainError(err)
		}
		info, err := f.Stat()
		if err == nil {
			var end int64
			if end, l.last, err = tail(f, info.Size()); err == nil && end == 0 {
				err = errEmpty
			}
		}
		_ = f.Close()
		if !errors.Is(err, errEmpty) {
			if err != nil {
				return fmt.Errorf("%s: %w", l.aside(n), err)
			}
			return nil
		}
	}
	return nil
}

var errEmpty = errors.New("the file is empty")

func (l *ledger) aside(n int) string { return fmt.Sprintf("%s.%d", l.path, n) }

// turnLocked puts the file aside and begins a new one.
func (l *ledger) turnLocked() (int64, error) {
	_ = l.file.Sync()
	l.closeLocked()
	for n := l.keep; n > 1; n-- {
		if err := os.Rename(l.aside(n-1), l.aside(n)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return 0, err
		}
	}
	if err := os.Rename(l.path, l.aside(1)); err != nil {
		return 0, err
	}
	return l.openLocked()
}

func (l *ledger) closeLocked() {
	if l.file != nil {
		_ = l.file.Close()
		l.file = nil
	}
}

// close makes the lines safe on disk.
func (l *ledger) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return nil
	}
	err := l.file.Sync()
	l.closeLocked()
	return err
}

// lineBegin is how every line of a ledger begins.
var lineBegin = []byte(`{"cursor":{`)

// tail finds where the whole lines of a file end, and what the last of them tells. Errors: of reading; the
// file is not one of a ledger, and must not be touched.
func tail(f io.ReaderAt, size int64) (end int64, last journal.Cursor, err error) {
	end, err = lineEnd(f, size)
	if err != nil {
		return 0, last, err
	}
	if end < size {
		if err := ours(f, end, size); err != nil {
			return 0, last, err
		}
	}
	if end == 0 {
		return 0, last, nil
	}
	start, err := lineEnd(f, end-1)
	if err != nil {
		return 0, last, err
	}
	line := make([]byte, end-1-start)
	if _, err := f.ReadAt(line, start); err != nil && !errors.Is(err, io.EOF) {
		return 0, last, err
	}
	var at struct{ Cursor *journal.Cursor }
	if !bytes.HasPrefix(line, lineBegin) || json.Unmarshal(line, &at) != nil || at.Cursor == nil {
		return 0, last, errors.New("its last line is no event: name a file of its own for events")
	}
	return end, *at.Cursor, nil
}

// ours refuses a partial line that was not begun by a ledger. After a loss of power it may be of zeros.
func ours(f io.ReaderAt, from, to int64) error {
	head := make([]byte, min(to-from, int64(len(lineBegin))))
	if _, err := f.ReadAt(head, from); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if !bytes.HasPrefix(lineBegin, head) && len(bytes.Trim(head, "\x00")) > 0 {
		return errors.New("it is no file of events: name a file of its own for them")
	}
	return nil
}

// lineEnd is the place behind the last line end before size; 0 without one.
func lineEnd(f io.ReaderAt, size int64) (int64, error) {
	buf := make([]byte, 64<<10)
	for size > 0 {
		n := min(size, int64(len(buf)))
		if _, err := f.ReadAt(buf[:n], size-n); err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
		if i := bytes.LastIndexByte(buf[:n], '\n'); i >= 0 {
			return size - n + int64(i) + 1, nil
		}
		size -= n
	}
	return 0, nil
}
