package mediamix

// maxPlaces bounds how many tracks a slot remembers its place in; the one not heard for longest is forgotten.
const maxPlaces = 8

// player is a source as one slot hears it.
type player struct {
	src *Source
	pos int // next sample
}

// place is where in a track a slot stopped.
type place struct {
	track *Track
	pos   int
}

// render writes the next 20 ms.
func (p *player) render(dst *[FrameSamples]int16) {
	if p.src.track != nil {
		p.pos = p.src.track.render(dst[:], p.pos)
		return
	}
	p.pos = p.src.plan.render(dst[:], p.pos)
}

// start begins the wanted source: music where this slot left it, a tone at its beginning.
func (s *slot) start() {
	s.playing = player{src: s.want.Source}
	for _, p := range s.places {
		if p.track == s.playing.src.track {
			s.playing.pos = p.pos
		}
	}
}

// stop ends the playing source and remembers the place in music.
func (s *slot) stop() {
	p := s.playing
	s.playing = player{}
	if p.src == nil || p.src.track == nil {
		return
	}
	for i, old := range s.places {
		if old.track == p.src.track {
			s.places = append(s.places[:i], s.places[i+1:]...)
			break
		}
	}
	if len(s.places) == maxPlaces {
		s.places = append(s.places[:0], s.places[1:]...)
	}
	s.places = append(s.places, place{p.src.track, p.pos})
}
