package engine

import "strings"

// token is one word of a statement: an identifier, a quoted one, a literal, a
// number or a sign. gap says that white space stood before it.
type token struct {
	text string
	kind tokenKind
	gap  bool
}

type tokenKind int

const (
	word tokenKind = iota
	quoted
	literal
	number
	sign
)

// is says whether the token is this unquoted word or sign.
func (t token) is(text string) bool {
	return (t.kind == word || t.kind == sign) && t.text == text
}

// value is the meaning of a literal or an identifier.
func (t token) value() string {
	switch t.kind {
	case literal:
		return strings.ReplaceAll(t.text[1:len(t.text)-1], "''", "'")
	case quoted:
		return strings.ReplaceAll(t.text[1:len(t.text)-1], `""`, `"`)
	default:
		return t.text
	}
}

// scan cuts a statement into tokens. Unquoted words become upper case, as HANA
// reads them. Comments are left out. An open quote is an error.
func scan(text string) ([]token, bool) {
	var all []token
	gap := false
	for i := 0; i < len(text); {
		n, kind := measure(text[i:])
		if n <= 0 {
			return nil, false
		}
		piece := text[i : i+n]
		i += n
		if kind == blank {
			gap = true
			continue
		}
		if kind == word {
			piece = strings.ToUpper(piece)
		}
		all = append(all, token{piece, kind, gap})
		gap = false
	}
	for len(all) > 0 && all[len(all)-1].is(";") {
		all = all[:len(all)-1]
	}
	return all, true
}

// blank is white space or a comment; no token has it.
const blank tokenKind = -1

func measure(s string) (int, tokenKind) {
	c := s[0]
	switch {
	case strings.ContainsRune(" \t\r\n", rune(c)):
		return 1, blank
	case strings.HasPrefix(s, "--"):
		if end := strings.IndexByte(s, '\n'); end >= 0 {
			return end + 1, blank
		}
		return len(s), blank
	case strings.HasPrefix(s, "/*"):
		if end := strings.Index(s, "*/"); end > 0 {
			return end + 2, blank
		}
		return 0, blank
	case c == '\'':
		return quote(s, '\''), literal
	case c == '"':
		return quote(s, '"'), quoted
	case c >= '0' && c <= '9':
		return run(s, "0123456789."), number
	case letter(c):
		n := 1
		for n < len(s) && (letter(s[n]) || s[n] >= '0' && s[n] <= '9' || s[n] == '$' || s[n] == '#') {
			n++
		}
		return n, word
	}
	for _, two := range []string{"<=", ">=", "<>", "!=", "||"} {
		if strings.HasPrefix(s, two) {
			return 2, sign
		}
	}
	return 1, sign
}

func letter(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

func run(s, allowed string) int {
	n := 1
	for n < len(s) && strings.IndexByte(allowed, s[n]) >= 0 {
		n++
	}
	return n
}

// quote measures a quoted piece; 0 when it never ends.
func quote(s string, q byte) int {
	for i := 1; i < len(s); i++ {
		if s[i] != q {
			continue
		}
		if i+1 < len(s) && s[i+1] == q {
			i++
			continue
		}
		return i + 1
	}
	return 0
}

// join writes tokens as text again.
func join(all []token) string {
	var b strings.Builder
	for i, t := range all {
		if t.gap && i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(t.text)
	}
	return b.String()
}

// starts says whether a statement begins with these words.
func starts(all []token, words ...string) bool {
	if len(all) < len(words) {
		return false
	}
	for i, w := range words {
		if !all[i].is(w) {
			return false
		}
	}
	return true
}

// sqlText writes a text as a SQL literal.
func sqlText(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
