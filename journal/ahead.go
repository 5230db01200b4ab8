package journal

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"
)

const (
	aheadHead  = 4096    // of the file: which start of the kernel wrote it
	aheadHalf  = 2 << 20 // of the file, twice
	recordHead = 16      // length, checksum, life

	// aheadLimit is how long a Put waits for its record. Only a disk that hangs makes it wait at all, and once.
	aheadLimit = 200 * time.Millisecond
)

// ahead is a file of this host to which the changes of a table go before Put returns. What write(2) has taken outlives the
// process, whatever the server behind the table does meanwhile; a start takes it from there.
//
// The file has its full size from the beginning and is overwritten in place, so that a full disk does not matter. It has two
// halves: records follow each other in one until it is full; the other one then begins with all changes that the server has
// not stored yet. A half counts whose records are of a higher life, and in it all records that are whole. Each record is a
// JSON list of changes; all that were made since the first of them are in the file, so that to apply them anew to
// what the server has, which is at some change among them or before them, gives the newest state.
//
// Fields below guarded are guarded by the table's mu.
type ahead struct {
	name string
	log  *slog.Logger
	file interface {
		io.WriterAt
		io.Closer
	}
	kick   chan struct{}
	ending chan struct{} // closed when the table is

	// the writer's
	life uint64
	half int64
	at   int64 // in the half; its length after a failure, so that the next record goes elsewhere

	// guarded
	queue  []json.RawMessage // what is not in the file yet
	asked  uint64            // changes that were ever queued
	done   uint64            // of these, written or given up
	wake   chan struct{}     // closed when done grows
	failed error             // set while a write does not return, or failed: nobody waits
}

// openAhead opens the file of a table and returns what it says of rows, in no order. Its error says why there is none.
func openAhead(dir, name string, log *slog.Logger) (*ahead, map[string]json.RawMessage, error) {
	f, err := os.OpenFile(filepath.Join(dir, name+".ahead"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, nil, fmt.Errorf("journal: %w", err)
	}
	a := &ahead{name: name, log: log, file: f, kick: make(chan struct{}, 1), ending: make(chan struct{}), wake: make(chan struct{})}
	whole := make([]byte, aheadHead+2*aheadHalf)
	n, err := f.ReadAt(whole, 0)
	if err != nil && err != io.EOF {
		_ = f.Close()
		return nil, nil, fmt.Errorf("journal: %w", err)
	}
	boot := append([]byte(bootID()), '\n')
	rows := map[string]json.RawMessage{}
	if n == len(whole) && bytes.HasPrefix(whole, boot) {
		rows = a.read(whole[aheadHead:])
		return a, rows, nil
	}
	clear(whole)
	copy(whole, boot)
	if _, err := f.WriteAt(whole, 0); err != nil {
		_ = f.Close()
		return nil, nil, fmt.Errorf("journal: %w", err)
	}
	return a, rows, nil
}

// read takes the records of the half that counts, and goes on behind them.
func (a *ahead) read(halves []byte) map[string]json.RawMessage {
	var newest []json.RawMessage
	for half := range int64(2) {
		records, life, at := readHalf(halves[half*aheadHalf : (half+1)*aheadHalf])
		if life > a.life {
			newest, a.life, a.half, a.at = records, life, half, at
		}
	}
	rows := map[string]json.RawMessage{}
	for _, r := range newest {
		var changes []json.RawMessage
		if json.Unmarshal(r, &changes) != nil {
			continue
		}
		for _, c := range changes {
			var k struct {
				Key string `json:"key"`
			}
			if json.Unmarshal(c, &k) == nil {
				rows[k.Key] = c
			}
		}
	}
	return rows
}

// readHalf reads the records of a half from its beginning, as far as they are whole and of one life.
func readHalf(half []byte) (records []json.RawMessage, life uint64, at int64) {
	for rest := half; len(rest) > recordHead; {
		size, sum, of := binary.LittleEndian.Uint32(rest), binary.LittleEndian.Uint32(rest[4:]), binary.LittleEndian.Uint64(rest[8:])
		if size == 0 || uint64(size) > uint64(len(rest)-recordHead) || of == 0 || life != 0 && of != life {
			break
		}
		data := rest[recordHead : recordHead+size]
		if crc32.Checksum(data, castagnoli) != sum {
			break
		}
		life, records = of, append(records, data)
		at += recordHead + int64(size)
		rest = half[at:]
	}
	return records, life, at
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// record is what is written for changes.
func record(life uint64, changes []json.RawMessage) ([]byte, error) {
	data, err := json.Marshal(changes)
	if err != nil {
		return nil, err
	}
	out := make([]byte, recordHead, recordHead+len(data))
	binary.LittleEndian.PutUint32(out, uint32(len(data)))
	binary.LittleEndian.PutUint32(out[4:], crc32.Checksum(data, castagnoli))
	binary.LittleEndian.PutUint64(out[8:], life)
	return append(out, data...), nil
}

// write appends a record; when it does not fit, or one before it failed, the other half begins with all that waits.
func (a *ahead) write(changes []json.RawMessage, all func() []json.RawMessage) error {
	life, half, at := a.life, a.half, a.at
	text, err := record(life, changes)
	if err == nil && (life == 0 || at+int64(len(text)) > aheadHalf) {
		life, half, at = life+1, 1-half, 0
		text, err = record(life, all())
	}
	if err == nil && len(text) > aheadHalf {
		err = fmt.Errorf("%d bytes of changes wait for the server", len(text))
	}
	if err == nil {
		_, err = a.file.WriteAt(text, aheadHead+half*aheadHalf+at)
	}
	if err != nil {
		a.at = aheadHalf
		return err
	}
	a.life, a.half, a.at = life, half, at+int64(len(text))
	return nil
}
