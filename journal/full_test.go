//go:build linux

package journal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestFullDisk runs fullDisk with a file system of its own.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	cmd := child(t, "full", t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Getuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}

// full is a journal on a small disk.
type full struct {
	dir  string
	said told
	s    *Store
	l    *Log[int]
	sub  Subscription[int]
	at   uint64 // of the reader
	slow time.Duration

	epochs []string // before and while the journal was opened on a full disk
}

// fullDisk fills the disk of a journal: calls go on, readers get everything, the alarm is raised, and with room again everything is
// stored. The second time it lasts for longer than the memory reaches: then there is a gap.
func fullDisk() error {
	f := &full{dir: os.Getenv("JOURNAL_TEST_DIR")}
	if err := syscall.Mount("none", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	if err := syscall.Mount("tmpfs", f.dir, "tmpfs", 0, "size=8m"); err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	if err := f.open(); err != nil {
		return err
	}
	for round, n := range []int{200, 3000} { // fits into the memory, and does not
		if err := f.round(n); err != nil {
			return fmt.Errorf("round %d: %w; %+v\n%s", round, err, f.l.Status(), f.said.lines.String())
		}
		if lost := f.l.Status().Lost; (lost > 0) != (n > 1000) {
			return fmt.Errorf("round %d: %d lost", round, lost)
		}
	}
	last := f.l.Last()
	if err := f.s.Close(); err != nil {
		return err
	}
	if err := f.startFull(); err != nil {
		return fmt.Errorf("start on a full disk: %w\n%s", err, f.said.lines.String())
	}
	if err := f.open(); err != nil {
		return err
	}
	last.Seq++
	if at := f.l.Last(); at.Seq != last.Seq || slices.Contains(f.epochs, at.Epoch) || f.epochs[0] == f.epochs[1] {
		return fmt.Errorf("at %v, was at %v, epochs before %v", at, last, f.epochs)
	}
	gaps, err := f.whole(last.Seq)
	fmt.Printf("longest append %v, gaps after a restart %v\n", f.slow, gaps)
	if err != nil || len(gaps) != 1 {
		return fmt.Errorf("read again: gaps %v, %w", gaps, err)
	}
	return f.s.Close()
}

func (f *full) open() (err error) {
	if f.s, err = Open(context.Background(), Config{Dir: filepath.Join(f.dir, "journal"), MaxBytes: 64 << 20, Log: f.said.logger()}); err != nil {
		return err
	}
	c := numbers(1000)
	encode := c.Encode
	c.Encode = func(i int) ([]byte, error) {
		text, err := encode(i)
		return append([]byte(strings.Repeat(" ", 500)), text...), err
	}
	if f.l, err = OpenLog(context.Background(), f.s, c); err != nil {
		return errors.Join(err, f.s.Close())
	}
	f.sub, f.at = f.l.Subscribe(f.l.Last()), f.l.Last().Seq
	return nil
}

// startFull opens the journal while there is no room at all, after a run that was killed while degraded: the daemon must start, and
// what it cannot note now must not be forgotten.
func (f *full) startFull() error {
	before := f.l.Last().Epoch
	m, _, err := openMark(filepath.Join(f.dir, "journal"), "events")
	if err == nil {
		err = m.set(func(s *state) { s.Clean, s.Degraded = false, true })
		m.close()
	}
	if err != nil {
		return err
	}
	ballast, err := f.fill()
	if err != nil {
		return err
	}
	if err := f.open(); err != nil {
		return err
	}
	now := f.l.Last().Epoch
	defer func() { f.epochs = []string{before, now} }()
	if err := f.append(1); err != nil {
		return err
	}
	if err := os.Remove(ballast); err != nil {
		return err
	}
	if err := f.until(func() bool { s := f.l.Status(); return s.Degraded == nil && s.Pending == 0 }); err != nil {
		return err
	}
	return f.s.Close()
}

// fill leaves no room.
func (f *full) fill() (ballast string, err error) {
	ballast = filepath.Join(f.dir, "ballast")
	file, err := os.Create(ballast)
	if err != nil {
		return "", err
	}
	block := slices.Repeat([]byte{1}, 4096)
	for err == nil {
		_, err = file.Write(block)
	}
	return ballast, file.Close()
}

// round fills the disk, appends n more numbers, and makes room again.
func (f *full) round(n int) error {
	ballast, err := f.fill()
	if err != nil {
		return err
	}
	for tries := 0; f.l.Status().Degraded == nil; tries++ { // what was allocated before takes some more
		if tries > 20_000 {
			return fmt.Errorf("the disk is not full")
		}
		if err := f.append(1); err != nil {
			return err
		}
		<-time.After(time.Millisecond)
	}
	if err := f.append(n); err != nil {
		return err
	}
	if s := f.l.Status(); s.Degraded == nil || s.Pending < min(n, 500) || s.Lag < degradeAfter {
		return fmt.Errorf("not degraded after %d more", n)
	}
	if err := f.until(func() bool { return f.said.has("journal degraded") && f.said.has("no room in memory") == (n > 1000) }); err != nil {
		return fmt.Errorf("no alarm")
	}
	if err := os.Remove(ballast); err != nil {
		return err
	}
	if err := f.until(func() bool { s := f.l.Status(); return s.Degraded == nil && s.Pending == 0 }); err != nil {
		return err
	}
	if err := f.until(func() bool { return f.said.has("stores events again") }); err != nil {
		return fmt.Errorf("the end is not told")
	}
	_, err = f.whole(f.l.Last().Seq)
	return err
}

// append adds numbers; a reader that is up to date gets each one, stored or not.
func (f *full) append(n int) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for range n {
		began := time.Now()
		at, err := f.l.Append(ctx, int(f.l.Last().Seq)+1)
		if err != nil {
			return err
		}
		f.slow = max(f.slow, time.Since(began))
		e, err := f.sub.Next(ctx)
		if f.at++; err != nil || e.Gap != nil || e.Event != int(f.at) || e.Cursor != at {
			return fmt.Errorf("the reader gets %+v, %w at %v", e, err, at)
		}
	}
	return nil
}

func (f *full) until(ok func() bool) error {
	for end := time.Now().Add(patience); !ok(); {
		if time.Now().After(end) {
			return fmt.Errorf("it lasts")
		}
		<-time.After(10 * time.Millisecond)
	}
	return nil
}

// whole reads everything from the beginning.
func (f *full) whole(to uint64) (gaps []string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	sub := f.l.Subscribe(Cursor{})
	for at := uint64(0); at < to; {
		e, err := sub.Next(ctx)
		switch {
		case err != nil:
			return gaps, fmt.Errorf("after %d: %w", at, err)
		case e.Gap != nil:
			gaps = append(gaps, fmt.Sprintf("%d-%d", at, e.Cursor.Seq))
		case e.Cursor.Seq != at+1 || e.Event != int(at)+1:
			return gaps, fmt.Errorf("after %d comes %+v", at, e)
		}
		at = e.Cursor.Seq
	}
	return gaps, nil
}
