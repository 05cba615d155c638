package obsql

import "strings"

// expr is a parsed expression.
type expr interface {
	eval(s *scope) (any, error)
}

// The kinds of expressions.
type (
	literal  struct{ v any }
	column   struct{ of, name string }
	variable struct{ name string }
	unary    struct {
		op string
		e  expr
	}
	binary struct {
		op   string
		a, b expr
	}
	isNull struct {
		e   expr
		not bool
	}
	in struct {
		e    expr
		list []expr
		sub  *query
		not  bool
	}
	call struct {
		name     string
		args     []expr
		star     bool
		distinct bool
	}
	scalar struct{ q *query }
	exists struct{ q *query }
	choice struct {
		of    expr // CASE of WHEN; nil for CASE WHEN
		when  []expr
		then  []expr
		other expr
	}
)

// expression reads an expression of the lowest precedence.
func (r *Reader) expression() (expr, error) {
	if err := r.deeper(); err != nil {
		return nil, err
	}
	defer func() { r.depth-- }()
	return r.chain(0)
}

// levels are the binary operators from the weakest to the strongest; NOT and
// comparisons stand between the second and the third.
var levels = [][]string{{"OR", "||"}, {"AND", "&&"}, nil, {"+", "-"}, {"*", "/", "%", "DIV", "MOD"}}

func (r *Reader) chain(level int) (expr, error) {
	if level == 2 {
		return r.comparison()
	}
	if level == len(levels) {
		return r.primary()
	}
	a, err := r.chain(level + 1)
	for err == nil {
		op := r.operator(levels[level])
		if op == "" {
			return a, nil
		}
		var b expr
		if b, err = r.chain(level + 1); err == nil {
			a = binary{op, a, b}
		}
	}
	return nil, err
}

func (r *Reader) operator(of []string) string {
	for _, op := range of {
		if r.Accept(op) {
			return op
		}
	}
	return ""
}

func (r *Reader) comparison() (expr, error) {
	if r.Accept("NOT") || r.Accept("!") {
		if err := r.deeper(); err != nil {
			return nil, err
		}
		defer func() { r.depth-- }()
		e, err := r.comparison()
		return unary{"NOT", e}, err
	}
	a, err := r.chain(3)
	for err == nil {
		var next expr
		if next, err = r.compared(a); next == nil {
			return a, err
		}
		a = next
	}
	return nil, err
}

var comparisons = []string{"=", "<>", "!=", "<=", ">=", "<", ">"}

// compared reads one comparison behind a; nil when there is none.
func (r *Reader) compared(a expr) (expr, error) {
	if op := r.operator(comparisons); op != "" {
		b, err := r.chain(3)
		return binary{op, a, b}, err
	}
	if r.Accept("IS") {
		not := r.Accept("NOT")
		return isNull{a, not}, r.Expect("NULL")
	}
	not := r.Peek(0).Is("NOT") && (r.Peek(1).Is("IN") || r.Peek(1).Is("LIKE") || r.Peek(1).Is("BETWEEN"))
	if not {
		r.Next()
	}
	var e expr
	var err error
	switch {
	case r.Accept("IN"):
		return r.in(a, not)
	case r.Accept("LIKE"):
		e, err = r.chain(3)
		e = binary{"LIKE", a, e}
	case r.Accept("BETWEEN"):
		e, err = r.between(a)
	default:
		return nil, nil
	}
	if not {
		e = unary{"NOT", e}
	}
	return e, err
}

func (r *Reader) between(a expr) (expr, error) {
	low, err := r.chain(3)
	if err != nil {
		return nil, err
	}
	if err := r.Expect("AND"); err != nil {
		return nil, err
	}
	high, err := r.chain(3)
	return binary{"AND", binary{">=", a, low}, binary{"<=", a, high}}, err
}

func (r *Reader) in(a expr, not bool) (expr, error) {
	if err := r.Expect("("); err != nil {
		return nil, err
	}
	e := in{e: a, not: not}
	var err error
	if r.Peek(0).Is("SELECT") {
		e.sub, err = r.selection()
	} else {
		e.list, err = r.list()
	}
	if err != nil {
		return nil, err
	}
	return e, r.Expect(")")
}

func (r *Reader) primary() (expr, error) {
	t := r.Peek(0)
	switch {
	case t.Kind == String:
		r.Next()
		return literal{t.Text}, nil
	case t.Kind == Number:
		r.Next()
		return number(t.Text)
	case t.Kind == Variable:
		r.Next()
		return variable{t.Text}, nil
	case r.Accept("-"), r.Accept("+"):
		if err := r.deeper(); err != nil {
			return nil, err
		}
		defer func() { r.depth-- }()
		e, err := r.primary()
		return unary{t.Text, e}, err
	case r.Accept("("):
		return r.parenthesis()
	case t.Kind == Quoted:
		return r.column()
	case t.Kind == Word:
		return r.word(t)
	}
	return nil, r.Syntax()
}

func number(text string) (expr, error) {
	if n, ok := whole(text); ok {
		return literal{n}, nil
	}
	if strings.Count(text, ".") == 1 && text != "." {
		return literal{float(text)}, nil
	}
	return nil, syntax(text)
}

func (r *Reader) parenthesis() (e expr, err error) {
	if r.Peek(0).Is("SELECT") {
		var q *query
		q, err = r.selection()
		e = scalar{q}
	} else {
		e, err = r.expression()
	}
	if err != nil {
		return nil, err
	}
	return e, r.Expect(")")
}

func (r *Reader) word(t Token) (expr, error) {
	switch upper := strings.ToUpper(t.Text); {
	case upper == "NULL":
		r.Next()
		return literal{nil}, nil
	case upper == "TRUE", upper == "FALSE":
		r.Next()
		return literal{boolean(upper == "TRUE")}, nil
	case upper == "CASE":
		r.Next()
		return r.choice()
	case upper == "EXISTS" && r.Peek(1).Is("("):
		r.at += 2
		q, err := r.selection()
		if err != nil {
			return nil, err
		}
		return exists{q}, r.Expect(")")
	case reserved[upper]:
		return nil, r.Syntax()
	case r.Peek(1).Is("("):
		return r.call(upper)
	}
	return r.column()
}

func (r *Reader) column() (expr, error) {
	c := column{name: r.Next().Text}
	for r.Accept(".") {
		c.of = c.name
		var err error
		if c.name, err = r.Identifier(); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (r *Reader) call(name string) (expr, error) {
	r.at += 2
	c := call{name: name}
	switch {
	case r.Accept("*"):
		c.star = true
	case r.Peek(0).Is(")"):
	default:
		c.distinct = r.Accept("DISTINCT")
		var err error
		if c.args, err = r.list(); err != nil {
			return nil, err
		}
		// CAST(e AS type): only what changes how a value compares matters.
		if name == "CAST" {
			if err := r.castType(&c); err != nil {
				return nil, err
			}
		}
	}
	return c, r.Expect(")")
}

func (r *Reader) castType(c *call) error {
	if err := r.Expect("AS"); err != nil {
		return err
	}
	t, err := r.Identifier()
	if err != nil {
		return err
	}
	c.args = append(c.args, literal{strings.ToUpper(t)})
	for r.Peek(0).Is("INTEGER") || r.Peek(0).Is("INT") {
		r.Next()
	}
	if r.Accept("(") {
		if _, err := r.Integer(); err != nil {
			return err
		}
		if r.Accept(",") {
			if _, err := r.Integer(); err != nil {
				return err
			}
		}
		return r.Expect(")")
	}
	return nil
}

func (r *Reader) choice() (expr, error) {
	c := choice{}
	var err error
	if !r.Peek(0).Is("WHEN") {
		if c.of, err = r.expression(); err != nil {
			return nil, err
		}
	}
	for r.Accept("WHEN") {
		w, err := r.expression()
		if err != nil {
			return nil, err
		}
		if err := r.Expect("THEN"); err != nil {
			return nil, err
		}
		t, err := r.expression()
		if err != nil {
			return nil, err
		}
		c.when, c.then = append(c.when, w), append(c.then, t)
	}
	if r.Accept("ELSE") {
		if c.other, err = r.expression(); err != nil {
			return nil, err
		}
	}
	return c, r.Expect("END")
}
