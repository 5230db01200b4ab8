package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// drain is how long what an ended process wrote is still read, in case others hold its pipes.
const drain = 500 * time.Millisecond

// process is an adapter's process with its process group. It is a go-plugin runner.Runner, in place of
// go-plugin's own, which neither dies with the daemon nor takes its children along, reads stderr with a
// parser that panics on odd JSON, and lets the program inherit stdin (go-plugin v1.8.0, 2026-11).
type process struct {
	cmd       *exec.Cmd
	lines     *lines
	dir       string // of its sockets
	handshake *handshake

	exited chan struct{} // closed once it is reaped
	exit   error         // valid then: nil for exit code 0
	held   chan struct{} // go-plugin learns of the end only once this is closed

	mu     sync.Mutex
	pid    int
	doomed bool // killed from here
	reaped bool
	free   sync.Once
}

func newProcess(cmd *exec.Cmd, l *lines, dir string) *process {
	return &process{
		cmd: cmd, lines: l, dir: dir, handshake: newHandshake(dir), exited: make(chan struct{}), held: make(chan struct{}),
	}
}

// Start implements runner.Runner.
func (p *process) Start(context.Context) error {
	outR, outW, err := os.Pipe()
	if err != nil {
		return p.unstarted(err)
	}
	errR, errW, err := os.Pipe()
	if err != nil {
		return p.unstarted(errors.Join(err, outR.Close(), outW.Close()))
	}
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = nil, outW, errW
	p.cmd.SysProcAttr = attributes()
	started := make(chan error, 1)
	go p.own(started, outR, errR)
	err = <-started
	_ = outW.Close()
	_ = errW.Close()
	return err
}

// unstarted ends what never began.
func (p *process) unstarted(err error) error {
	p.exit = err
	p.handshake.end(err)
	p.lines.ended()
	close(p.exited)
	return err
}

// own starts the process and waits for it on one thread: the kernel ends the process with the thread that
// began it (PR_SET_PDEATHSIG), and a thread without a lock may end at any time.
func (p *process) own(started chan<- error, stdout, stderr *os.File) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer stdout.Close()
	defer stderr.Close()
	if err := p.cmd.Start(); err != nil {
		started <- p.unstarted(err)
		return
	}
	defer close(p.exited)
	p.mu.Lock()
	p.pid = p.cmd.Process.Pid
	doomed := p.doomed
	p.mu.Unlock()
	if doomed {
		p.kill()
	}
	started <- nil
	var readers sync.WaitGroup
	readers.Go(func() { p.handshake.read(stdout, p.lines.stdout) })
	readers.Go(func() { p.lines.read(stderr) })

	zombie := awaitExit(p.pid)
	close(p.handshake.gone)
	if zombie {
		p.signal(syscall.SIGKILL) // what the program left behind; its number is not given away yet
		p.forget()
	}
	p.exit = p.cmd.Wait()
	p.forget()
	p.lines.ended()
	until := time.Now().Add(drain)
	_ = stdout.SetReadDeadline(until)
	_ = stderr.SetReadDeadline(until)
	readers.Wait()
}

// signal sends to the whole process group.
func (p *process) signal(s syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pid != 0 && !p.reaped {
		_ = syscall.Kill(-p.pid, s) // ESRCH: gone
	}
}

// forget ends signals to a number that is the process's no longer.
func (p *process) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reaped = true
}

func (p *process) kill() {
	p.mu.Lock()
	p.doomed = true
	p.mu.Unlock()
	p.signal(syscall.SIGKILL)
}

// end says how the process ended, once exited is closed. outside: a signal that did not come from here.
func (p *process) end() (err error, outside bool) {
	p.mu.Lock()
	ours := p.doomed
	p.mu.Unlock()
	words := p.lines.lastWords()
	var exit *exec.ExitError
	switch {
	case p.exit == nil:
		err = errors.New("it ended by itself (exit status 0)")
	case errors.As(p.exit, &exit):
		st, ok := exit.Sys().(syscall.WaitStatus)
		if ok && st.Signaled() && !ours {
			switch st.Signal() {
			case syscall.SIGKILL, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP:
				return fmt.Errorf("it was ended from outside (%w)", exit), true
			}
		}
		err = fmt.Errorf("it ended (%w)", exit)
	default:
		return p.exit, false
	}
	if words != "" {
		err = fmt.Errorf("%w: %s", err, words)
	}
	return err, false
}

// release lets go-plugin learn of the process's end.
func (p *process) release() { p.free.Do(func() { close(p.held) }) }

// Wait implements runner.AttachedRunner. It does not return before release: go-plugin v1.8.0 leaks its
// connection when the process ends while it is being connected to.
func (p *process) Wait(context.Context) error {
	<-p.exited
	<-p.held
	return p.exit
}

// Kill implements runner.AttachedRunner.
func (p *process) Kill(context.Context) error {
	p.kill()
	return nil
}

// Stdout implements runner.Runner: the handshake's line, then nothing until the end.
func (p *process) Stdout() io.ReadCloser { return p.handshake }

// Stderr implements runner.Runner: go-plugin gets nothing, it is read here.
func (p *process) Stderr() io.ReadCloser { return io.NopCloser(emptyReader{}) }

// Name implements runner.Runner.
func (p *process) Name() string { return p.cmd.Path }

// ID implements runner.AttachedRunner.
func (p *process) ID() string {
	if n := p.number(); n != 0 {
		return strconv.Itoa(n)
	}
	return ""
}

func (p *process) number() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pid
}

// Diagnose implements runner.Runner; explain does it better.
func (p *process) Diagnose(context.Context) string { return "" }

// PluginToHost implements runner.AddrTranslator. The handshake's address was looked at; this is for
// addresses of the broker, where the daemon dials nothing.
func (p *process) PluginToHost(network, address string) (string, string, error) {
	if network != "unix" || !within(p.dir, address) {
		return "", "", fmt.Errorf("address %s is outside the adapter's socket folder", shorten(address))
	}
	return network, address, nil
}

// HostToPlugin implements runner.AddrTranslator.
func (p *process) HostToPlugin(network, address string) (string, string, error) {
	return network, address, nil
}

type emptyReader struct{}

// Read implements io.Reader.
func (emptyReader) Read([]byte) (int, error) { return 0, io.EOF }
