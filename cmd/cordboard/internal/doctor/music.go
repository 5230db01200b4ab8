package doctor

import (
	"context"
	"fmt"
	"slices"
	"time"

	"cordboard/configs"
	"cordboard/mediamix"
)

// music decodes every file.
func (v *visit) music(context.Context) {
	m := v.cfg.Music
	if m.Default == "" {
		v.ok("music", "no default file: held customers hear the built-in melody")
	} else {
		v.track("music.default", m.Default)
	}
	queues := make([]string, 0, len(m.Queues))
	for q := range m.Queues {
		queues = append(queues, q)
	}
	slices.Sort(queues)
	for _, q := range queues {
		v.track("music.queues."+q, m.Queues[q])
	}
}

func (v *visit) track(key string, path configs.Path) {
	t, err := mediamix.LoadTrack(string(path))
	switch {
	case err != nil:
		v.fail("music", fmt.Sprintf("%s: %v", key, err), "use a WAV file (PCM, any rate) that the daemon's user can read")
	case t.Duration() < 5*time.Second:
		v.warn("music", fmt.Sprintf("%s: %s lasts %s", key, path, t.Duration().Round(100*time.Millisecond)), "a loop of a few seconds tires; use a longer recording")
	default:
		v.ok("music", fmt.Sprintf("%s: %s, %s", key, path, t.Duration().Round(100*time.Millisecond)))
	}
}
