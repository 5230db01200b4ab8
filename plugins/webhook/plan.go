package webhook

import (
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"cordboard/callcontrol"
	"cordboard/plugins/sdk"
)

// plan is settings that make sense.
type plan struct {
	Settings
	deliver, lookup, search *url.URL // nil: not wanted
	signer                  signer
	roots                   *x509.CertPool                 // nil: the system's
	kinds                   map[callcontrol.EventKind]bool // nil: all
	tokens                  []*token
	hosts, origins          map[string]bool
}

const mostBatch = 100 // events of one request

func defaults() Settings {
	return Settings{
		Deliver: Deliver{Batch: 1, Timeout: sdk.Duration(10 * time.Second), MaxWait: sdk.Duration(time.Minute), Refused: "wait"},
		Lookup:  Ask{Timeout: sdk.Duration(5 * time.Second)},
		Search:  Ask{Timeout: sdk.Duration(5 * time.Second)},
	}
}

// settle reads the session's configuration. Its error names every key that is wrong.
func settle(s *sdk.Session) (plan, error) {
	p := plan{Settings: defaults()}
	if err := s.Decode(&p.Settings); err != nil {
		return p, err
	}
	return p, p.check()
}

func (p *plan) check() error {
	var wrong []error
	add := func(key string, err error) {
		if err != nil {
			wrong = append(wrong, fmt.Errorf("config: %s: %w", key, err))
		}
	}
	var err error
	if p.Deliver.URL == "" && p.Lookup.URL == "" && p.Search.URL == "" && p.API.Listen == "" {
		add("deliver.url", errors.New("there is nothing to do: name deliver.url, lookup.url, search.url or api.listen"))
	}
	p.deliver, err = p.target(p.Deliver.URL)
	add("deliver.url", err)
	p.lookup, err = p.target(p.Lookup.URL)
	add("lookup.url", err)
	p.search, err = p.target(p.Search.URL)
	add("search.url", err)
	p.signer, err = newSigner(p.Secrets)
	if err == nil && len(p.Secrets) == 0 && (p.deliver != nil || p.lookup != nil || p.search != nil) {
		err = errors.New("there is none: requests are signed, " + secretForm)
	}
	add("secrets", err)
	p.roots, err = authorities(p.CA)
	add("ca", err)
	p.kinds, err = sdk.EventKinds(p.Deliver.Kinds)
	add("deliver.kinds", err)
	add("deliver.batch", within(p.Deliver.Batch, 1, mostBatch))
	add("deliver.timeout", within(time.Duration(p.Deliver.Timeout), time.Second, time.Minute))
	add("deliver.max_wait", within(time.Duration(p.Deliver.MaxWait), time.Second, time.Hour))
	add("lookup.timeout", within(time.Duration(p.Lookup.Timeout), 50*time.Millisecond, 10*time.Second))
	add("search.timeout", within(time.Duration(p.Search.Timeout), 50*time.Millisecond, 10*time.Second))
	if !slices.Contains([]string{"wait", "skip"}, p.Deliver.Refused) {
		add("deliver.refused", errors.New("wait or skip"))
	}
	p.checkAPI(add)
	return errors.Join(wrong...)
}

// target is where requests go. Errors do not show the URL: it may hold a password.
func (p *plan) target(text string) (*url.URL, error) {
	if text == "" {
		return nil, nil
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.Fragment != "":
		return nil, errors.New("this is no URL: write it as https://crm.example.com/calls")
	case u.User != nil:
		return nil, errors.New("a name and password do not belong here: use authorization")
	case u.Scheme == "http" && !p.Plaintext && !isLoopback(u.Hostname()):
		return nil, errors.New("http:// to another machine shows every call to the network: use https://, or set plaintext: true")
	}
	return u, nil
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

func authorities(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s has no certificate in PEM", file)
	}
	return pool, nil
}

// checkAPI tells what is wrong with it, in order.
func (p *plan) checkAPI(add func(key string, err error)) {
	a := &p.API
	if a.Listen == "" {
		if len(a.Tokens) > 0 || a.Cert != "" || a.Key != "" {
			add("api.listen", errors.New("it is missing: write it as 127.0.0.1:8480"))
		}
		return
	}
	add("api.listen", a.checkListen())
	if (a.Cert == "") != (a.Key == "") {
		add("api.cert", errors.New("cert and key go together"))
	}
	p.hosts, p.origins = map[string]bool{"localhost": true}, map[string]bool{}
	for _, h := range a.Hosts {
		if strings.ContainsAny(h, ":/ ") || h == "" {
			add("api.hosts", fmt.Errorf("%q is no host: write a name alone, as cordboard.example.com", h))
		}
		p.hosts[strings.ToLower(h)] = true
	}
	for _, o := range a.Origins {
		if u, err := url.Parse(o); err != nil || u.Scheme+"://"+u.Host != o || u.Host == "" || u.User != nil {
			add("api.origins", fmt.Errorf("%q is no origin: write it as https://crm.example.com", o))
		}
		p.origins[o] = true
	}
	var err error
	p.tokens, err = newTokens(a.Tokens)
	add("api.tokens", err)
}

func (a *API) checkListen() error {
	host, port, err := net.SplitHostPort(a.Listen)
	if err != nil || port == "" {
		return fmt.Errorf("%q is no address with a port: write it as 127.0.0.1:8480", a.Listen)
	}
	if host != "" && host != "localhost" {
		if _, err := netip.ParseAddr(host); err != nil {
			return fmt.Errorf("%q is no address: write it as 127.0.0.1:8480", host)
		}
	}
	if !isLoopback(host) && a.Cert == "" && !a.Plaintext {
		return fmt.Errorf("%s is reachable from other machines: add cert and key, or set plaintext: true where a proxy does TLS", a.Listen)
	}
	return nil
}

const (
	leastToken   = 32 // characters
	tokenRate    = 50 // requests a second of one token
	tokenBurst   = 100
	tokenStreams = 32 // event streams of one token
)

// Names are short: they begin the ids of commands.
var tokenName = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,32}$`)

func newTokens(list []Token) ([]*token, error) {
	if len(list) == 0 {
		return nil, errors.New("there is none, and nobody may use the API without one")
	}
	var out []*token
	names, sums := map[string]bool{}, map[[32]byte]bool{}
	for _, t := range list {
		sum := sha256.Sum256([]byte(t.Secret.Reveal()))
		switch {
		case !tokenName.MatchString(t.Name) || names[t.Name]:
			return nil, fmt.Errorf("%q is no name or there twice: write up to 32 letters and digits", t.Name)
		case len(t.Secret.Reveal()) < leastToken || strings.ContainsAny(t.Secret.Reveal(), " \t"):
			return nil, fmt.Errorf("the token of %s has less than %d characters, or spaces: make one with openssl rand -hex 32", t.Name, leastToken)
		case sums[sum]:
			return nil, fmt.Errorf("the token of %s is that of another one", t.Name)
		case t.Agents != nil && (len(t.Agents) == 0 || slices.Contains(t.Agents, "")):
			return nil, fmt.Errorf("the agents of %s: the list is empty, or a name in it", t.Name)
		}
		names[t.Name], sums[sum] = true, true
		n := &token{
			name: t.Name, sum: sum, readOnly: t.Read, limit: rate.NewLimiter(tokenRate, tokenBurst),
			streams: make(chan struct{}, tokenStreams), catchUp: make(chan struct{}, 1),
		}
		for _, a := range t.Agents {
			if n.agents == nil {
				n.agents = map[callcontrol.AgentID]bool{}
			}
			n.agents[callcontrol.AgentID(a)] = true
		}
		out = append(out, n)
	}
	return out, nil
}

func within[N int | time.Duration](n, least, most N) error {
	if n < least || n > most {
		return fmt.Errorf("%v is not within %v and %v", n, least, most)
	}
	return nil
}
