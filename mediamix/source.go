package mediamix

import "time"

// Source is sound that does not come from a leg: music or a tone. It is immutable and may be shared by any number of
// boards; where a slot is within it is kept by the board.
type Source struct {
	track *Track
	tone  Tone
	plan  cadence
}

// MusicSource plays t in a loop. Each (slot, track) keeps its position while it is not heard, until the slot leaves: a
// second hold goes on where the first stopped. A nil or empty track is silence.
func MusicSource(t *Track) *Source { return &Source{track: t} }

// ToneSource plays t with the frequencies and cadence of region (see Regions; an unknown one plays as "itu"). Patching
// the same tone again while it sounds does not restart its cadence.
func ToneSource(t Tone, region string) *Source {
	return &Source{tone: t, plan: t.cadence(region)}
}

// same reports whether going from a to b is no change to the ear.
func (a *Source) same(b *Source) bool {
	if a == b {
		return true
	}
	if a == nil || b == nil || a.track != b.track {
		return false
	}
	return a.tone == b.tone && a.plan == b.plan
}

// Tone is a signal to the ear of a caller or an agent.
type Tone uint32

// The tones of ITU-T E.180 and E.182 that a gateway plays. The cadence of each is the region's.
const (
	RingBack    Tone = iota + 1 // the far end is being alerted
	Busy                        // the far end is busy
	Congestion                  // the call failed for another reason
	CallWaiting                 // another call is waiting: repeated while patched
	holdBeep                    // see HoldBeep
)

// HoldBeep is the reminder that somebody is on hold: a short soft beep at the end of every interval. The interval is
// rounded to seconds and kept between 2 s and 10 min.
func HoldBeep(every time.Duration) Tone {
	s := min(max(every.Round(time.Second), 2*time.Second), 10*time.Minute) / time.Second
	return holdBeep | Tone(s)<<8
}
