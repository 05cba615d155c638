package redact

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"strings"

	"github.com/switchback-dr/switchback/dr"
)

// writtenForms gives the ways in which programs write a secret.
func writtenForms(s string) []string {
	raw := []byte(s)
	forms := []string{
		s, Plain(s),
		url.QueryEscape(s), url.PathEscape(s), strings.ReplaceAll(url.QueryEscape(s), "+", "%20"),
		jsonText(s, true), jsonText(s, false),
		strings.Trim(dr.Quote(s), "'"), strings.ReplaceAll(s, "'", "''"),
		strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s),
		hex.EncodeToString(raw), strings.ToUpper(hex.EncodeToString(raw)),
	}
	for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		forms = append(forms, e.EncodeToString(raw))
	}
	// A secret of several lines (a key file) may be shown line by line.
	if lines := strings.Split(Plain(s), "\n"); len(lines) > 1 {
		for _, l := range lines {
			forms = append(forms, strings.TrimSpace(l))
		}
	}
	return forms
}

// jsonText gives a text as it stands between the quotes of a JSON string.
func jsonText(s string, escapeHTML bool) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(escapeHTML)
	if err := enc.Encode(s); err != nil {
		return s
	}
	return strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(b.String()), `"`), `"`)
}
