package host

import (
	"errors"
	"slices"
	"testing"
	"time"
)

func TestBackoff(t *testing.T) {
	bad := ending{err: errors.New("x")}
	short := ending{err: bad.err, well: 5 * time.Second}
	killed := ending{err: bad.err, well: time.Millisecond, outside: true}
	long := ending{err: bad.err, well: time.Minute}
	for _, c := range []struct {
		name  string
		lives []ending
		want  []int // seconds
	}{
		{"never well", []ending{bad, bad, bad, bad, bad, bad, bad, bad, bad}, []int{1, 2, 4, 8, 16, 32, 64, 120, 120}},
		{"short lives", []ending{short, short, short}, []int{1, 2, 4}},
		{"killed from outside", []ending{killed, killed, killed, killed}, []int{1, 1, 1, 1}},
		{"well for a minute", []ending{bad, bad, bad, long, bad}, []int{1, 2, 4, 1, 2}},
		{"killed from outside after bad lives", []ending{bad, bad, bad, killed, killed, bad, killed}, []int{1, 2, 4, 1, 1, 8, 1}},
		{"killed before it was well", []ending{bad, {outside: true}}, []int{1, 2}},
	} {
		b := backoff{first: backoffFirst}
		var got []int
		for _, e := range c.lives {
			got = append(got, int(b.next(e)/time.Second))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
