package webhook

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"io"
	"maps"
	"mime"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/google/jsonschema-go/jsonschema"

	"cordboard/callcontrol"
	"cordboard/plugins/control"
)

// object is a part of openapi.yaml. Its schemas are those of JSON Schema 2020-12 (OpenAPI 3.1.0 §4.8.24).
type object = map[string]any

// contract checks what goes over the wire against openapi.yaml, in which no field may be missing.
type contract struct {
	t    testing.TB
	next http.RoundTripper
	tree object

	mu      sync.Mutex
	seen    map[string]map[int]bool // statuses by operation
	schemas map[string]*jsonschema.Resolved
}

func newContract(t testing.TB) *contract {
	t.Helper()
	c := &contract{t: t, next: &http.Transport{DisableKeepAlives: true}, seen: map[string]map[int]bool{}, schemas: map[string]*jsonschema.Resolved{}}
	text, err := yaml.YAMLToJSON(description)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &c.tree); err != nil {
		t.Fatal(err)
	}
	closeObjects(c.tree)
	return c
}

// closeObjects makes every field that is not described a mistake.
func closeObjects(node any) {
	switch n := node.(type) {
	case []any:
		for _, v := range n {
			closeObjects(v)
		}
	case object:
		if _, ok := n["additionalProperties"]; !ok && n["type"] == "object" && n["properties"] != nil {
			n["additionalProperties"] = false
		}
		for _, v := range n {
			closeObjects(v)
		}
	}
}

// at follows keys and references; nil: there is nothing.
func (c *contract) at(node any, keys ...string) object {
	n, _ := node.(object)
	if ref, ok := n["$ref"].(string); ok && len(keys) > 0 {
		return c.at(c.at(c.tree, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...), keys...)
	}
	if len(keys) == 0 || n == nil {
		return n
	}
	return c.at(n[keys[0]], keys[1:]...)
}

// resolved is a schema, made once.
func (c *contract) resolved(schema object) (*jsonschema.Resolved, error) {
	key, err := json.Marshal(schema)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if r := c.schemas[string(key)]; r != nil {
		return r, nil
	}
	whole := object{"$defs": c.at(c.tree, "components", "schemas")}
	maps.Copy(whole, schema)
	raw, err := json.Marshal(whole)
	if err != nil {
		return nil, err
	}
	var s jsonschema.Schema
	if err := json.Unmarshal(bytes.ReplaceAll(raw, []byte("#/components/schemas/"), []byte("#/$defs/")), &s); err != nil {
		return nil, err
	}
	c.schemas[string(key)], err = s.Resolve(nil)
	return c.schemas[string(key)], err
}

// fits checks a value against a schema.
func (c *contract) fits(schema object, text []byte, what string) {
	c.t.Helper()
	s, err := c.resolved(schema)
	if err != nil {
		c.t.Fatalf("%s: %v", what, err)
	}
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		c.t.Errorf("%s: %v: %s", what, err, text)
	} else if err := s.Validate(v); err != nil {
		c.t.Errorf("%s: %v: %s", what, err, text)
	}
}

// schema checks a value against a named schema.
func (c *contract) schema(name string, text []byte) {
	c.t.Helper()
	s := c.at(c.tree, "components", "schemas", name)
	if s == nil {
		c.t.Fatalf("openapi.yaml has no schema %s", name)
	}
	c.fits(s, text, name)
}

// RoundTrip implements http.RoundTripper.
func (c *contract) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	resp, err := c.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	path, op := c.operation(r)
	if op == nil {
		return resp, nil
	}
	what := r.Method + " " + path
	c.mu.Lock()
	if c.seen[what] == nil {
		c.seen[what] = map[int]bool{}
	}
	c.seen[what][resp.StatusCode] = true
	c.mu.Unlock()
	if resp.StatusCode == http.StatusOK {
		c.request(r, path, op, body)
	}
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	answer := c.at(op, "responses", strconv.Itoa(resp.StatusCode), "content")
	if answer == nil {
		answer = c.at(op, "responses", "default", "content")
	}
	if answer[kind] == nil {
		c.t.Errorf("%s: %d with %q is not described", what, resp.StatusCode, kind)
	}
	if !strings.HasSuffix(kind, "json") {
		return resp, nil
	}
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	_ = resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(text))
	if r.Method != http.MethodHead {
		c.fits(c.at(answer, kind, "schema"), text, what)
	}
	return resp, nil
}

// operation is what the file says of a request; nil: nothing.
func (c *contract) operation(r *http.Request) (string, object) {
	for path := range c.at(c.tree, "paths") {
		want, got := strings.Split(path, "/"), strings.Split(r.URL.Path, "/")
		ok := len(want) == len(got)
		for i := range want {
			ok = ok && (want[i] == got[i] || want[i] != "" && want[i][0] == '{')
		}
		if op := c.at(c.tree, "paths", path, strings.ToLower(r.Method)); ok && op != nil {
			return path, op
		}
	}
	return "", nil
}

// request checks one that was accepted.
func (c *contract) request(r *http.Request, path string, op object, body []byte) {
	c.t.Helper()
	var known []string
	for _, list := range []any{c.at(c.tree, "paths", path)["parameters"], op["parameters"]} {
		all, _ := list.([]any)
		for _, p := range all {
			if ref, ok := p.(object)["$ref"].(string); ok {
				p = c.at(c.tree, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
			}
			known = append(known, p.(object)["in"].(string)+" "+p.(object)["name"].(string))
		}
	}
	for key := range r.URL.Query() {
		if !slices.Contains(known, "query "+key) {
			c.t.Errorf("%s: %s is not described", path, key)
		}
	}
	for _, h := range []string{"Idempotency-Key", "Last-Event-ID"} {
		if r.Header.Get(h) != "" && !slices.Contains(known, "header "+h) {
			c.t.Errorf("%s: %s is not described", path, h)
		}
	}
	if len(body) > 0 {
		c.fits(c.at(op, "requestBody", "content", "application/json", "schema"), body, path+" request")
	}
}

// enum is the values of a schema.
func (c *contract) enum(keys ...string) (out []string) {
	c.t.Helper()
	list, _ := c.at(c.tree, append([]string{"components", "schemas"}, keys...)...)["enum"].([]any)
	for _, v := range list {
		out = append(out, v.(string))
	}
	return out
}

// Every route is an operation of the file and every operation a route, each reference leads somewhere; verbs, kinds and codes
// are those that there are.
func TestDescriptionIsWhole(t *testing.T) {
	c := newContract(t)
	c.references(c.tree)
	want, ids := map[string]bool{openapiRoute: true}, map[string]bool{}
	for route := range (&api{}).routes() {
		want[route] = true
	}
	for path := range c.at(c.tree, "paths") {
		for method, op := range c.at(c.tree, "paths", path) {
			if method == "parameters" {
				continue
			}
			route, id := strings.ToUpper(method)+" "+path, op.(object)["operationId"].(string)
			if !want[route] || ids[id] {
				t.Errorf("%s %s is described, and not there or there twice", route, id)
			}
			ids[id] = true
			delete(want, route)
		}
	}
	for op := range want {
		t.Errorf("%s is not described", op)
	}
	same := func(what string, got, want []string) {
		t.Helper()
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	var verbs, codes, kinds []string
	done := map[callcontrol.Kind]bool{callcontrol.KindDial: true, callcontrol.KindStatus: true}
	for _, v := range callVerbs {
		done[v.kind] = true
	}
	for _, k := range callcontrol.Kinds {
		verbs = append(verbs, string(k))
		if !done[k] {
			t.Errorf("verb %s has no route", k)
		}
	}
	for code := range statuses {
		codes = append(codes, string(code))
	}
	same("verbs", c.enum("Verb"), verbs)
	for _, k := range callcontrol.EventKinds {
		kinds = append(kinds, string(k))
	}
	same("kinds here", kinds, constants(t, "event.go", "EventKind"))
	same("codes", c.enum("Problem", "properties", "code"), codes)
	for schema, of := range map[string][2]string{
		"EventKind": {"event.go", "EventKind"}, "Phase": {"phase.go", "Phase"}, "Cause": {"cause.go", "Cause"}, "LegState": {"view.go", "LegState"},
		"AgentStatus": {"command.go", "Status"}, "Connect": {"config.go", "Connect"}, "Ender": {"ender.go", "Ender"},
	} {
		same(schema, c.enum(schema), constants(t, of[0], of[1]))
	}
	for _, code := range constants(t, "refusal.go", "Code") {
		if _, ok := statuses[callcontrol.Code(code)]; !ok {
			t.Errorf("code %s has no status", code)
		}
	}
}

// constants are the values of a type in a file of callcontrol.
func constants(t *testing.T, file, typ string) (out []string) {
	t.Helper()
	tree, err := parser.ParseFile(gotoken.NewFileSet(), "../../callcontrol/"+file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(tree, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok && len(spec.Values) == 1 {
			of, isWord := spec.Type.(*ast.Ident)
			value, isText := spec.Values[0].(*ast.BasicLit)
			if isWord && of.Name == typ && isText {
				word, _ := strconv.Unquote(value.Value)
				out = append(out, word)
			}
		}
		return true
	})
	if len(out) == 0 {
		t.Fatalf("%s has no %s", file, typ)
	}
	return out
}

// Every field that is answered or sent is described, and every field that is described is there.
func TestFieldsAreDescribed(t *testing.T) {
	c := newContract(t)
	for name, v := range map[string]any{
		"Message": message{}, "Batch": batch{}, "Lookup": query{}, "Search": wanted{}, "Problem": problem{}, "Health": healthReply{},
		"Result": callcontrol.Result{}, "Status": control.Status{}, "Directory": control.Directory{}, "FoundContacts": control.Found{},
		"HistoryRecord": callcontrol.HistoryRecord{},
	} {
		c.fields(name, reflect.TypeOf(v), c.at(c.tree, "components", "schemas", name))
	}
}

func (c *contract) fields(path string, typ reflect.Type, s object) {
	c.t.Helper()
	if ref, ok := s["$ref"].(string); ok {
		s = c.at(c.tree, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
	}
	switch {
	case typ.Kind() == reflect.Pointer:
		c.fields(path, typ.Elem(), s)
	case typ.Kind() == reflect.Slice:
		c.fields(path+"[]", typ.Elem(), c.at(s, "items"))
	case typ.Kind() == reflect.Struct && typ != reflect.TypeFor[time.Time]():
		described := maps.Clone(c.at(s, "properties"))
		for _, f := range reflect.VisibleFields(typ) {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if f.Anonymous {
				continue
			}
			p, ok := described[name].(object)
			if !ok {
				c.t.Errorf("%s.%s is not described", path, name)
				continue
			}
			delete(described, name)
			c.fields(path+"."+name, f.Type, p)
		}
		for name := range described {
			c.t.Errorf("%s.%s is described, and not there", path, name)
		}
	}
}

func (c *contract) references(node any) {
	switch n := node.(type) {
	case []any:
		for _, v := range n {
			c.references(v)
		}
	case object:
		if ref, ok := n["$ref"].(string); ok && c.at(c.tree, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...) == nil {
			c.t.Errorf("%s leads nowhere", ref)
		}
		for key, v := range n {
			if v == nil || strings.Contains(key, " ") { // a comma in a text without quotes
				c.t.Errorf("%q is no key", key)
			}
			c.references(v)
		}
	}
}
