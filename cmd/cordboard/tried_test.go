package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"cordboard/callcontrol"
	"cordboard/journal"
	"cordboard/plugins/sdk"
)

// asAdapter makes the test binary an adapter that is tried hard: see TestMain.
const asAdapter = "CORDBOARD_TEST_AS_ADAPTER"

// moods are what such an adapter does when its mood file says so.
const (
	moodWell     = "well"
	moodFlood    = "flood"    // logs, output, commands, questions and event streams without end
	moodGarbage  = "garbage"  // answers of any size and content
	moodSlow     = "slow"     // looks callers up for slowFor
	moodNonsense = "nonsense" // is no adapter behind its handshake; from its next life on
)

// slowFor is long beyond a lookup's 300 ms, and within the 10 s for which an answer is of use.
const slowFor = 3 * time.Second

// tried records each event that it takes, a line each, and each life's first cursor.
type tried struct {
	cfg struct {
		Folder string `json:"folder"` // of the record and the mood
	}
	session *sdk.Session
	record  *os.File
}

// serveTried is the process.
func serveTried() {
	if folder := os.Getenv(asAdapter); mood(folder) == moodNonsense {
		speakNonsense()
	}
	sdk.Serve(&tried{})
}

func mood(folder string) string {
	text, err := os.ReadFile(filepath.Join(folder, "mood"))
	if errors.Is(err, fs.ErrNotExist) {
		return moodWell
	}
	if err != nil {
		panic(err)
	}
	return string(text)
}

func (a *tried) Info() sdk.Info { return sdk.Info{Name: "tried", Version: "1"} }

func (a *tried) Configure(_ context.Context, s *sdk.Session) error {
	if err := s.Decode(&a.cfg); err != nil {
		return err
	}
	a.session = s
	var err error
	if a.record, err = os.OpenFile(filepath.Join(a.cfg.Folder, "record"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
		return err
	}
	if _, err := fmt.Fprintln(a.record, "start", s.Acknowledged.Seq); err != nil {
		return err
	}
	go func() {
		for mood(a.cfg.Folder) != moodFlood {
			time.Sleep(20 * time.Millisecond) // polls a file
		}
		a.flood()
	}()
	return nil
}

// flood goes on until the process ends.
func (a *tried) flood() {
	ctx, c := context.Background(), a.session.Control
	for range 50 {
		go func() {
			for {
				_, _ = c.Do(ctx, callcontrol.Command{Kind: callcontrol.KindHold, Call: "c-none"})
				_, _ = c.Snapshot(ctx)
				_, _ = c.Status(ctx)
			}
		}()
	}
	for range 8 {
		go func() {
			for {
				s := c.Follow(journal.Cursor{}, nil)
				for range 1000 {
					if _, err := s.Next(ctx); err != nil {
						break
					}
				}
				s.Close()
			}
		}()
	}
	go func() {
		for {
			fmt.Println(strings.Repeat("y", 4000))
		}
	}()
	for {
		a.session.Log.Error("flood", "text", strings.Repeat("x", 200))
	}
}

func (a *tried) Lookup(_ context.Context, q sdk.Query) ([]sdk.Contact, error) {
	m := mood(a.cfg.Folder)
	if m == moodSlow {
		time.Sleep(slowFor)
	}
	if m != moodGarbage {
		return []sdk.Contact{{ID: "7", Name: "Anna Koval", Kind: "contact"}}, nil
	}
	switch q.Display {
	case "0":
		return []sdk.Contact{{ID: "1", Name: strings.Repeat("x", 2<<20)}}, nil
	case "1":
		many := make([]sdk.Contact, 10_000)
		for i := range many {
			many[i] = sdk.Contact{ID: fmt.Sprint(i), Name: "\x00\u202E\xff\"<sip:x@y>\r\nVia: z"}
		}
		return many, nil
	case "2":
		return nil, errors.New(strings.Repeat("no\r\n", 10_000))
	}
	return []sdk.Contact{{}, {ID: "\x00"}, {Name: "\r\n"}}, nil
}

func (a *tried) Event(_ context.Context, e sdk.Event) error {
	_, err := fmt.Fprintln(a.record, e.Cursor.Seq)
	return err
}

func (a *tried) Health(context.Context) error {
	if mood(a.cfg.Folder) == moodGarbage {
		return errors.New(strings.Repeat("\x00sick ", 1000))
	}
	return nil
}

// speakNonsense begins as an adapter does, with a certificate that is none and output that is nothing.
func speakNonsense() {
	fmt.Printf("1|1|unix|%s/x|grpc|%s\n", os.Getenv("PLUGIN_UNIX_SOCKET_DIR"), strings.Repeat("A", 64))
	for {
		_, _ = os.Stdout.WriteString(strings.Repeat("\x00nonsense ", 1000))
	}
}
