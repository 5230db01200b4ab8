package daemon

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// vocabulary is what expressions may speak of: kind and labels by name.
type vocabulary map[string]word

type word struct {
	kind   string
	labels []string
}

func newVocabulary(t *testing.T) vocabulary {
	t.Helper()
	v := vocabulary{"up": {kind: "gauge"}}
	for name, row := range documentedMetrics(t) { // which TestMetricsAreDocumented holds true
		labels := strings.Split(row[0], ",")
		switch row[1] {
		case "histogram":
			v[name+"_bucket"] = word{"counter", append(labels, "le")}
			for _, part := range []string{"_sum", "_count"} {
				v[name+part] = word{"counter", labels}
			}
		default:
			v[name] = word{row[1], labels}
		}
	}
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		v[f.GetName()] = word{kind: strings.ToLower(f.GetType().String())}
	}
	return v
}

// words of PromQL that the files use. functions[name]: what the argument must be, if it is a metric.
var (
	functions = map[string]string{
		"sum": "", "max": "", "histogram_quantile": "", "vector": "", "time": "", "changes": "", "deriv": "gauge",
		"rate": "counter", "increase": "counter",
	}
	groupings = []string{"by"}
	operators = []string{"and", "or"}
	token     = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|\[[^\]]*\]|[a-zA-Z_:][a-zA-Z0-9_:]*|[0-9]+(?:\.[0-9]+)?|=~|!~|!=|==|[-+*/<>=(){},]|\S`)
	name      = regexp.MustCompile(`^[a-zA-Z_:]`)
)

// check reads one expression and tells what is wrong with it.
func (v vocabulary) check(expr string) (problems []string) {
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	tokens := token.FindAllString(expr, -1)
	at := func(i int) string {
		if i < 0 || i >= len(tokens) {
			return ""
		}
		return tokens[i]
	}
	known := map[string]bool{"instance": true, "job": true}
	var grouped, open []string
	metrics := 0
	for i := 0; i < len(tokens); i++ {
		switch tok := tokens[i]; {
		case tok == "(":
			open = append(open, ")")
		case tok == ")":
			if len(open) == 0 {
				wrong("a bracket too many")
				return problems
			}
			open = open[:len(open)-1]
		case slices.Contains(groupings, tok):
			for i += 2; i < len(tokens) && tokens[i] != ")"; i++ {
				if tokens[i] != "," {
					grouped = append(grouped, tokens[i])
				}
			}
		case slices.Contains(operators, tok), !name.MatchString(tok):
		case at(i+1) == "(" || at(i+1) == "by":
			if _, ok := functions[tok]; !ok {
				wrong("unknown function %s", tok)
			}
		default:
			metrics++
			m, ok := v[tok]
			if !ok {
				wrong("there is no metric %s", tok)
			}
			if want := functions[at(i-2)]; at(i-1) == "(" && want != "" && m.kind != want {
				wrong("%s of %s, which is a %s", at(i-2), tok, m.kind)
			}
			for _, l := range m.labels {
				known[l] = true
			}
			if at(i+1) != "{" {
				continue
			}
			for i += 2; i < len(tokens) && tokens[i] != "}"; i += 4 { // label, operator, value, comma or brace
				if !slices.Contains(append([]string{"instance", "job"}, m.labels...), tokens[i]) {
					wrong("%s has no label %s", tok, tokens[i])
				}
				if at(i+3) == "}" {
					i--
				} else if at(i+3) != "," {
					wrong("the labels of %s do not end", tok)
				}
			}
		}
	}
	if len(open) > 0 {
		wrong("a bracket is not closed")
	}
	if metrics == 0 {
		wrong("no metric")
	}
	for _, l := range grouped {
		if !known[l] {
			wrong("nothing has the label %s", l)
		}
	}
	return problems
}

// The check itself finds what it is for.
func TestExpressionCheck(t *testing.T) {
	v := newVocabulary(t)
	for expr, want := range map[string]string{
		`sum by (phase) (cordboard_calls{instance=~"$instance"})`:                    "",
		`rate(cordboard_sip_dropped_total{reason="rate",instance=~"a"}[5m]) > 1`:     "",
		`sum by (phase) (cordboard_call)`:                                            "there is no metric cordboard_call",
		`sum by (trunk) (cordboard_calls)`:                                           "nothing has the label trunk",
		`cordboard_calls{trunk="pbx"}`:                                               "cordboard_calls has no label trunk",
		`rate(cordboard_calls[5m])`:                                                  "rate of cordboard_calls, which is a gauge",
		`histogram_quantile(0.5, sum by (le) (rate(cordboard_leg_mos[5m])))`:         "there is no metric cordboard_leg_mos",
		`sum(cordboard_legs`:                                                         "a bracket is not closed",
		`sum(cordboard_legs))`:                                                       "a bracket too many",
		`avg_over(cordboard_legs)`:                                                   "unknown function avg_over",
		`vector(1)`:                                                                  "no metric",
		`sum by (le, party) (increase(cordboard_leg_mos_bucket{party="phone"}[1h]))`: "",
	} {
		if got := strings.Join(v.check(expr), "; "); want == "" && got != "" || !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q, want %q", expr, got, want)
		}
	}
}

// grafana is what the dashboard's file must have right.
type grafana struct {
	UID        string
	Templating struct {
		List []struct{ Name, Type, Query string }
	}
	Panels []struct {
		ID         int
		Type       string
		Title      string
		GridPos    struct{ X, Y, W, H int }
		Datasource struct{ Type, UID string }
		Targets    []struct {
			RefID      string
			Expr       string
			Datasource struct{ UID string }
		}
	}
}

// The dashboard speaks only of metrics that the daemon has, through the data source that is chosen, in panels that do not
// lie over each other; and it shows every metric.
func TestDashboard(t *testing.T) {
	text, err := os.ReadFile("../../../../docs/grafana/cordboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var d grafana
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	v, ids, cells, shown := newVocabulary(t), map[int]bool{}, map[[2]int]string{}, ""
	if len(d.Templating.List) != 2 || d.Templating.List[0].Name != "datasource" || d.Templating.List[0].Type != "datasource" || d.Templating.List[0].Query != "prometheus" {
		t.Errorf("variables %+v", d.Templating.List)
	}
	for _, p := range d.Panels {
		if ids[p.ID] || p.ID == 0 || p.Title == "" {
			t.Errorf("panel %d %q: no id or title of its own", p.ID, p.Title)
		}
		ids[p.ID] = true
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := cells[[2]int{x, y}]; other != "" || x >= 24 {
					t.Fatalf("panel %q lies over %q or the edge", p.Title, other)
				}
				cells[[2]int{x, y}] = p.Title
			}
		}
		if p.Type == "row" {
			continue
		}
		refs := map[string]bool{}
		for _, q := range p.Targets {
			for _, problem := range v.check(q.Expr) {
				t.Errorf("panel %q: %s: %s", p.Title, q.Expr, problem)
			}
			if refs[q.RefID] || q.Datasource.UID != "${datasource}" || p.Datasource.UID != "${datasource}" || p.Datasource.Type != "prometheus" {
				t.Errorf("panel %q, query %s: reference or data source", p.Title, q.RefID)
			}
			refs[q.RefID] = true
			shown += q.Expr + "\n"
		}
		if len(p.Targets) == 0 {
			t.Errorf("panel %q shows nothing", p.Title)
		}
	}
	for name := range maps.Keys(documentedMetrics(t)) {
		if !regexp.MustCompile(`\b` + name + `(_bucket|_count|_sum)?\b`).MatchString(shown) {
			t.Errorf("no panel shows %s", name)
		}
	}
}

// So do the rules.
func TestAlarms(t *testing.T) {
	text, err := os.ReadFile("../../../../docs/prometheus/cordboard.rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr, For    string
				Labels, Annotations map[string]string
			}
		}
	}
	if err := yaml.UnmarshalWithOptions(text, &file, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	v, names := newVocabulary(t), map[string]bool{}
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			for _, problem := range v.check(r.Expr) {
				t.Errorf("%s: %s", r.Alert, problem)
			}
			if names[r.Alert] || !strings.HasPrefix(r.Alert, "Cordboard") || r.Annotations["summary"] == "" ||
				!slices.Contains([]string{"warning", "critical"}, r.Labels["severity"]) {
				t.Errorf("rule %+v", r)
			}
			names[r.Alert] = true
		}
	}
	if len(names) < 10 {
		t.Errorf("%d rules", len(names))
	}
}
