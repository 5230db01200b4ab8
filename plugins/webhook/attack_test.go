package webhook

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"cordboard/callcontrol"
	"cordboard/plugins/sdk"
)

// raw opens a connection to the API and writes to it.
func (w *world) raw(text string) net.Conn {
	w.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := io.WriteString(conn, text); err != nil {
		w.t.Fatal(err)
	}
	return conn
}

// again serves the API once more, less patiently.
func (w *world) again(header, reading time.Duration) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	srv := &server{plan: &w.hook.plan, log: quiet(), header: header}
	api, err := newAPI(ctx, &w.hook.plan, w.hook.api.client, w.hook.api.hub, w.hook.problems, quiet())
	if err != nil {
		w.t.Fatal(err)
	}
	api.reading = reading
	done := make(chan struct{})
	go func() {
		defer close(done)
		srv.run(ctx, api)
	}()
	w.t.Cleanup(func() {
		cancel()
		<-done
	})
	until(w.t, "it listens", func() bool {
		srv.mu.Lock()
		defer srv.mu.Unlock()
		if srv.at != nil {
			w.url = "http://" + srv.at.String()
		}
		return srv.at != nil
	})
}

// Who sends a header or a body drop by drop is cut; who sends too much of a header is refused.
func TestDribble(t *testing.T) {
	w := newWorld(t, apiConfig, 100)
	w.again(300*time.Millisecond, 500*time.Millisecond)
	auth := "Host: localhost\r\nAuthorization: Bearer " + allToken + "\r\n"
	for name, c := range map[string]struct{ text, want string }{
		"nothing":     {"", ""},
		"half a line": {"GET /v1/hea", ""},
		"no end":      {"GET /v1/health HTTP/1.1\r\n" + auth, ""},
		"half a body": {"POST /v1/agents/anna/dial HTTP/1.1\r\n" + auth + "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"num", "400"},
		"long header": {"GET /v1/health HTTP/1.1\r\n" + auth + "X: " + strings.Repeat("x", 2*mostHeading) + "\r\n\r\n", "431"},
		"two lengths": {"POST /v1/agents/anna/dial HTTP/1.1\r\n" + auth + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", "400"},
		"smuggled":    {"POST /v1/agents/anna/dial HTTP/1.1\r\n" + auth + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n", "501"},
		"two tokens":  {"GET /v1/health HTTP/1.1\r\nConnection: close\r\n" + auth + "Authorization: Bearer x\r\n\r\n", "401"},
		"no host":     {"GET /v1/health HTTP/1.0\r\nAuthorization: Bearer " + allToken + "\r\n\r\n", "421"},
		"whole URL":   {"GET http://evil.example.com/v1/health HTTP/1.1\r\nConnection: close\r\n" + auth + "\r\n", "421"},
	} {
		t.Run(name, func(t *testing.T) {
			conn := w.raw(c.text)
			text, err := io.ReadAll(conn) // until it is cut
			var slow net.Error
			if errors.As(err, &slow) && slow.Timeout() {
				t.Fatal("it is not cut")
			}
			first, _, _ := strings.Cut(string(text), "\r\n")
			if c.want == "" && len(text) > 0 && !strings.Contains(first, "408") && !strings.Contains(first, "400") || c.want != "" && !strings.Contains(first, " "+c.want+" ") {
				t.Errorf("%q, want %s", first, c.want)
			}
		})
	}
	if n := w.board.count(); n != 0 {
		t.Errorf("%d commands reached the daemon", n)
	}
}

// The bound on a body's time is not one on the command's, nor on what comes after it on the connection.
func TestSlowCommand(t *testing.T) {
	w := newWorld(t, apiConfig, 100)
	const reading = 300 * time.Millisecond
	w.again(0, reading)
	w.board.mu.Lock()
	w.board.answer = func(callcontrol.Command) (callcontrol.Result, error) {
		time.Sleep(3 * reading)
		return callcontrol.Result{Call: "c-anna"}, nil
	}
	w.board.mu.Unlock()
	auth := " HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + allToken + "\r\n"
	body := `{"number": "1002"}`
	for name, post := range map[string]string{
		"no body": "POST /v1/calls/c-anna/hold" + auth + "Content-Length: 0\r\n\r\n",
		"a body":  "POST /v1/calls/c-anna/transfer" + auth + fmt.Sprintf("Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body),
		"chunked": "POST /v1/calls/c-anna/transfer" + auth + fmt.Sprintf("Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(body), body),
	} {
		t.Run(name, func(t *testing.T) {
			conn := w.raw(post)
			r := bufio.NewReader(conn)
			for _, what := range []string{"the command", "a look after it"} {
				resp, err := http.ReadResponse(r, nil)
				if err != nil {
					t.Fatalf("%s: %v", what, err)
				}
				text, err := io.ReadAll(resp.Body)
				if err != nil || resp.StatusCode != 200 {
					t.Fatalf("%s: %d %s %v", what, resp.StatusCode, text, err)
				}
				if _, err := io.WriteString(conn, "GET /v1/snapshot"+auth+"\r\n"); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// Text of callers stays text: it ends no line of a stream and no header.
func TestInjection(t *testing.T) {
	w := newWorld(t, apiConfig, 100)
	f := w.follow(allToken, "")
	f.next()
	evil := "x\r\n\r\nid: 99\nevent: call_ended\ndata: {}\n\n\u2028"
	w.board.mu.Lock()
	w.board.calls[0].Remote.Display = evil
	w.board.mu.Unlock()
	w.board.tell(t, "anna", callcontrol.EventCallChanged)
	if m, _ := f.next(); m.ID != "e1-1" || m.Event.Call.Remote.Display != evil {
		t.Errorf("%+v", m)
	}
	w.board.tell(t, "anna", callcontrol.EventCallEnded)
	if m, _ := f.next(); m.ID != "e1-2" {
		t.Errorf("%+v", m)
	}
	for _, path := range []string{"/v1/calls/%0d%0aX-Evil:%201/hold", "/v1/agents/%00/dial", "/v1/calls/" + strings.Repeat("x", 4000) + "/hold", "/v1/calls/%ff/hold"} {
		body := ""
		if strings.HasSuffix(path, "dial") {
			body = `{"number": "1"}`
		}
		a := w.request("POST", path, annaToken, body)
		if a.header.Get("X-Evil") != "" || a.status != 404 || len(a.body) > 300 {
			t.Errorf("%.40s: %d %.200s", path, a.status, a.body)
		}
	}
}

// One token's key is not another's, and a command that was not answered yet holds only its own place.
func TestKeysOfTokens(t *testing.T) {
	w := newWorld(t, apiConfig, 100)
	seen := map[callcontrol.CommandID]bool{}
	for _, token := range []string{allToken, annaToken, bothToken} {
		w.request("POST", "/v1/calls/c-anna/hold", token, "", "Idempotency-Key", "same")
		seen[w.board.last().ID] = true
	}
	if len(seen) != 3 {
		t.Errorf("%v", seen)
	}
	if a := w.request("POST", "/v1/calls/c-anna/hold", allToken, "", "Idempotency-Key", strings.Repeat("k", mostKey)); a.status != 200 {
		t.Errorf("the longest key: %d %s", a.status, a.body)
	}
	wait := make(chan struct{})
	w.board.mu.Lock()
	w.board.answer = func(callcontrol.Command) (callcontrol.Result, error) {
		<-wait
		return callcontrol.Result{}, nil
	}
	w.board.mu.Unlock()
	done := make(chan int, mostCommands)
	for range mostCommands {
		go func() { done <- w.request("POST", "/v1/calls/c-anna/hold", allToken, "").status }()
	}
	until(t, "all are under way", func() bool { return len(w.hook.api.commands) == mostCommands })
	if a := w.request("POST", "/v1/calls/c-anna/hold", annaToken, ""); a.status != 429 {
		t.Errorf("one more: %d", a.status)
	}
	if a := w.request("GET", "/v1/snapshot", annaToken, ""); a.status != 200 {
		t.Errorf("a look: %d", a.status)
	}
	close(wait)
	for range mostCommands {
		if status := <-done; status != 200 {
			t.Errorf("%d", status)
		}
	}
}

// pair makes a certificate for localhost with a serial number, in cert.pem and key.pem.
func pair(t *testing.T, serial int64) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"localhost"}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	mustWrite(t, "cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	mustWrite(t, "key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The API over TLS and HTTP/2, whose certificate is renewed while it runs.
func TestTLS(t *testing.T) {
	p := planned(t, `{"api": {"listen": "127.0.0.1:0", "cert": "cert.pem", "key": "key.pem", "tokens": [{"name": "all", "secret": {"file": "all"}}]}}`)
	cert := pair(t, 1)
	b := newBoard(100)
	hook := &webhook{}
	raw, err := json.Marshal(map[string]any{"api": map[string]any{
		"listen": "127.0.0.1:0", "cert": "cert.pem", "key": "key.pem", "tokens": []any{map[string]any{"name": "all", "secret": map[string]string{"file": "all"}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := hook.Configure(t.Context(), &sdk.Session{Config: raw, Control: b.client(t), Log: quiet()}); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = hook.Stop(context.Background()) }()
	var addr string
	until(t, "it listens", func() bool {
		hook.server.mu.Lock()
		defer hook.server.mu.Unlock()
		if hook.server.at != nil {
			addr = hook.server.at.String()
		}
		return addr != ""
	})
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	client := &http.Client{Transport: &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: pool, ServerName: "localhost"}}}
	defer client.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+addr+"/v1/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+allToken)
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.ProtoMajor != 2 || resp.StatusCode != 200 {
		t.Errorf("%s %s", resp.Proto, resp.Status)
	}
	b.tell(t, "anna", callcontrol.EventCallStarted)
	for s := bufio.NewScanner(resp.Body); ; {
		if !s.Scan() {
			t.Fatal(s.Err())
		}
		if s.Text() == "event: call_started" {
			break
		}
	}
	if _, err := tls.Dial("tcp", addr, &tls.Config{RootCAs: pool, ServerName: "localhost", MaxVersion: tls.VersionTLS11}); err == nil {
		t.Error("TLS 1.1 is taken")
	}

	files := &certificate{cert: p.API.Cert, key: p.API.Key, log: quiet()}
	serial := func() string {
		files.looked = time.Time{}
		c, err := files.get(nil)
		if err != nil {
			t.Fatal(err)
		}
		x, err := x509.ParseCertificate(c.Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		return x.SerialNumber.String()
	}
	if got := serial(); got != "1" {
		t.Errorf("serial %s", got)
	}
	pair(t, 2)
	later := time.Now().Add(time.Minute)
	if err := os.Chtimes("cert.pem", later, later); err != nil {
		t.Fatal(err)
	}
	if got := serial(); got != "2" {
		t.Errorf("renewed: serial %s", got)
	}
	mustWrite(t, "cert.pem", "half")
	if got := serial(); got != "2" {
		t.Errorf("half written: serial %s", got)
	}
}

// A receiver's certificate must be one that is trusted: by ca, or by the system.
func TestCertificates(t *testing.T) {
	dir := secretFiles(t)
	t.Chdir(dir)
	receiver := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	defer receiver.Close()
	receiver.Config.ErrorLog = nil
	mustWrite(t, "ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: receiver.Certificate().Raw})))
	for ca, good := range map[string]bool{"ca.pem": true, "": false} {
		p, err := settle(&sdk.Session{Config: fmt.Appendf(nil, `{"deliver": {"url": %q}, "ca": %q, "secrets": [{"file": "one"}]}`, receiver.URL, ca)})
		if err != nil {
			t.Fatal(err)
		}
		transport := newTransport(&p)
		d := newDelivery(&p, transport, quiet())
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- d.events(ctx, []sdk.Event{event(1)}) }()
		if good {
			if err := <-done; err != nil {
				t.Error(err)
			}
		} else {
			until(t, "the certificate is refused", func() bool { return strings.Contains(fmt.Sprint(d.trouble()), "certificate") })
		}
		cancel()
		if !good && <-done == nil {
			t.Error("it was taken")
		}
		transport.CloseIdleConnections()
	}
}

// A port that is taken keeps nothing else from working, is told, and used once it is free.
func TestPortIsTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(secretFiles(t))
	hook, log := &webhook{}, &testLog{}
	config := fmt.Appendf(nil, `{"api": {"listen": %q, "tokens": [{"name": "all", "secret": {"file": "all"}}]}}`, l.Addr())
	if err := hook.Configure(t.Context(), &sdk.Session{Config: config, Control: newBoard(10).client(t), Log: slog.New(slog.NewTextHandler(log, nil))}); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = hook.Stop(context.Background()) }()
	until(t, "it is told", func() bool {
		err := hook.Health(t.Context())
		return err != nil && strings.Contains(err.Error(), "address already in use")
	})
	for range 2 { // tries
		before := hook.server.trouble()
		until(t, "it is tried again", func() bool { return hook.server.trouble() != before })
	}
	if n := strings.Count(log.String(), "cannot be reached"); n != 1 {
		t.Errorf("said %d times:\n%s", n, log)
	}
	_ = l.Close()
	until(t, "it is well", func() bool { return hook.Health(t.Context()) == nil })
}
