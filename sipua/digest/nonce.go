package digest

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"
)

// minter makes nonces that carry their own time and proof, so that a
// challenge costs no memory: 8 bytes unix milliseconds, 8 random bytes, 16
// bytes of HMAC-SHA-256 over both.
type minter struct{ key [32]byte }

const (
	nonceBody = 16
	nonceSize = nonceBody + 16
)

func (m *minter) sum(body []byte) []byte {
	h := hmac.New(sha256.New, m.key[:])
	h.Write(body)
	return h.Sum(nil)[:nonceSize-nonceBody]
}

func (m *minter) mint(now time.Time) string {
	var b [nonceSize]byte
	binary.BigEndian.PutUint64(b[:8], uint64(now.UnixMilli()))
	_, _ = rand.Read(b[8:nonceBody]) // never fails since Go 1.24
	copy(b[nonceBody:], m.sum(b[:nonceBody]))
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// check tells when a nonce was issued and whether it is one of ours.
func (m *minter) check(nonce string) (issued time.Time, ours bool) {
	if len(nonce) != base64.RawURLEncoding.EncodedLen(nonceSize) {
		return time.Time{}, false
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(nonce)
	if err != nil || !hmac.Equal(m.sum(b[:nonceBody]), b[nonceBody:]) {
		return time.Time{}, false
	}
	return time.UnixMilli(int64(binary.BigEndian.Uint64(b[:8]))), true
}
