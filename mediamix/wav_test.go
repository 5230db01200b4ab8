package mediamix

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// wavFile makes a WAV file of samples in [-1, 1], one channel after the other interleaved.
func wavFile(coding, channels uint16, rate uint32, bits uint16, samples []float64) []byte {
	var data []byte
	for _, v := range samples {
		switch {
		case coding == codingFloat:
			data = binary.LittleEndian.AppendUint32(data, math.Float32bits(float32(v)))
		case coding == codingALaw, coding == codingMuLaw:
			c := map[uint16]Codec{codingALaw: CodecPCMA, codingMuLaw: CodecPCMU}[coding]
			var b [1]byte
			c.Encode(b[:], []int16{int16(v * 32767)})
			data = append(data, b[0])
		case bits == 8:
			data = append(data, byte(math.Round(v*127)+128))
		default:
			var b [8]byte
			binary.LittleEndian.PutUint64(b[:], uint64(int64(v*(math.Ldexp(1, int(bits)-1)-1))))
			data = append(data, b[:bits/8]...)
		}
	}
	return append(wavHeader(coding, channels, rate, bits, uint32(len(data))), data...)
}

func sineAt(rate int, hz, amp, seconds float64) []float64 {
	out := make([]float64, int(float64(rate)*seconds))
	for i := range out {
		out[i] = amp * math.Sin(2*math.Pi*hz*float64(i)/float64(rate))
	}
	return out
}

func write(t *testing.T, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "music.wav")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Every form of a WAV file gives the same music at the same level.
func TestLoadTrackForms(t *testing.T) {
	for _, c := range []struct {
		coding, channels uint16
		rate             uint32
		bits             uint16
	}{
		{codingPCM, 1, 8000, 8}, {codingPCM, 1, 8000, 16}, {codingPCM, 1, 8000, 24}, {codingPCM, 1, 8000, 32}, {codingFloat, 1, 8000, 32},
		{codingALaw, 1, 8000, 8}, {codingMuLaw, 1, 8000, 8}, {codingPCM, 2, 44100, 16}, {codingPCM, 2, 48000, 24}, {codingFloat, 2, 48000, 32},
		{codingPCM, 6, 16000, 16}, {codingPCM, 1, 11025, 8}, {codingPCM, 2, 22050, 32}, {codingPCM, 1, 32000, 16}, {codingPCM, 2, 96000, 24},
		{codingMuLaw, 2, 16000, 8}, {codingPCM, 1, 37123, 16},
	} {
		mono := sineAt(int(c.rate), 700, 0.02, 1.5)
		var samples []float64
		for _, v := range mono {
			for range c.channels {
				samples = append(samples, v)
			}
		}
		path := write(t, wavFile(c.coding, c.channels, c.rate, c.bits, samples))
		track, err := LoadTrack(path)
		if err != nil {
			t.Errorf("%+v: %v", c, err)
			continue
		}
		if d := track.Duration() - 1500*time.Millisecond; d < -time.Millisecond || d > time.Millisecond {
			t.Errorf("%+v: %v long", c, track.Duration())
		}
		levels := Detect(track.Samples(), []float64{700, 900, 1400, 2100})
		if math.Abs(levels[0]-DefaultLevel) > 1 {
			t.Errorf("%+v: level %.1f dBFS", c, levels[0])
		}
		for i, l := range levels[1:] {
			if l > -45 { // 8 bits at -34 dBFS are noisy
				t.Errorf("%+v: distortion %d of %.1f dBFS", c, i, l)
			}
		}
		if track.Name() != path {
			t.Errorf("name %q", track.Name())
		}
	}
}

// ReadWAV keeps the level, and what WriteWAV wrote comes back bit by bit.
func TestWAVRoundTrip(t *testing.T) {
	pcm := sine(885, -3, 12345)
	path := filepath.Join(t.TempDir(), "x.wav")
	if err := WriteWAV(path, pcm); err != nil {
		t.Fatal(err)
	}
	got, err := ReadWAV(path)
	if err != nil || !slices.Equal(got, pcm) {
		t.Fatalf("%d samples of %d, %v", len(got), len(pcm), err)
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w, err := NewWAVWriter(f)
	if err != nil {
		t.Fatal(err)
	}
	for len(pcm) > 0 {
		n := min(161, len(pcm))
		if err := w.Write(pcm[:n]); err != nil {
			t.Fatal(err)
		}
		pcm = pcm[n:]
	}
	// A recording that was not closed can still be read.
	if early, err := ReadWAV(path); err != nil || !slices.Equal(early, got) {
		t.Errorf("before Close: %d samples, %v", len(early), err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if again, err := ReadWAV(path); err != nil || !slices.Equal(again, got) {
		t.Errorf("in pieces: %d samples, %v", len(again), err)
	}
	w.bytes = math.MaxUint32 - 50
	if err := w.Write(make([]int16, 100)); !errors.Is(err, errWAVFull) {
		t.Errorf("over 4 GiB: %v", err)
	}
	if err := WriteWAV(filepath.Join(t.TempDir(), "no", "dir.wav"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
}

// chunk makes a chunk with any stated length.
func chunk(id string, length uint32, content ...byte) []byte {
	return append(binary.LittleEndian.AppendUint32([]byte(id), length), content...)
}

func TestUnusualFiles(t *testing.T) {
	plain := wavFile(codingPCM, 1, 8000, 16, sineAt(8000, 700, 0.1, 1))
	format, data := plain[12:36], plain[36:]
	riff := func(parts ...[]byte) []byte {
		return append([]byte("RIFF\xff\xff\xff\xffWAVE"), bytes.Join(parts, nil)...)
	}
	extensible := chunk("fmt ", 40, append(slices.Clone(format[8:]), make([]byte, 24)...)...)
	binary.LittleEndian.PutUint16(extensible[8:], codingExtensible)
	binary.LittleEndian.PutUint16(extensible[32:], codingPCM)
	killed := slices.Clone(data)
	binary.LittleEndian.PutUint32(killed[4:], 0)
	huge := slices.Clone(data)
	binary.LittleEndian.PutUint32(huge[4:], math.MaxUint32)
	for name, content := range map[string][]byte{
		"chunks before and between": riff(chunk("JUNK", 3, 1, 2, 3, 0), format, chunk("LIST", 4, 'I', 'N', 'F', 'O'), data),
		"chunks after":              append(slices.Clone(plain), chunk("id3 ", 1<<31, 1)...),
		"extensible":                riff(extensible, data),
		"recorder was killed":       riff(format, killed),
		"length unknown":            riff(format, huge),
		"half a sample at the end":  riff(format, huge, []byte{1}),
	} {
		track, err := LoadTrack(write(t, content))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if l := Detect(track.Samples(), []float64{700})[0]; math.Abs(l-DefaultLevel) > 1 {
			t.Errorf("%s: %.1f dBFS", name, l)
		}
	}
}

func TestBadFiles(t *testing.T) {
	good := wavFile(codingPCM, 1, 8000, 16, sineAt(8000, 700, 0.1, 0.1))
	change := func(at int, b ...byte) []byte {
		c := slices.Clone(good)
		copy(c[at:], b)
		return c
	}
	const long = 4000 * 1801
	for _, c := range []struct {
		name    string
		content []byte
		want    error
		says    string
	}{
		{"nothing", nil, ErrNotWAV, "only 0 bytes"},
		{"mp3", []byte("ID3\x04and so on and on"), ErrNotWAV, "sox"},
		{"other riff", change(8, 'A', 'V', 'I', ' '), ErrNotWAV, "RIFF"},
		{"only a header", good[:12], ErrWAVBroken, "no data chunk"},
		{"no data chunk", good[:36], ErrWAVBroken, "no data chunk"},
		{"short fmt", append(slices.Clone(good[:12]), chunk("fmt ", 4, 1, 0, 1, 0)...), ErrWAVBroken, "fmt"},
		{"data before fmt", append(slices.Clone(good[:12]), good[36:]...), ErrWAVBroken, "before"},
		{"adpcm", change(20, 17), ErrWAVCoding, "format 17"},
		{"12 bits", change(34, 12), ErrWAVCoding, "12 bits"},
		{"64-bit float", wavHeader(codingFloat, 1, 8000, 64, 8), ErrWAVCoding, "64 bits"},
		{"no channels", change(22, 0), ErrWAVCoding, "0 channels"},
		{"9 channels", change(22, 9), ErrWAVCoding, "9 channels"},
		{"1 Hz", change(24, 1, 0, 0, 0), ErrWAVCoding, "1 Hz"},
		{"4 GHz", change(24, 255, 255, 255, 255), ErrWAVCoding, "Hz"},
		{"no sound", good[:44], ErrTrackEmpty, "no sound"},
		{"one byte", good[:45], ErrTrackEmpty, "no sound"},
		{"too long", wavHeader(codingPCM, 1, 4000, 8, long), ErrTrackTooLong, "30m1s"},
		{"silent", wavFile(codingPCM, 1, 8000, 16, make([]float64, 800)), ErrSilent, "silent"},
		{"silent but for an offset", wavFile(codingPCM, 1, 8000, 8, slices.Repeat([]float64{0.2}, 800)), ErrSilent, "silent"},
	} {
		path := write(t, c.content)
		if c.want == ErrTrackTooLong {
			if err := os.Truncate(path, wavHeaderSize+long); err != nil {
				t.Fatal(err)
			}
		}
		_, err := LoadTrack(path)
		var te *TrackError
		if !errors.Is(err, c.want) || !errors.As(err, &te) || te.File != path {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
			continue
		}
		if !strings.Contains(err.Error(), c.says) || !strings.HasPrefix(err.Error(), path+": ") || te.Fix == "" {
			t.Errorf("%s: error reads %q", c.name, err)
		}
	}
	if _, err := LoadTrack(filepath.Join(t.TempDir(), "none.wav")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
	if _, err := LoadTrack(t.TempDir()); !errors.Is(err, ErrNotWAV) {
		t.Errorf("folder: %v", err)
	}
}

// A length in a header reserves no memory: only what is in the file does.
func TestHostileLengths(t *testing.T) {
	good := wavFile(codingPCM, 8, 384000-1, 32, sineAt(8, 1, 0.1, 100))
	for _, at := range []int{4, 16, 40} {
		content := slices.Clone(good)
		binary.LittleEndian.PutUint32(content[at:], 0xfffffff0)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := decodeWAV("x", bytes.NewReader(content), int64(len(content)))
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > 16<<20 {
			t.Errorf("length at %d: %d bytes for a file of %d (%v)", at, used, len(content), err)
		}
	}
}

// Channels are averaged, so a stereo file is as loud as its two sides; a loaded track begins and ends in silence.
func TestChannelsAndEnds(t *testing.T) {
	var both []float64
	for _, v := range sineAt(8000, 700, 0.4, 0.5) {
		both = append(both, v, v/2)
	}
	path := write(t, wavFile(codingPCM, 2, 8000, 16, both))
	pcm, err := ReadWAV(path)
	if err != nil {
		t.Fatal(err)
	}
	if l := Level(pcm); math.Abs(l-20*math.Log10(0.3)) > 0.1 {
		t.Errorf("%.1f dBFS of 0.4 and 0.2", l)
	}
	cosine := make([]float64, 4000)
	for i := range cosine {
		cosine[i] = 0.5 * math.Cos(2*math.Pi*float64(i)/8)
	}
	track, err := LoadTrack(write(t, wavFile(codingPCM, 1, 8000, 16, cosine)))
	if err != nil {
		t.Fatal(err)
	}
	if s := track.Samples(); abs(int(s[0])) > 10 || abs(int(s[len(s)-1])) > 10 {
		t.Errorf("ends at %d and %d", s[0], s[len(s)-1])
	}
}

// Loud, quiet and uneven recordings come out equally loud, and rare peaks neither wrap nor make the rest quiet.
func TestNormalise(t *testing.T) {
	for _, amp := range []float64{0.003, 0.05, 0.99} {
		samples := sineAt(8000, 700, amp, 4)
		for i := 8000; i < 24000; i++ {
			samples[i] = 0 // pauses do not count
		}
		samples[4000], samples[4001] = 1, -1
		track, err := LoadTrack(write(t, wavFile(codingPCM, 1, 8000, 24, samples)))
		if err != nil {
			t.Fatal(err)
		}
		pcm := track.Samples()
		if l := Level(pcm[1000:3800]); math.Abs(l-DefaultLevel) > 1.6 {
			t.Errorf("amplitude %v: %.1f dBFS", amp, l)
		}
		if amp < 0.1 && (pcm[4000] < 20000 || pcm[4001] > -20000) {
			t.Errorf("amplitude %v: peaks %d %d", amp, pcm[4000], pcm[4001])
		}
		louder := track.WithLevel(-12)
		if l := Level(louder.Samples()[1000:3800]) - Level(pcm[1000:3800]); math.Abs(l-8) > 1 {
			t.Errorf("WithLevel is %.1f dB louder", l)
		}
	}
	empty := NewTrack("e", nil)
	if empty.WithLevel(-20) != empty || NewTrack("n", sine(500, -9, 800)).WithLevel(math.NaN()) == nil {
		t.Error("WithLevel of nothing")
	}
}

func TestEmptyTrackIsSilence(t *testing.T) {
	for _, src := range []*Source{MusicSource(nil), MusicSource(NewTrack("", nil))} {
		r := newRig(t, CodecPCMU)
		r.board.SetPatch(Patch{[]Hear{{Source: src}}})
		if pcm := r.run(3)[0]; Level(pcm) > floorLevel || r.sent[0] != 3 {
			t.Errorf("%.1f dBFS, %d frames", Level(pcm), r.sent[0])
		}
	}
}

// The built-in melody is music: at the level of all music, never silent for long, not overdriven, seamless.
func TestDefaultTrack(t *testing.T) {
	track := DefaultTrack()
	if track != DefaultTrack() {
		t.Error("made twice")
	}
	pcm := track.Samples()
	if d := track.Duration(); d < 20*time.Second || d > 2*time.Minute {
		t.Errorf("%v long", d)
	}
	if l := Level(pcm); math.Abs(l-DefaultLevel) > 1.5 {
		t.Errorf("level %.1f dBFS", l)
	}
	for i := 0; i+4000 <= len(pcm); i += 4000 {
		if l := Level(pcm[i : i+4000]); l < -40 {
			t.Errorf("%.1f dBFS at %d s", l, i/8000)
		}
	}
	if peak := slices.Max(pcm); peak > 25000 {
		t.Errorf("peak %d", peak)
	}
	seam := slices.Concat(pcm[len(pcm)-400:], pcm[:400])
	if db := click(seam); db > -40 {
		t.Errorf("seam of %.1f dBFS", db)
	}
}

func FuzzWAV(f *testing.F) {
	s := sineAt(8000, 700, 0.5, 0.01)
	f.Add(wavFile(codingPCM, 1, 8000, 16, s))
	f.Add(wavFile(codingPCM, 2, 44100, 24, s))
	f.Add(wavFile(codingFloat, 1, 47999, 32, s))
	f.Add(wavFile(codingMuLaw, 3, 4000, 8, s[:31]))
	f.Add([]byte("RIFF\x00\x00\x00\x00WAVEdata"))
	f.Fuzz(func(t *testing.T, content []byte) {
		sound, err := decodeWAV("f.wav", bytes.NewReader(content), int64(len(content)))
		if err != nil {
			var te *TrackError
			if !errors.As(err, &te) {
				t.Fatalf("untyped error: %v", err)
			}
			if te.File != "f.wav" || te.Fix == "" {
				t.Fatalf("error without file or advice: %v", err)
			}
			return
		}
		// The slowest rate doubles the samples; a sample takes a byte at least.
		if len(sound) == 0 || len(sound) > 2*len(content)+1 || cap(sound) > 8*len(content)+8192 {
			t.Fatalf("%d samples (room for %d) from %d bytes", len(sound), cap(sound), len(content))
		}
		for _, v := range sound {
			if v != v || v > 32*32768 || v < -32*32768 {
				t.Fatalf("sample %v", v)
			}
		}
		if pcm, err := normalise(sound, DefaultLevel); err == nil && len(pcm) != len(sound) {
			t.Fatalf("%d samples, %d normalised", len(sound), len(pcm))
		}
	})
}
