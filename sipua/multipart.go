package sipua

import (
	"bytes"
	"io"
	"mime/multipart"
)

// sdpPart finds the session description in a multipart body: RFC 5621. At most 8 parts are looked at.
func sdpPart(body []byte, boundary string) ([]byte, bool) {
	if boundary == "" || len(boundary) > 70 {
		return nil, false
	}
	r := multipart.NewReader(bytes.NewReader(body), boundary)
	for range 8 {
		p, err := r.NextRawPart()
		if err != nil {
			return nil, false
		}
		kind, _ := splitParams(p.Header.Get("Content-Type"))
		if lower(kind) != "application/sdp" {
			continue
		}
		sdp, err := io.ReadAll(io.LimitReader(p, 1<<16))
		return sdp, err == nil
	}
	return nil, false
}
