package line

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"cordboard/sipua/digest"
)

// randomConfig is some of twelve lines at some of three trunks, each as it may have been edited.
func randomConfig(rng *rand.Rand) Config {
	var c Config
	for i := range 3 {
		t := config(0, nil).Trunks[0]
		t.Name = fmt.Sprintf("t%d", i)
		if i > 0 && rng.IntN(4) == 0 {
			t.Server.Host = "elsewhere.example"
		}
		if i > 1 && rng.IntN(4) == 0 {
			t.Realm = ""
		}
		t.Expires = time.Duration(10+rng.IntN(3)) * 24 * time.Hour // no reason to send anything, and no refresh comes between
		t.KeepAlive.Interval = time.Duration(1+rng.IntN(2)) * time.Hour
		c.Trunks = append(c.Trunks, t)
	}
	for n := range 12 {
		if rng.IntN(6) == 0 {
			continue
		}
		l := Line{ID: fmt.Sprintf("l%d", n), Trunk: c.Trunks[n%3].Name, User: fmt.Sprintf("1%d", n), Password: digest.NewSecret("pw")}
		if rng.IntN(6) == 0 {
			l.Password = digest.NewSecret("other")
		}
		if rng.IntN(6) == 0 {
			l.AuthUser = "1x"
		}
		l.Display = []string{"", "Anna"}[rng.IntN(2)]
		c.Lines = append(c.Lines, l)
	}
	rng.Shuffle(len(c.Lines), func(i, j int) { c.Lines[i], c.Lines[j] = c.Lines[j], c.Lines[i] })
	return c
}

// What Compare foretells is what Update sends, for 300 edits at random: those lines a REGISTER, all others none.
func TestCompareForetellsUpdate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 2))
		pbx := newFakePBX(t)
		pbx.twice = true
		pbx.script = func(r Request) *Response { return &Response{Status: 200, Peer: r.Trunk, Expires: r.Expires} }
		now := randomConfig(rng)
		m, stop := start(t, now, Deps{Sender: pbx, Targets: targets(1)})
		defer stop()
		kinds := map[ChangeKind]int{}
		for range 300 {
			time.Sleep(5 * time.Second)
			n := pbx.count()
			next := randomConfig(rng)
			var want, got []string
			for _, c := range Compare(now, next) {
				kinds[c.Kind]++
				id := c.Trunk + "/" + c.User
				switch c.Kind {
				case Moves:
					want = append(want, id+" 0s", id+" on")
				case Unregisters:
					want = append(want, id+" 0s")
				default:
					want = append(want, id+" on")
				}
			}
			if err := m.Update(next); err != nil {
				t.Fatal(err)
			}
			time.Sleep(5 * time.Second)
			for _, r := range pbx.requests()[n:] {
				does := " on"
				if r.Expires == 0 {
					does = " 0s"
				}
				got = append(got, r.Trunk+"/"+r.User+does)
			}
			slices.Sort(want)
			slices.Sort(got)
			if !slices.Equal(want, got) {
				t.Fatalf("foretold %v, sent %v", want, got)
			}
			now = next
		}
		for k := Registers; k <= Moves; k++ {
			if kinds[k] == 0 {
				t.Errorf("no line had to %s", k)
			}
		}
	})
}
