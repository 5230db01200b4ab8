package daemon

import (
	"testing"
	"time"

	"cordboard/configs"
)

// What a file says is what the rooms are told, also where their own zero means a default.
func TestMapping(t *testing.T) {
	c := configs.Default()
	if got := rtpConfig(c).Quarantine; got != 10*time.Second {
		t.Errorf("ports rest for %v by default", got)
	}
	c.RTP.Quarantine = 0
	if got := rtpConfig(c).Quarantine; got >= 0 {
		t.Errorf("quarantine: 0s becomes %v, want none", got)
	}
}
