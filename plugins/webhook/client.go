package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

const (
	userAgent   = "Cordboard-Webhook/1"
	dialTimeout = 5 * time.Second
	mostHeader  = 64 << 10 // bytes of an answer's header
)

// newTransport is how all requests go out. Certificates are always verified.
func newTransport(p *plan) *http.Transport {
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: dialTimeout}).DialContext,
		TLSClientConfig:     &tls.Config{RootCAs: p.roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout: dialTimeout, IdleConnTimeout: time.Minute, MaxIdleConnsPerHost: 8,
		MaxResponseHeaderBytes: mostHeader, ForceAttemptHTTP2: true,
	}
}

// poster sends signed requests to one URL.
type poster struct {
	to            *url.URL
	client        *http.Client
	signer        signer
	authorization string
}

// newPoster waits for an answer of at most so many bytes as long as timeout; when the request's context ends in the
// meantime, for linger more.
func newPoster(p *plan, to *url.URL, next http.RoundTripper, timeout, linger time.Duration, most int64) *poster {
	return &poster{
		to: to, signer: p.signer, authorization: p.Authorization.Reveal(),
		client: &http.Client{
			Transport: attempt{next, timeout, linger, most},
			// A redirect would take what is signed, and the Authorization header, to wherever the answer says.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// retries tells how a request is repeated.
type retries struct {
	most  int
	check func(ctx context.Context, resp *http.Response, err error) bool
	wait  func(try int, resp *http.Response) time.Duration
}

// post sends body under id until retries says that it is enough. The answer has been read, of any status.
func (p *poster) post(ctx context.Context, id string, body []byte, r retries) (*http.Response, error) {
	req, err := retryablehttp.NewRequestWithContext(ctx, http.MethodPost, p.to.String(), body)
	if err != nil {
		return nil, plainError(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", userAgent)
	if p.authorization != "" {
		req.Header.Set("Authorization", p.authorization)
	}
	p.signer.sign(req.Header, id, time.Now(), body)
	c := retryablehttp.Client{
		HTTPClient: p.client, RetryMax: r.most, ErrorHandler: retryablehttp.PassthroughErrorHandler,
		CheckRetry: func(ctx context.Context, resp *http.Response, err error) (bool, error) {
			return r.check(ctx, resp, err), nil
		},
		Backoff: func(_, _ time.Duration, n int, resp *http.Response) time.Duration { return r.wait(n, resp) },
		// The signature's time is that of the try: receivers refuse old ones.
		PrepareRetry: func(again *http.Request) error {
			again.Header = again.Header.Clone() // the last try's may still be read
			p.signer.sign(again.Header, id, time.Now(), body)
			return nil
		},
	}
	resp, err := c.Do(req)
	if err != nil {
		return nil, plainError(err)
	}
	return resp, nil
}

// attempt is one try: it is bounded in time and size, and its answer is whole when it returns.
type attempt struct {
	next            http.RoundTripper
	timeout, linger time.Duration
	most            int64
}

// RoundTrip implements http.RoundTripper.
func (a attempt) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(r.Context()), a.timeout, noAnswerError(a.timeout))
	defer cancel()
	defer context.AfterFunc(r.Context(), func() {
		select {
		case <-time.After(a.linger):
			cancel()
		case <-ctx.Done():
		}
	})()
	resp, err := a.next.RoundTrip(r.WithContext(ctx))
	if err != nil {
		return nil, because(ctx, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, a.most)) // what is cut off is no JSON
	if err != nil {
		return nil, because(ctx, err)
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

func noAnswerError(d time.Duration) error { return fmt.Errorf("no answer within %s", d) }

// because is the end of the try's time, where that was it.
func because(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// plainError is an error without the URL, whose path or query may be a secret.
func plainError(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// answered is an answer in words.
func answered(resp *http.Response) string {
	text := http.StatusText(resp.StatusCode)
	if resp.StatusCode >= 300 && resp.StatusCode < 400 {
		text += ": redirects are not followed"
	}
	return fmt.Sprintf("the receiver answered %d %s", resp.StatusCode, text)
}
