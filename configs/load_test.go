package configs

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestGood loads what is right, and TestBad prints exactly what is wrong.
func TestGood(t *testing.T) {
	dir := furnish(t, "testdata")
	for _, name := range files(t, dir, "*.good.yaml") {
		if _, err := Load(name); err != nil {
			t.Errorf("%s: %v", filepath.Base(name), err)
		}
	}
}

func TestBad(t *testing.T) {
	dir := furnish(t, "testdata")
	for _, name := range files(t, dir, "*.bad.yaml") {
		base := filepath.Base(name)
		t.Run(base, func(t *testing.T) {
			c, err := Load(name)
			var problems Errors
			if c != nil || !errors.As(err, &problems) || len(problems) == 0 {
				t.Fatalf("got %v, %v; want problems", c, err)
			}
			for _, p := range problems {
				if p.Line < 1 || p.Column < 1 || p.File == "" || p.Message == "" || p.Fix == "" || p.Snippet == "" {
					t.Errorf("incomplete: %#v", p)
				}
			}
			report := strings.ReplaceAll(err.Error(), dir+"/", "")
			if strings.Contains(report, "hunter2") || strings.Contains(report, "4815162342") {
				t.Error("the report shows a password")
			}
			golden(t, filepath.Join("testdata", strings.TrimSuffix(base, ".yaml")+".golden"), []byte(report))
		})
	}
}

func files(t *testing.T, dir, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil || len(names) == 0 {
		t.Fatalf("%s: %v, %v", pattern, names, err)
	}
	return names
}

// TestFull reads every key: what the file says is what is there.
func TestFull(t *testing.T) {
	dir := furnish(t, "testdata")
	c, err := Load(filepath.Join(dir, "full.good.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, a := range c.Agents {
		got = append(got, a.Name+" "+a.Line.Trunk+"/"+a.Line.User+" "+a.Line.Password.Reveal()+" "+a.Device.User+" "+a.Device.Contact.String())
	}
	want := []string{
		"anna pbx/1001  anna-phone sip:anna@192.168.10.21:5060;transport=tcp",
		"bohdan plain/0044 secret of line-0044 bohdan-phone ",
		"carol plain/carol secret of ../secrets/carol  sip:[2001:db8::21]",
		"dmytro plain/dmytro secret of ../secrets/dmytro  sip:dmytro@192.168.10.24",
		"eva plain/eva secret of ../secrets/eva  sip:eva@192.168.10.25",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("agents (-want +got):\n%s", diff)
	}
	anna := c.Agents[0]
	if anna.Device.AutoAnswer || anna.Device.Connect != ConnectPersistent || anna.Line.Number != "+380441234567" || anna.CallWaiting != CallWaitingWait {
		t.Errorf("anna: %+v", anna)
	}
	if got := c.Agents[1]; got.CallWaiting != c.Calls.CallWaiting || got.WrapUp != c.Calls.WrapUp || !got.Device.AutoAnswer {
		t.Errorf("bohdan does not take the common policies: %+v", got)
	}
	if string(c.StateDir) != filepath.Join(dir, "state") || string(c.Music.For("Second Line")) != filepath.Join(dir, "music/second.wav") ||
		c.Music.For("Other") != c.Music.Default {
		t.Errorf("paths: %s, %v", c.StateDir, c.Music)
	}
	plain, _ := c.Trunk("plain")
	if plain.Dial.MaxCalls != 3 || !plain.Dial.Allows("+380441234567") || plain.Dial.Allows("+380900123456") || len(plain.Peers) != 1 {
		t.Errorf("plain: %+v", plain)
	}
	pbx, _ := c.Trunk("pbx")
	if len(pbx.Peers) != 3 || pbx.Dial.Allows("1300") || !pbx.Dial.Allows("1200") || pbx.Dial.Allows("12000") {
		t.Errorf("pbx: %+v", pbx)
	}
}

// TestFullHasEveryKey: a key added to the types is added to full.good.yaml.
func TestFullHasEveryKey(t *testing.T) {
	l := newLoader()
	l.load(filepath.Join(furnish(t, "testdata"), "full.good.yaml"), os.ReadFile)
	index := regexp.MustCompile(`\[\d+\]`)
	written := map[string]bool{}
	for path := range l.dec.marks {
		written[index.ReplaceAllString(path, "[]")] = true
	}
	for _, path := range allKeys() {
		if !written[path] {
			t.Errorf("testdata/full.good.yaml lacks %s", path)
		}
	}
}

func TestLoadNoFile(t *testing.T) {
	_, err := Load(filepath.Join(t.TempDir(), "none.yaml"))
	var problems Errors
	if !errors.As(err, &problems) || len(problems) != 1 || problems[0].Line != 1 || !strings.Contains(problems[0].Message, "does not exist") {
		t.Fatalf("got %v", err)
	}
}

func TestErrorsJSON(t *testing.T) {
	_, err := Parse("f.yaml", []byte("sip: {listen: [udp://127.0.0.1]}\n"))
	var problems Errors
	if !errors.As(err, &problems) {
		t.Fatal(err)
	}
	got, err := problems.JSON()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/problems.golden.json", append(got, '\n'))
	if none, err := (Errors)(nil).JSON(); err != nil || !strings.Contains(string(none), `"ok": true`) {
		t.Errorf("no problems: %s, %v", none, err)
	}
}
