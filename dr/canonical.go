package dr

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"sort"
	"strings"
	"unicode/utf8"
)

// Canonical gives the one JSON text of a value: keys sorted, no white space,
// no HTML escapes, numbers as written. Digests and signatures are made over
// it, so that two programs that mean the same thing sign the same bytes.
func Canonical(v any) ([]byte, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("canonical JSON: %w", err)
	}
	var tree any
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err := dec.Decode(&tree); err != nil {
		return nil, fmt.Errorf("canonical JSON: %w", err)
	}
	var b bytes.Buffer
	if err := writeCanonical(&b, tree); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func writeCanonical(b *bytes.Buffer, v any) error {
	switch t := v.(type) {
	case map[string]any:
		b.WriteByte('{')
		for i, k := range sortedKeys(t) {
			if i > 0 {
				b.WriteByte(',')
			}
			if err := writeScalar(b, k); err != nil {
				return err
			}
			b.WriteByte(':')
			if err := writeCanonical(b, t[k]); err != nil {
				return err
			}
		}
		b.WriteByte('}')
	case []any:
		b.WriteByte('[')
		for i, e := range t {
			if i > 0 {
				b.WriteByte(',')
			}
			if err := writeCanonical(b, e); err != nil {
				return err
			}
		}
		b.WriteByte(']')
	default:
		return writeScalar(b, v)
	}
	return nil
}

func writeScalar(b *bytes.Buffer, v any) error {
	var one bytes.Buffer
	enc := json.NewEncoder(&one)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("canonical JSON: %w", err)
	}
	b.Write(bytes.TrimSuffix(one.Bytes(), []byte("\n")))
	return nil
}

// Digest is the SHA-256 of the canonical JSON of v, in hex.
func Digest(v any) (string, error) {
	b, err := Canonical(v)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), nil
}

// ShortDigestLen is how many hex digits of a digest people must quote.
const ShortDigestLen = 12

// ShortDigest gives the first twelve digits.
func ShortDigest(d string) string {
	if len(d) <= ShortDigestLen {
		return d
	}
	return d[:ShortDigestLen]
}

// DigestMatches says whether a quoted digest names this one: it must be a
// prefix of at least twelve hex digits.
func DigestMatches(full, quoted string) bool {
	return len(quoted) >= ShortDigestLen && strings.HasPrefix(full, strings.ToLower(quoted))
}

// DecodeStrict decodes exactly one JSON object into v. Unknown fields, a
// second value and broken UTF-8 are refused: a misspelt field must not be
// silently ignored.
func DecodeStrict(raw []byte, v any) error {
	if !utf8.Valid(raw) {
		return fmt.Errorf("the JSON is not valid UTF-8")
	}
	if err := noDoubleKeys(raw); err != nil {
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		if err == io.EOF {
			return fmt.Errorf("the JSON is empty")
		}
		return fmt.Errorf("%s", strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := dec.Token(); err != io.EOF {
		return fmt.Errorf("there is more than one JSON value")
	}
	return nil
}

// noDoubleKeys refuses objects that name a key twice: two readers could
// believe different values.
func noDoubleKeys(raw []byte) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	type level struct {
		object bool
		key    bool
		seen   map[string]bool
	}
	var stack []level
	for {
		tok, err := dec.Token()
		if err != nil {
			return nil // the real decoder tells what is wrong
		}
		top := len(stack) - 1
		if d, ok := tok.(json.Delim); ok {
			switch d {
			case '{':
				stack = append(stack, level{object: true, key: true, seen: map[string]bool{}})
				continue
			case '[':
				stack = append(stack, level{})
				continue
			default:
				stack = stack[:top]
				top--
			}
		} else if top >= 0 && stack[top].object && stack[top].key {
			k, _ := tok.(string)
			if stack[top].seen[strings.ToLower(k)] {
				return fmt.Errorf("the field %q stands there twice", clip(k, 60))
			}
			stack[top].seen[strings.ToLower(k)] = true
			stack[top].key = false
			continue
		}
		if top >= 0 && stack[top].object {
			stack[top].key = true
		}
	}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	//workflowcheck:ignore the keys are sorted before anybody sees them
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// DecodeNumbers decodes JSON into v and keeps numbers as they are written.
func DecodeNumbers(raw []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	return dec.Decode(v)
}
