package obsql

import "strconv"

// Reader goes through the tokens of one statement.
type Reader struct {
	text   string
	tokens []Token
	at     int
	depth  int
}

// NewReader reads a statement's tokens. A semicolon at its end is left out.
func NewReader(text string) (*Reader, error) {
	tokens, err := Tokens(text)
	if err != nil {
		return nil, err
	}
	for len(tokens) > 1 && tokens[len(tokens)-2].Is(";") {
		tokens = append(tokens[:len(tokens)-2], tokens[len(tokens)-1])
	}
	return &Reader{text: text, tokens: tokens}, nil
}

// Peek gives the next token, or the one behind it.
func (r *Reader) Peek(ahead int) Token {
	if r.at+ahead >= len(r.tokens) {
		return r.tokens[len(r.tokens)-1]
	}
	return r.tokens[r.at+ahead]
}

// Next takes the next token.
func (r *Reader) Next() Token {
	t := r.Peek(0)
	if t.Kind != End {
		r.at++
	}
	return t
}

// Accept takes these words if they are next, all or none.
func (r *Reader) Accept(words ...string) bool {
	for i, w := range words {
		if !r.Peek(i).Is(w) {
			return false
		}
	}
	r.at += len(words)
	return true
}

// Expect is Accept with a complaint.
func (r *Reader) Expect(words ...string) error {
	if !r.Accept(words...) {
		return r.Syntax()
	}
	return nil
}

// End says whether everything was read.
func (r *Reader) End() bool { return r.Peek(0).Kind == End }

// Done complains about what is left.
func (r *Reader) Done() error {
	if !r.End() {
		return r.Syntax()
	}
	return nil
}

// Syntax is the error of a statement that goes wrong at the next token.
func (r *Reader) Syntax() error { return syntax(near(r.text[r.Peek(0).At:])) }

// Identifier takes a bare or back-quoted name.
func (r *Reader) Identifier() (string, error) {
	if t := r.Peek(0); (t.Kind == Word || t.Kind == Quoted) && t.Text != "" {
		return r.Next().Text, nil
	}
	return "", r.Syntax()
}

// Name takes an identifier or a string.
func (r *Reader) Name() (string, error) {
	if r.Peek(0).Kind == String {
		return r.Next().Text, nil
	}
	return r.Identifier()
}

// Text takes a string literal.
func (r *Reader) Text() (string, error) {
	if r.Peek(0).Kind != String {
		return "", r.Syntax()
	}
	return r.Next().Text, nil
}

// Integer takes an unsigned integer literal.
func (r *Reader) Integer() (int64, error) {
	t := r.Peek(0)
	n, err := strconv.ParseInt(t.Text, 10, 64)
	if t.Kind != Number || err != nil {
		return 0, r.Syntax()
	}
	r.Next()
	return n, nil
}

// Rest gives the statement's text from the next token on.
func (r *Reader) Rest() string { return r.text[r.Peek(0).At:] }
