package webhook

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"cordboard/callcontrol"
	"cordboard/plugins/sdk"
)

func TestSettingsRefused(t *testing.T) {
	t.Chdir(secretFiles(t))
	mustWrite(t, "weak", "hunter2")
	mustWrite(t, "short", "whsec_aHVudGVyMg==")
	mustWrite(t, "none.pem", "hello")
	secrets := `, "secrets": [{"file": "one"}]`
	tokens := `"tokens": [{"name": "a", "secret": {"file": "all"}}]`
	for config, want := range map[string]string{
		`{}`:            "config: deliver.url: there is nothing to do: name deliver.url, lookup.url, search.url or api.listen",
		`{"delivr": 1}`: `config: unknown field "delivr"`,
		`{"deliver": {"url": "crm"}` + secrets + `}`:                                                                                                     "config: deliver.url: this is no URL: write it as https://crm.example.com/calls",
		`{"deliver": {"url": "ftp://crm/"}` + secrets + `}`:                                                                                              "config: deliver.url: this is no URL: write it as https://crm.example.com/calls",
		`{"deliver": {"url": "https://u:hunter2@crm/"}` + secrets + `}`:                                                                                  "config: deliver.url: a name and password do not belong here: use authorization",
		`{"deliver": {"url": "https://crm/%zz?hunter2"}` + secrets + `}`:                                                                                 "config: deliver.url: this is no URL: write it as https://crm.example.com/calls",
		`{"lookup": {"url": "http://crm.example.com/"}` + secrets + `}`:                                                                                  "config: lookup.url: http:// to another machine shows every call to the network: use https://, or set plaintext: true",
		`{"deliver": {"url": "https://crm/"}}`:                                                                                                           "config: secrets: there is none: requests are signed, " + secretForm,
		`{"deliver": {"url": "https://crm/"}, "secrets": [{"file": "weak"}]}`:                                                                            "config: secrets: a secret is whsec_ and the base64 of 24 to 64 random bytes: " + secretForm,
		`{"deliver": {"url": "https://crm/"}, "secrets": [{"file": "short"}]}`:                                                                           "config: secrets: a secret is whsec_ and the base64 of 24 to 64 random bytes: " + secretForm,
		`{"deliver": {"url": "https://crm/"}, "ca": "none.pem"` + secrets + `}`:                                                                          "config: ca: none.pem has no certificate in PEM",
		`{"deliver": {"url": "https://crm/", "batch": 101}` + secrets + `}`:                                                                              "config: deliver.batch: 101 is not within 1 and 100",
		`{"deliver": {"url": "https://crm/", "timeout": "5ms"}` + secrets + `}`:                                                                          "config: deliver.timeout: 5ms is not within 1s and 1m0s",
		`{"deliver": {"url": "https://crm/", "max_wait": "2h"}` + secrets + `}`:                                                                          "config: deliver.max_wait: 2h0m0s is not within 1s and 1h0m0s",
		`{"deliver": {"url": "https://crm/", "refused": "drop"}` + secrets + `}`:                                                                         "config: deliver.refused: wait or skip",
		`{"deliver": {"url": "https://crm/", "kinds": []}` + secrets + `}`:                                                                               "config: deliver.kinds: the list is empty",
		`{"search": {"url": "https://crm/", "timeout": "11s"}` + secrets + `}`:                                                                           "config: search.timeout: 11s is not within 50ms and 10s",
		`{"api": {` + tokens + `}}`:                                                                                                                      "config: deliver.url: there is nothing to do: name deliver.url, lookup.url, search.url or api.listen\nconfig: api.listen: it is missing: write it as 127.0.0.1:8480",
		`{"api": {"listen": "127.0.0.1", ` + tokens + `}}`:                                                                                               `config: api.listen: "127.0.0.1" is no address with a port: write it as 127.0.0.1:8480`,
		`{"api": {"listen": "example.com:80", ` + tokens + `}}`:                                                                                          `config: api.listen: "example.com" is no address: write it as 127.0.0.1:8480`,
		`{"api": {"listen": ":8480", ` + tokens + `}}`:                                                                                                   "config: api.listen: :8480 is reachable from other machines: add cert and key, or set plaintext: true where a proxy does TLS",
		`{"api": {"listen": "0.0.0.0:8480", ` + tokens + `}}`:                                                                                            "config: api.listen: 0.0.0.0:8480 is reachable from other machines: add cert and key, or set plaintext: true where a proxy does TLS",
		`{"api": {"listen": "[::]:8480", ` + tokens + `}}`:                                                                                               "config: api.listen: [::]:8480 is reachable from other machines: add cert and key, or set plaintext: true where a proxy does TLS",
		`{"api": {"listen": "127.0.0.1:8480", "cert": "c.pem", ` + tokens + `}}`:                                                                         "config: api.cert: cert and key go together",
		`{"api": {"listen": "127.0.0.1:8480", "hosts": ["a:1"], ` + tokens + `}}`:                                                                        `config: api.hosts: "a:1" is no host: write a name alone, as cordboard.example.com`,
		`{"api": {"listen": "127.0.0.1:8480", "origins": ["*"], ` + tokens + `}}`:                                                                        `config: api.origins: "*" is no origin: write it as https://crm.example.com`,
		`{"api": {"listen": "127.0.0.1:8480"}}`:                                                                                                          "config: api.tokens: there is none, and nobody may use the API without one",
		`{"api": {"listen": "127.0.0.1:8480", "tokens": [{"name": "a", "secret": {"file": "weak"}}]}}`:                                                   "config: api.tokens: the token of a has less than 32 characters, or spaces: make one with openssl rand -hex 32",
		`{"api": {"listen": "127.0.0.1:8480", "tokens": [{"name": "a/b", "secret": {"file": "all"}}]}}`:                                                  `config: api.tokens: "a/b" is no name or there twice: write up to 32 letters and digits`,
		`{"api": {"listen": "127.0.0.1:8480", "tokens": [{"name": "a", "secret": {"file": "all"}}, {"name": "b", "secret": {"file": "all"}}]}}`:          "config: api.tokens: the token of b is that of another one",
		`{"api": {"listen": "127.0.0.1:8480", "tokens": [{"name": "a", "secret": {"file": "all"}, "agents": null}]}}`:                                    "config: a key has no value: write one, or remove it",
		`{"api": {"listen": "127.0.0.1:8480", "tokens": [{"name": "a", "secret": {"file": "all"}, "agents": []}]}}`:                                      "config: api.tokens: the agents of a: the list is empty, or a name in it",
		`{"api": {"listen": "127.0.0.1:8480", "tokens": [{"name": "a", "secret": {"file": "all"}}, {"name": "a", "secret": {"file": "anna"}}]}}`:         `config: api.tokens: "a" is no name or there twice: write up to 32 letters and digits`,
		`{"api": {"listen": "127.0.0.1:8480", "tokens": [{"name": "a", "secret": {"file": "all"}, "agents": ["anna", ""]}], "origins": ["https://a/"]}}`: "config: api.origins: \"https://a/\" is no origin: write it as https://crm.example.com\nconfig: api.tokens: the agents of a: the list is empty, or a name in it",
	} {
		_, err := settle(&sdk.Session{Config: json.RawMessage(config)})
		if err == nil || err.Error() != want {
			t.Errorf("%s\n got %v\nwant %s", config, err, want)
		}
		if strings.Contains(fmt.Sprint(err), "hunter2") {
			t.Errorf("a secret is told: %v", err)
		}
	}
}

func TestSettings(t *testing.T) {
	p := planned(t, `{"deliver": {"url": "http://127.0.0.1:80/x", "kinds": ["call_ended"]}, "lookup": {"url": "http://[::1]/"}, "secrets": [{"file": "one"}],
		"api": {"listen": "0.0.0.0:1", "plaintext": true, "hosts": ["Cordboard.Example.COM"], "tokens": [{"name": "a", "secret": {"file": "all"}, "agents": ["anna"]}]}}`)
	if p.deliver == nil || p.lookup == nil || p.search != nil || !p.kinds[callcontrol.EventCallEnded] || len(p.kinds) != 1 || !p.hosts["cordboard.example.com"] ||
		!p.tokens[0].sees("anna") || p.tokens[0].sees("bohdan") || time.Duration(p.Deliver.MaxWait) != time.Minute {
		t.Errorf("%+v", p)
	}
	if text := fmt.Sprintf("%+v %#v", p.Settings, p.Settings); strings.Contains(text, keyOne) || strings.Contains(text, allToken) {
		t.Error(text)
	}
}

// The schema, by which the daemon checks before the adapter does, is there.
func TestSchema(t *testing.T) {
	info := (&webhook{version: "1.2.3"}).Info()
	if info.Version != "1.2.3" {
		t.Errorf("it says that it is %s", info.Version)
	}
	raw := info.Schema
	var s struct {
		Properties           map[string]any
		AdditionalProperties any
		Required             []string
	}
	if err := json.Unmarshal(raw, &s); err != nil || len(s.Properties) != reflect.TypeFor[Settings]().NumField() || s.AdditionalProperties == nil || len(s.Required) != 0 {
		t.Errorf("%v: %s", err, raw)
	}
}

// Every key stands in the documentation.
func TestKeysAreDocumented(t *testing.T) {
	doc, err := os.ReadFile("../../docs/webhook.md")
	if err != nil {
		t.Fatal(err)
	}
	var walk func(prefix string, typ reflect.Type)
	walk = func(prefix string, typ reflect.Type) {
		for i := range typ.NumField() {
			f := typ.Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			switch {
			case f.Type == reflect.TypeFor[[]Token]():
				walk(prefix+name+"[].", reflect.TypeFor[Token]())
			case f.Type.Kind() == reflect.Struct && f.Type != reflect.TypeFor[sdk.Secret]():
				walk(prefix+name+".", f.Type)
				continue
			}
			if !strings.Contains(string(doc), "| `"+prefix+name+"` |") {
				t.Errorf("%s%s is not in docs/webhook.md", prefix, name)
			}
		}
	}
	walk("", reflect.TypeFor[Settings]())
	for word := range callVerbs {
		if !strings.Contains(string(doc), word) {
			t.Errorf("verb %s is not in docs/webhook.md", word)
		}
	}
}
