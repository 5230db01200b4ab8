package doctor

import (
	"context"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"cordboard/configs"
	"cordboard/journal"
)

// journal looks at where events are kept: the server, or the folder and the room there.
func (v *visit) journal(ctx context.Context) {
	c := v.cfg.Journal
	switch {
	case c.Memory:
		v.warn("journal", "events are kept in memory only: a restart forgets them, and adapters miss what came meanwhile", "remove journal.memory")
		return
	case c.URL != "":
		who := journal.Config{URL: c.URL, Credentials: string(c.Credentials), User: c.User, Password: c.Password.Reveal(), CA: string(c.CA)}
		if err := journal.Check(ctx, who); err != nil {
			v.fail("journal", strings.TrimPrefix(err.Error(), "journal: "), "the daemon does not start without its journal")
			return
		}
		v.ok("journal", "the server at journal.url keeps journals")
		return
	}
	at, err := writable(string(c.Dir))
	if err != nil {
		v.fail("journal", fmt.Sprintf("%s cannot be written: %v", at, err), "let the daemon's user write there (StateDirectory=cordboard in its unit), or change journal.dir")
		return
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(at, &fs); err != nil {
		v.warn("journal", fmt.Sprintf("the room at %s is unknown: %v", at, err), "see with df that it has "+(c.MaxBytes+c.MaxBytes/4).String())
		return
	}
	free := configs.Size(fs.Bavail) * configs.Size(fs.Bsize) &^ (1<<20 - 1)
	if need := c.MaxBytes + c.MaxBytes/4; free < need {
		v.warn("journal", fmt.Sprintf("%s has %s left, the journal may take %s", at, free, need), "make room, or lower journal.max_bytes")
		return
	}
	v.ok("journal", fmt.Sprintf("%s has %s left, the journal takes %s at most", at, free, c.MaxBytes+c.MaxBytes/4))
}
