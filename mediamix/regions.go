package mediamix

import (
	"maps"
	"slices"
	"time"
)

// DefaultRegion is the plan ITU-T E.180 recommends where a country has none of its own.
const DefaultRegion = "itu"

// plan is how one country's exchanges sound (ITU-T E.180 Supplement 2).
type plan struct {
	ringBack, busy, congestion, callWaiting cadence
}

// Regions lists the names ToneSource knows, sorted: ISO 3166 country codes in lower case, "uk", and "itu".
func Regions() []string { return slices.Sorted(maps.Keys(regions)) }

// KnownRegion reports whether ToneSource has a plan of its own for name.
func KnownRegion(name string) bool {
	_, ok := regions[name]
	return ok
}

const ms = time.Millisecond

// regions holds the plans. Most of Europe uses one frequency of 425 Hz and differs only in rhythm.
var regions = map[string]plan{
	DefaultRegion: {
		ringBack:    newCadence(toneLevel, on(425, 0, 1000*ms), off(4000*ms)),
		busy:        newCadence(toneLevel, on(425, 0, 500*ms), off(500*ms)),
		congestion:  newCadence(toneLevel, on(425, 0, 250*ms), off(250*ms)),
		callWaiting: newCadence(softLevel, on(425, 0, 200*ms), off(600*ms), on(425, 0, 200*ms), off(4000*ms)),
	},
	"au": {
		ringBack:    newCadence(toneLevel, on(413, 438, 400*ms), off(200*ms), on(413, 438, 400*ms), off(2000*ms)),
		busy:        newCadence(toneLevel, on(425, 0, 375*ms), off(375*ms)),
		congestion:  newCadence(toneLevel, on(425, 0, 375*ms), off(375*ms)),
		callWaiting: newCadence(softLevel, on(425, 0, 200*ms), off(200*ms), on(425, 0, 200*ms), off(4400*ms)),
	},
	"cz": {
		ringBack:    newCadence(toneLevel, on(425, 0, 1000*ms), off(4000*ms)),
		busy:        newCadence(toneLevel, on(425, 0, 330*ms), off(330*ms)),
		congestion:  newCadence(toneLevel, on(425, 0, 165*ms), off(165*ms)),
		callWaiting: newCadence(softLevel, on(425, 0, 330*ms), off(9000*ms)),
	},
	"de": {
		ringBack:    newCadence(toneLevel, on(425, 0, 1000*ms), off(4000*ms)),
		busy:        newCadence(toneLevel, on(425, 0, 480*ms), off(480*ms)),
		congestion:  newCadence(toneLevel, on(425, 0, 240*ms), off(240*ms)),
		callWaiting: newCadence(softLevel, on(425, 0, 200*ms), off(200*ms), on(425, 0, 200*ms), off(5000*ms)),
	},
	"es": {
		ringBack:    newCadence(toneLevel, on(425, 0, 1500*ms), off(3000*ms)),
		busy:        newCadence(toneLevel, on(425, 0, 200*ms), off(200*ms)),
		congestion:  newCadence(toneLevel, on(425, 0, 200*ms), off(200*ms), on(425, 0, 200*ms), off(200*ms), on(425, 0, 200*ms), off(600*ms)),
		callWaiting: newCadence(softLevel, on(425, 0, 175*ms), off(175*ms), on(425, 0, 175*ms), off(3500*ms)),
	},
	"fr": {
		ringBack:    newCadence(toneLevel, on(440, 0, 1500*ms), off(3500*ms)),
		busy:        newCadence(toneLevel, on(440, 0, 500*ms), off(500*ms)),
		congestion:  newCadence(toneLevel, on(440, 0, 250*ms), off(250*ms)),
		callWaiting: newCadence(softLevel, on(440, 0, 300*ms), off(10000*ms)),
	},
	"it": {
		ringBack:    newCadence(toneLevel, on(425, 0, 1000*ms), off(4000*ms)),
		busy:        newCadence(toneLevel, on(425, 0, 500*ms), off(500*ms)),
		congestion:  newCadence(toneLevel, on(425, 0, 200*ms), off(200*ms)),
		callWaiting: newCadence(softLevel, on(425, 0, 400*ms), off(100*ms), on(425, 0, 250*ms), off(100*ms), on(425, 0, 150*ms), off(14000*ms)),
	},
	"pl": {
		ringBack:    newCadence(toneLevel, on(425, 0, 1000*ms), off(4000*ms)),
		busy:        newCadence(toneLevel, on(425, 0, 500*ms), off(500*ms)),
		congestion:  newCadence(toneLevel, on(425, 0, 500*ms), off(500*ms)),
		callWaiting: newCadence(softLevel, on(425, 0, 150*ms), off(150*ms), on(425, 0, 150*ms), off(4000*ms)),
	},
	"ua": {
		ringBack:    newCadence(toneLevel, on(425, 0, 1000*ms), off(4000*ms)),
		busy:        newCadence(toneLevel, on(425, 0, 350*ms), off(350*ms)),
		congestion:  newCadence(toneLevel, on(425, 0, 175*ms), off(175*ms)),
		callWaiting: newCadence(softLevel, on(425, 0, 200*ms), off(5000*ms)),
	},
	"uk": {
		ringBack:    newCadence(toneLevel, on(400, 450, 400*ms), off(200*ms), on(400, 450, 400*ms), off(2000*ms)),
		busy:        newCadence(toneLevel, on(400, 0, 375*ms), off(375*ms)),
		congestion:  newCadence(toneLevel, on(400, 0, 400*ms), off(350*ms), on(400, 0, 225*ms), off(525*ms)),
		callWaiting: newCadence(softLevel, on(400, 0, 100*ms), off(4000*ms)),
	},
	"us": {
		ringBack:    newCadence(toneLevel, on(440, 480, 2000*ms), off(4000*ms)),
		busy:        newCadence(toneLevel, on(480, 620, 500*ms), off(500*ms)),
		congestion:  newCadence(toneLevel, on(480, 620, 250*ms), off(250*ms)),
		callWaiting: newCadence(softLevel, on(440, 0, 300*ms), off(9700*ms)),
	},
}

// cadence gives the rhythm of t in region. A tone not known here is silent.
func (t Tone) cadence(region string) cadence {
	p, ok := regions[region]
	if !ok {
		p = regions[DefaultRegion]
	}
	switch t & 0xff {
	case RingBack:
		return p.ringBack
	case Busy:
		return p.busy
	case Congestion:
		return p.congestion
	case CallWaiting:
		return p.callWaiting
	case holdBeep:
		const beep = 200 * ms
		every := time.Duration(t>>8) * time.Second
		return newCadence(softLevel, off(every-beep), on(p.callWaiting.steps[0].f1, 0, beep))
	}
	return cadence{}
}
