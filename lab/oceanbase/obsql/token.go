package obsql

import (
	"strings"
	"unicode"
)

// Kind is what a token is.
type Kind int

// The kinds of tokens.
const (
	End      Kind = iota
	Word          // a bare word: keyword or identifier
	Quoted        // an identifier in back-quotes
	String        // a string literal
	Number        // a number without sign
	Operator      // everything else, one or two characters
	Variable      // @@name or @name
)

// Token is one word of a statement.
type Token struct {
	Kind Kind
	// Text is the token without quotes, escapes undone.
	Text string
	// At is where it begins in the statement.
	At int
}

// Is says whether the token is this keyword or operator.
func (t Token) Is(text string) bool {
	return t.Kind == Word && strings.EqualFold(t.Text, text) || t.Kind == Operator && t.Text == text
}

// longestStatement bounds what is read at all.
const longestStatement = 1 << 20

// Tokens splits a statement. Comments, hints included, are left out.
func Tokens(text string) ([]Token, error) {
	if len(text) > longestStatement {
		return nil, syntax("a statement of more than 1 MiB")
	}
	l := lexer{text: text}
	for l.at < len(l.text) {
		if err := l.next(); err != nil {
			return nil, err
		}
	}
	return append(l.tokens, Token{Kind: End, At: len(text)}), nil
}

type lexer struct {
	text   string
	at     int
	tokens []Token
}

func (l *lexer) next() error {
	c := l.text[l.at]
	rest := l.text[l.at:]
	switch {
	case unicode.IsSpace(rune(c)):
		l.at++
	case strings.HasPrefix(rest, "/*"):
		end := strings.Index(rest, "*/")
		if end < 0 {
			return syntax(near(rest))
		}
		l.at += end + 2
	case c == '#' || rest == "--" || strings.HasPrefix(rest, "-- "):
		end := strings.IndexByte(rest, '\n')
		if end < 0 {
			end = len(rest) - 1
		}
		l.at += end + 1
	case c == '\'' || c == '"':
		return l.quoted(c, String)
	case c == '`':
		return l.quoted(c, Quoted)
	case c >= '0' && c <= '9':
		l.run(Number, func(c byte) bool { return c >= '0' && c <= '9' || c == '.' })
	case c == '@':
		l.run(Variable, func(c byte) bool { return c == '@' || c == '.' || wordByte(c) })
	case wordByte(c):
		l.run(Word, wordByte)
	default:
		l.operator()
	}
	return nil
}

func wordByte(c byte) bool {
	return c == '_' || c == '$' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c >= 0x80
}

func (l *lexer) run(k Kind, in func(byte) bool) {
	from := l.at
	for l.at < len(l.text) && in(l.text[l.at]) {
		l.at++
	}
	l.tokens = append(l.tokens, Token{k, l.text[from:l.at], from})
}

var twoBytes = []string{"<=", ">=", "<>", "!=", ":=", "&&", "||"}

func (l *lexer) operator() {
	n := 1
	for _, two := range twoBytes {
		if strings.HasPrefix(l.text[l.at:], two) {
			n = 2
		}
	}
	l.tokens = append(l.tokens, Token{Operator, l.text[l.at : l.at+n], l.at})
	l.at += n
}

// escapes are MySQL's, in strings.
var escapes = map[byte]byte{'n': '\n', 't': '\t', 'r': '\r', '0': 0, 'b': '\b', 'Z': 26}

func (l *lexer) quoted(quote byte, k Kind) error {
	from := l.at
	var text strings.Builder
	for l.at++; l.at < len(l.text); l.at++ {
		c := l.text[l.at]
		switch {
		case c == quote && l.at+1 < len(l.text) && l.text[l.at+1] == quote:
			l.at++
			text.WriteByte(quote)
		case c == quote:
			l.at++
			l.tokens = append(l.tokens, Token{k, text.String(), from})
			return nil
		case c == '\\' && k == String && l.at+1 < len(l.text):
			l.at++
			e, special := escapes[l.text[l.at]]
			if !special {
				e = l.text[l.at]
			}
			text.WriteByte(e)
		default:
			text.WriteByte(c)
		}
	}
	return syntax(near(l.text[from:]))
}

func near(rest string) string {
	if len(rest) > 80 {
		rest = rest[:80]
	}
	return rest
}
