package redact

import (
	"regexp"
	"strings"
	"unicode"
)

// escapes are terminal sequences of ECMA-48: CSI, the strings (OSC, DCS, SOS,
// PM, APC) when they are ended within their line, and the short ones. An
// unended string loses only its ESC: hostile output must not hide what follows.
var escapes = regexp.MustCompile(`(?:\x1b\[|\x{9b})[0-?]*[ -/]*[@-~]` +
	`|(?:\x1b[\]PX^_]|[\x{9d}\x{90}\x{98}\x{9e}\x{9f}])[^\x07\x1b\x{9c}\n]*(?:\x07|\x1b\\|\x{9c})` +
	`|\x1b[ -/]+[0-~]|\x1b[0-OQ-WYZ\\` + "`" + `-~]`)

// Plain gives foreign text that no terminal or web page can be misled by:
// valid UTF-8 without escape sequences, control characters and invisible
// formatting characters (which can reverse the order of what is read). Line
// breaks and tabs stay; a lone carriage return becomes a line break.
func Plain(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = escapes.ReplaceAllString(s, "")
	s = strings.ReplaceAll(s, "\r\n", "\n")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r == '\r' || r == '\u2028' || r == '\u2029':
			return '\n'
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, s)
}
