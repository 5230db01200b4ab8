package rtp

import (
	"context"
	"fmt"
)

// Measure gives the figures of streams up to now, in their order. Each media loop is asked once, however many streams it has.
// It is an error when a loop has not answered before ctx ends. Like [Stream.Stats] it must not be called on a loop.
func (e *Engine) Measure(ctx context.Context, streams []*Stream) ([]Stats, error) {
	of := make(map[*shard][]int, len(e.shards))
	for i, st := range streams {
		of[st.shard] = append(of[st.shard], i)
	}
	out := make([]Stats, len(streams))
	done := make([]chan struct{}, 0, len(of))
	for s, at := range of {
		ran := make(chan struct{})
		read := func() {
			for _, i := range at {
				out[i] = streams[i].leg.stats()
			}
			close(ran)
		}
		if !s.mail.put(read, 0) {
			<-s.stopped
			read() // every leg is closed: nothing changes any more
		}
		done = append(done, ran)
	}
	for _, ran := range done {
		select {
		case <-ran:
		case <-ctx.Done():
			return nil, fmt.Errorf("a media loop does not answer: %w", ctx.Err())
		}
	}
	return out, nil
}
