package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"cordboard/plugins/sdk"
)

// Headers of a signed request, those of Standard Webhooks (standardwebhooks.com).
const (
	headerID        = "Webhook-Id"
	headerTimestamp = "Webhook-Timestamp" // Unix time in seconds, of this try
	headerSignature = "Webhook-Signature" // "v1,BASE64" for each secret, with spaces between
)

const (
	secretPrefix = "whsec_"
	secretForm   = `make one with echo "whsec_$(openssl rand -base64 32)"`
	leastSecret  = 24 // bytes, as Standard Webhooks has it
	mostSecret   = 64
	mostSecrets  = 4
)

// signer signs requests with every secret, so that a receiver may change its own at any time.
type signer struct{ keys [][]byte }

func newSigner(secrets []sdk.Secret) (s signer, err error) {
	if len(secrets) > mostSecrets {
		return s, fmt.Errorf("there are more than %d", mostSecrets)
	}
	for _, secret := range secrets {
		text, ok := strings.CutPrefix(secret.Reveal(), secretPrefix)
		key, err := base64.StdEncoding.DecodeString(text)
		if !ok || err != nil || len(key) < leastSecret || len(key) > mostSecret {
			return s, errors.New("a secret is whsec_ and the base64 of 24 to 64 random bytes: " + secretForm)
		}
		s.keys = append(s.keys, key)
	}
	return s, nil
}

// sign sets the three headers. The signature is over "ID.TIMESTAMP.BODY".
func (s signer) sign(h http.Header, id string, at time.Time, body []byte) {
	stamp := strconv.FormatInt(at.Unix(), 10)
	all := make([]string, len(s.keys))
	for i, key := range s.keys {
		m := hmac.New(sha256.New, key)
		m.Write([]byte(id + "." + stamp + "."))
		m.Write(body)
		all[i] = "v1," + base64.StdEncoding.EncodeToString(m.Sum(nil))
	}
	h.Set(headerID, id)
	h.Set(headerTimestamp, stamp)
	h.Set(headerSignature, strings.Join(all, " "))
}
