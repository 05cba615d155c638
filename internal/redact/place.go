package redact

import (
	"regexp"
	"strings"
)

// text is a value in quotes or without.
const text = `('(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|[^\s]+)`

// places are patterns whose last group is a secret by its place; what stands
// before it stays.
var places = []*regexp.Regexp{
	regexp.MustCompile(`(?i)([a-z0-9_.-]*(?:password|passwd|passphrase|pwd|secret|token|api[_-]?key)["']?[ \t]*(?:=>|:=|[=:])[ \t]*)` + text),
	regexp.MustCompile(`(?i)(\bpassword[ \t]+)('(?:[^'\\]|\\.|'')*'?)`),
	regexp.MustCompile(`(?i)(\bidentified[ \t\n]+(?:with[ \t\n]+\S+[ \t\n]+)?(?:by|as)[ \t\n]+(?:password[ \t\n]+)?)` + text),
	regexp.MustCompile(`(?i)(\bauthorization[ \t]*[:=][ \t]*(?:basic|bearer)[ \t]+)(\S+)`),
}

var (
	inURL      = regexp.MustCompile(`(://[^\s/:@]*:)([^\s/]*)(@)`)
	privateKey = regexp.MustCompile(`(?s)-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|\z)`)
)

// placeholder begins what Command.Shown writes where a secret will be filled
// in; it names a credential and is no secret.
const placeholder = "<credential "

// byPlace replaces what is a secret by its place.
func byPlace(s, mark string) string {
	s = privateKey.ReplaceAllLiteralString(s, mark)
	s = inURL.ReplaceAllStringFunc(s, func(m string) string {
		g := inURL.FindStringSubmatch(m)
		return g[1] + mark + g[3]
	})
	for _, p := range places {
		s = p.ReplaceAllStringFunc(s, func(m string) string {
			g := p.FindStringSubmatch(m)
			if strings.HasPrefix(g[2]+" ", placeholder) {
				return m
			}
			return g[1] + mark
		})
	}
	return s
}
