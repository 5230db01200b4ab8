package journal

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// child is this test binary as a process of its own, doing what is named.
func child(t *testing.T, what, dir string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), "JOURNAL_TEST_CHILD="+what, "JOURNAL_TEST_DIR="+dir)
	cmd.Stderr = testOutput{t}
	return cmd
}

type testOutput struct{ t *testing.T }

func (o testOutput) Write(p []byte) (int, error) {
	o.t.Log(strings.TrimSpace(string(p)))
	return len(p), nil
}

// appendForever appends numbers and tells how far they are stored, until it is killed.
func appendForever() error {
	s, err := Open(context.Background(), Config{Dir: os.Getenv("JOURNAL_TEST_DIR")})
	if err != nil {
		return err
	}
	l, err := OpenLog(context.Background(), s, numbers(4096))
	if err != nil {
		return err
	}
	calls, err := OpenTable[uint64](context.Background(), s, "calls", 0)
	if err != nil {
		return err
	}
	at := l.Last()
	told := at.Seq
	for {
		for range 1 + rand.IntN(20) {
			if at, err = l.Append(context.Background(), int(at.Seq)+1); err != nil {
				return err
			}
		}
		calls.Put("newest", at.Seq)
		calls.Put("after", at.Seq)
		for l.Status().Pending > 30 { // a call centre is slower than this loop
			<-time.After(time.Millisecond)
		}
		if stored := l.Status().Stored; stored.Seq > told {
			told = stored.Seq
			s.Ack("reader", stored)
			fmt.Println(stored.Epoch, stored.Seq)
		}
	}
}

// TestKilled: kill -9 in the middle of appending, again and again. What was acknowledged is there, each number once, and the
// next life goes on behind it.
func TestKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	epoch, acknowledged := "", uint64(0)
	for life := range 4 {
		cmd := child(t, "append", dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		stop := time.AfterFunc(2*time.Minute, func() { _ = cmd.Process.Kill() })
		lines, most := bufio.NewScanner(out), 10+rand.IntN(40)
		for n := 0; lines.Scan(); n++ {
			e, seq, _ := strings.Cut(lines.Text(), " ")
			if epoch == "" {
				epoch = e
			}
			if acknowledged, err = strconv.ParseUint(seq, 10, 64); err != nil || e != epoch {
				t.Fatalf("life %d tells %q in epoch %s", life, lines.Text(), epoch)
			}
			if n == most {
				_ = cmd.Process.Kill()
			}
		}
		_ = cmd.Wait()
		stop.Stop()

		b := openBench(t, Config{Dir: dir}, numbers(16))
		last := b.log.Last()
		if last.Epoch != epoch && b.said.has("could not be stored") { // killed just when the disk was slow
			epoch = last.Epoch
		}
		if last.Epoch != epoch || last.Seq < acknowledged {
			t.Fatalf("life %d: at %v, and %s %d was acknowledged", life, last, epoch, acknowledged)
		}
		if gaps := b.read(Cursor{}, last.Seq); gaps != nil {
			t.Errorf("life %d: gaps %v", life, gaps)
		}
		calls, err := OpenTable[uint64](context.Background(), b.store, "calls", 0)
		if err != nil {
			t.Fatal(err)
		}
		newest, _ := calls.Get("newest")
		if after, ok := calls.Get("after"); !ok || after == 0 || after > newest {
			t.Errorf("life %d: table has %d, %d, which was not its order", life, newest, after)
		}
		if c, ok, err := b.store.Cursor(context.Background(), "reader"); err != nil || !ok || c.Seq > last.Seq {
			t.Errorf("life %d: reader at %v, %v, %v; last is %v", life, c, ok, err, last)
		}
		t.Logf("life %d: %d acknowledged, %d there", life, acknowledged, last.Seq)
		b.close()
	}
}
