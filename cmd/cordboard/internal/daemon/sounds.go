package daemon

import (
	"fmt"

	"cordboard/callcontrol"
	"cordboard/configs"
	"cordboard/mediamix"
)

// sounds are the music and tones of the configuration, decoded once at load. One Source of a track is shared by all
// boards; each held leg has its own position in it.
type sounds struct {
	music  *mediamix.Source
	queues map[string]*mediamix.Source
	tones  map[callcontrol.SourceKind]*mediamix.Source
}

func newSounds(cfg *configs.Config) (*sounds, error) {
	s := &sounds{queues: map[string]*mediamix.Source{}}
	s.music = mediamix.MusicSource(mediamix.DefaultTrack())
	if p := cfg.Music.Default; p != "" {
		t, err := mediamix.LoadTrack(string(p))
		if err != nil {
			return nil, fmt.Errorf("music.default: %w", err)
		}
		s.music = mediamix.MusicSource(t.WithLevel(cfg.Music.Level))
	}
	for queue, p := range cfg.Music.Queues {
		t, err := mediamix.LoadTrack(string(p))
		if err != nil {
			return nil, fmt.Errorf("music.queues.%s: %w", queue, err)
		}
		s.queues[queue] = mediamix.MusicSource(t.WithLevel(cfg.Music.Level))
	}
	tone := func(t mediamix.Tone) *mediamix.Source { return mediamix.ToneSource(t, string(cfg.Tones.Region)) }
	s.tones = map[callcontrol.SourceKind]*mediamix.Source{
		callcontrol.SourceRingBack:    tone(mediamix.RingBack),
		callcontrol.SourceBusy:        tone(mediamix.Busy),
		callcontrol.SourceCongestion:  tone(mediamix.Congestion),
		callcontrol.SourceCallWaiting: tone(mediamix.CallWaiting),
		callcontrol.SourceHoldBeep:    tone(mediamix.HoldBeep(cfg.Tones.HoldBeep)),
	}
	return s, nil
}

// source gives the sound of a patch; nil for none.
func (s *sounds) source(want callcontrol.Source) *mediamix.Source {
	if want.Kind == callcontrol.SourceMusic {
		if q, ok := s.queues[want.Queue]; ok {
			return q
		}
		return s.music
	}
	return s.tones[want.Kind]
}
