// Package systemd tells the service manager how the daemon is doing (sd_notify: ready, reloading, stopping, watchdog),
// writes log lines as the journal wants them, and holds the unit file. Where there is no systemd it does nothing.
package systemd

import (
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// Notifier speaks to the service manager that started this process. It is safe for concurrent use. Its methods do
// nothing when there is none (NOTIFY_SOCKET is not set); the errors are those of the socket, and never a reason to stop.
type Notifier struct {
	log      *slog.Logger
	interval time.Duration
	send     func(state string) (sent bool, err error)
}

// New reads what the manager put into the environment. The error is a watchdog interval that cannot be read.
func New(log *slog.Logger) (*Notifier, error) {
	interval, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		return nil, fmt.Errorf("read watchdog interval: %w", err)
	}
	return &Notifier{
		log:      log,
		interval: interval,
		send:     func(state string) (bool, error) { return daemon.SdNotify(false, state) },
	}, nil
}

// Ready says that the start, or a reload, is done: units ordered after this one are started. status is a line for
// `systemctl status`, may be empty.
func (n *Notifier) Ready(status string) error {
	return n.notify(daemon.SdNotifyReady, statusLine(status))
}

// Status changes the line in `systemctl status`, for example how many lines are registered.
func (n *Notifier) Status(status string) error { return n.notify(statusLine(status)) }

// Reloading says that a new configuration is being read; Ready must follow, also when it was refused.
func (n *Notifier) Reloading() error {
	return n.notify(daemon.SdNotifyReloading, strings.TrimSuffix(daemon.SdNotifyMonotonicUsec(), "\n"))
}

// Stopping says that the stop has begun, and asks for atMost to finish it: a drain may take longer than the unit's
// TimeoutStopSec. It is rounded up to a second.
func (n *Notifier) Stopping(status string, atMost time.Duration) error {
	lines := []string{daemon.SdNotifyStopping, statusLine(status)}
	if atMost > 0 {
		lines = append(lines, fmt.Sprintf("EXTEND_TIMEOUT_USEC=%d", (atMost+time.Second-1).Truncate(time.Second).Microseconds()))
	}
	return n.notify(lines...)
}

// notify sends the lines that are not empty as one message.
func (n *Notifier) notify(lines ...string) error {
	var b strings.Builder
	for _, l := range lines {
		if l != "" {
			b.WriteString(l)
			b.WriteByte('\n')
		}
	}
	if b.Len() == 0 {
		return nil
	}
	if _, err := n.send(b.String()); err != nil {
		return fmt.Errorf("notify systemd: %w", err)
	}
	return nil
}

// statusLine keeps a status within its line: a line break would begin another variable.
func statusLine(status string) string {
	if status == "" {
		return ""
	}
	return "STATUS=" + strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, status)
}
