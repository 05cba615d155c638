// Package wire holds what channels over HTTP share: sealed tokens that travel
// through other people's programs, and requests with bounded time and size.
package wire

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/dr"
)

// MinKey is the shortest key of a Sealer, in bytes.
const MinKey = 32

// maxToken bounds a token that is looked at, in bytes.
const maxToken = 8 << 10

// Sealer makes tokens that only a holder of its key can make, each for one
// purpose and until one time. They are not secret: whoever has one can read it.
type Sealer struct{ key []byte }

// NewSealer takes a key of at least MinKey bytes; name stands for it in the
// complaint.
func NewSealer(name, key string) (Sealer, error) {
	if len(key) < MinKey {
		return Sealer{}, dr.Refuse("credential", "the secret %s is shorter than %d characters and could be guessed", name, MinKey).
			WithNext("make one with: openssl rand -hex 32")
	}
	return Sealer{[]byte(key)}, nil
}

type sealed struct {
	Until int64           `json:"u"`
	Value json.RawMessage `json:"v"`
}

// Seal writes v into a token for a purpose, good until a time.
func (s Sealer) Seal(purpose string, until time.Time, v any) string {
	value, err := json.Marshal(v)
	if err != nil {
		return "" // no token opens; what is sealed are structs of strings and numbers
	}
	payload, err := json.Marshal(sealed{until.Unix(), value})
	if err != nil {
		return ""
	}
	text := base64.RawURLEncoding.EncodeToString(payload)
	return text + "." + s.mac(purpose, text)
}

// Open reads a token into v. A token that is not ours, for another purpose or
// changed is refused with code "forged", one that is too old with "too_old".
func (s Sealer) Open(purpose, token string, now time.Time, v any) error {
	text, mac, ok := strings.Cut(token, ".")
	if !ok || len(token) > maxToken || !hmac.Equal([]byte(mac), []byte(s.mac(purpose, text))) {
		return dr.Refuse("forged", "this was not made here, or it was changed")
	}
	payload, err := base64.RawURLEncoding.DecodeString(text)
	var in sealed
	if err == nil {
		err = json.Unmarshal(payload, &in)
	}
	if err != nil {
		return dr.Refuse("forged", "this cannot be read")
	}
	if until := time.Unix(in.Until, 0); now.After(until) {
		return dr.Refuse("too_old", "this was good until %s", dr.TimeText(until))
	}
	if err := json.Unmarshal(in.Value, v); err != nil {
		return dr.Refuse("forged", "this cannot be read")
	}
	return nil
}

// Peek reads what a token claims, although nobody vouches for it: only to show
// in a report that somebody tried. v stays as it is when nothing can be read.
func Peek(token string, v any) {
	text, _, _ := strings.Cut(token, ".")
	if len(token) > maxToken {
		return
	}
	payload, err := base64.RawURLEncoding.DecodeString(text)
	var in sealed
	if err == nil && json.Unmarshal(payload, &in) == nil {
		_ = json.Unmarshal(in.Value, v) // anything may be in there
	}
}

func (s Sealer) mac(purpose, text string) string {
	h := hmac.New(sha256.New, s.key)
	h.Write([]byte(purpose + "\x00" + text))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}
