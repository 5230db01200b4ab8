package webhook

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"strings"

	"cordboard/callcontrol"
)

// decode reads a request's body, strictly. One that is not required may be missing.
func decode(w http.ResponseWriter, r *http.Request, into any, must bool) error {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, mostBody))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if errors.Is(err, io.EOF) {
		if must {
			return refusal(codeBadRequest, "the request has no body")
		}
		return nil
	}
	if kind, _, e := mime.ParseMediaType(r.Header.Get("Content-Type")); e != nil || kind != "application/json" {
		return refusal(codeMediaType, "send Content-Type: application/json")
	}
	if err == nil {
		_, err = d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = errors.New("there is something behind the JSON")
		}
	}
	var long *http.MaxBytesError
	var broken net.Error
	switch {
	case errors.As(err, &long):
		return refusal(codeTooLarge, "the body is longer than 64 KiB")
	case errors.As(err, &broken), errors.Is(err, io.ErrUnexpectedEOF):
		return refusal(codeBadRequest, "the body is not whole, or did not come in time")
	}
	return refusal(codeBadRequest, "the body cannot be read: "+strings.TrimPrefix(err.Error(), "json: "))
}

// nothing is the body of verbs that need none.
var nothing = optional(func(struct{}, *callcontrol.Command) error { return nil })

func required[B any](use func(B, *callcontrol.Command) error) func(*http.Request, http.ResponseWriter, *callcontrol.Command) error {
	return takes(true, use)
}

func optional[B any](use func(B, *callcontrol.Command) error) func(*http.Request, http.ResponseWriter, *callcontrol.Command) error {
	return takes(false, use)
}

func takes[B any](must bool, use func(B, *callcontrol.Command) error) func(*http.Request, http.ResponseWriter, *callcontrol.Command) error {
	return func(r *http.Request, w http.ResponseWriter, c *callcontrol.Command) error {
		var b B
		if err := decode(w, r, &b, must); err != nil {
			return err
		}
		return use(b, c)
	}
}
