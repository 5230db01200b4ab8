package daemon

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"cordboard/cmd/cordboard/internal/mapping"
	"cordboard/configs"
)

// What a file says is what the rooms are told, also where their own zero means a default.
func TestMapping(t *testing.T) {
	c := configs.Default()
	if got := rtpConfig(c).Quarantine; got != 10*time.Second {
		t.Errorf("ports rest for %v by default", got)
	}
	c.RTP.Quarantine = 0
	if got := rtpConfig(c).Quarantine; got >= 0 {
		t.Errorf("quarantine: 0s becomes %v, want none", got)
	}
}

// Numbers that reach no room's configuration: what the daemon does with them itself, and what the loader has resolved into
// trunks and agents.
var notMapped = []string{
	"RTP.Timeout.Talk", "RTP.Timeout.Hold", "Calls.Drain", "Music.Level", "Calls.WrapUp", "Limits.Dial.MaxCalls", "Limits.Dial.PerSecond",
}

// Numbers whose 0 is 0 in their room as well: no wrap-up, no beep, a loop for each processor, the transport's own interval.
var zeroMeansZero = []string{"desk.WrapUp", "desk.HoldBeep", "rtp.Shards", "sip.Trunks[0].KeepAlive"}

// TestMappingOfBounds sets each number of the configuration to the least and the greatest that it may be: both reach a room, and
// the least is not the zero by which that room would understand its own default.
func TestMappingOfBounds(t *testing.T) {
	numbers := 0
	eachNumber(reflect.TypeFor[configs.Config](), "", func(path, least, most string) {
		numbers++
		if slices.Contains(notMapped, path) {
			return
		}
		low, high := mapped(t, path, least), mapped(t, path, most)
		reached := false
		for at, value := range low {
			if value == high[at] {
				continue
			}
			reached = true
			if (value == "0" || value == "0s") && !slices.Contains(zeroMeansZero, at) {
				t.Errorf("%s: %s becomes %s %s, which is the room's default", path, least, at, value)
			}
		}
		if !reached {
			t.Errorf("%s: %s and %s are the same to all rooms", path, least, most)
		}
	})
	if numbers < 30 {
		t.Errorf("only %d numbers found", numbers)
	}
}

// eachNumber calls f for each field of a configuration that has bounds.
func eachNumber(rt reflect.Type, path string, f func(path, least, most string)) {
	for rt.Kind() == reflect.Slice {
		rt, path = rt.Elem(), path+"[0]"
	}
	if rt.Kind() != reflect.Struct {
		return
	}
	for i := range rt.NumField() {
		field := rt.Field(i)
		if least, ok := field.Tag.Lookup("min"); ok {
			f(strings.TrimPrefix(path+"."+field.Name, "."), least, field.Tag.Get("max"))
		} else if field.IsExported() {
			eachNumber(field.Type, path+"."+field.Name, f)
		}
	}
}

// mapped is everything the rooms are told when one field of a configuration has a value.
func mapped(t *testing.T, path, value string) map[string]string {
	t.Helper()
	c := configs.Default()
	c.Trunks = []configs.Trunk{{Name: "pbx"}}
	c.Agents = []configs.Agent{{Name: "anna", Line: configs.Line{Trunk: "pbx", User: "1001"}}}
	c.Adapters = []configs.Adapter{{Name: "crm", Kind: configs.AdapterContacts}}
	v := reflect.ValueOf(c).Elem()
	for step := range strings.SplitSeq(path, ".") {
		name, indexed := strings.CutSuffix(step, "[0]")
		if v = v.FieldByName(name); indexed {
			v = v.Index(0)
		}
	}
	switch {
	case v.Type() == reflect.TypeFor[time.Duration]():
		d, err := time.ParseDuration(value)
		if err != nil {
			t.Fatal(err)
		}
		v.SetInt(int64(d))
	case v.CanInt():
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		v.SetInt(n)
	default:
		n, err := strconv.ParseFloat(value, 64)
		if err != nil {
			t.Fatal(err)
		}
		v.SetFloat(n)
	}
	sip, err := mapping.SIP(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	flatten(reflect.ValueOf(sip), "sip", out)
	flatten(reflect.ValueOf(rtpConfig(c)), "rtp", out)
	flatten(reflect.ValueOf(deskConfig(c, c.Agents[0])), "desk", out)
	flatten(reflect.ValueOf(journalConfig(c, nil)), "journal", out)
	adapters, err := (&Daemon{sockets: "s"}).adapterConfigs(c)
	if err != nil {
		t.Fatal(err)
	}
	flatten(reflect.ValueOf(adapters), "adapters", out)
	return out
}

// flatten notes each exported leaf of v under its path.
func flatten(v reflect.Value, path string, out map[string]string) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				flatten(v.Field(i), path+"."+f.Name, out)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			flatten(v.Index(i), fmt.Sprintf("%s[%d]", path, i), out)
		}
	case reflect.Func, reflect.Pointer, reflect.Interface:
	default:
		out[path] = fmt.Sprint(v.Interface())
	}
}
