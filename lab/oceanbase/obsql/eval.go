package obsql

import (
	"regexp"
	"strings"
)

// scope is where an expression is evaluated: one row of the joined sources, or
// a group of them, and the scope around a subquery.
type scope struct {
	run   *run
	cols  []place
	row   []any
	group [][]any
	// grouped is set when aggregates have a meaning.
	grouped bool
	outer   *scope
	// named are the select list's values, for ORDER BY and HAVING.
	named map[string]any
}

// place names one value of a joined row.
type place struct {
	table string
	Column
}

func (s *scope) with(row []any) *scope {
	inner := *s
	inner.row = row
	return &inner
}

func (literal literal) eval(*scope) (any, error) { return literal.v, nil }

func (c column) eval(s *scope) (any, error) {
	for at := s; at != nil; at = at.outer {
		for i, p := range at.cols {
			if strings.EqualFold(p.Name, c.name) && (c.of == "" || strings.EqualFold(p.table, c.of)) {
				if at.row == nil {
					return nil, nil
				}
				return at.row[i], nil
			}
		}
		if v, ok := at.named[strings.ToLower(c.name)]; ok && c.of == "" {
			return v, nil
		}
	}
	if c.of != "" {
		return nil, unknownColumn(c.of + "." + c.name)
	}
	return nil, unknownColumn(c.name)
}

func (v variable) eval(s *scope) (any, error) {
	if value, ok := s.run.env.Variable(v.name); ok {
		return value, nil
	}
	if !strings.HasPrefix(v.name, "@@") {
		return nil, nil
	}
	return nil, &Error{1193, "HY000", "Unknown system variable '" + strings.TrimLeft(v.name, "@") + "'"}
}

func (u unary) eval(s *scope) (any, error) {
	v, err := u.e.eval(s)
	if err != nil || v == nil {
		return nil, err
	}
	if u.op == "NOT" {
		yes, _ := truth(v)
		return boolean(!yes), nil
	}
	if u.op == "-" {
		return arithmetic("-", int64(0), v), nil
	}
	return v, nil
}

func (b binary) eval(s *scope) (any, error) {
	x, err := b.a.eval(s)
	if err != nil {
		return nil, err
	}
	y, err := b.b.eval(s)
	if err != nil {
		return nil, err
	}
	switch b.op {
	case "AND", "&&", "OR", "||":
		return logic(b.op == "AND" || b.op == "&&", x, y), nil
	}
	if x == nil || y == nil {
		return nil, nil
	}
	switch b.op {
	case "LIKE":
		return boolean(like(x, y)), nil
	case "+", "-", "*", "/", "%", "DIV", "MOD":
		return arithmetic(b.op, x, y), nil
	}
	c := compare(x, y)
	return boolean(map[string]bool{"=": c == 0, "<>": c != 0, "!=": c != 0, "<": c < 0, "<=": c <= 0, ">": c > 0, ">=": c >= 0}[b.op]), nil
}

// logic is AND or OR with three values.
func logic(and bool, x, y any) any {
	a, aKnown := truth(x)
	b, bKnown := truth(y)
	// One side alone decides when it is false (AND) or true (OR).
	if aKnown && a != and || bKnown && b != and {
		return boolean(!and)
	}
	if !aKnown || !bKnown {
		return nil
	}
	return boolean(and)
}

func like(x, pattern any) bool {
	text, _ := Format(x)
	p, _ := Format(pattern)
	var re strings.Builder
	re.WriteString("(?is)^")
	for i := 0; i < len(p); i++ {
		switch c := p[i]; {
		case c == '%':
			re.WriteString(".*")
		case c == '_':
			re.WriteString(".")
		case c == '\\' && i+1 < len(p):
			i++
			re.WriteString(regexp.QuoteMeta(p[i : i+1]))
		default:
			re.WriteString(regexp.QuoteMeta(p[i : i+1]))
		}
	}
	compiled, err := regexp.Compile(re.String() + "$")
	return err == nil && compiled.MatchString(text)
}

func arithmetic(op string, x, y any) any {
	a, aWhole := whole(x)
	b, bWhole := whole(y)
	if aWhole && bWhole && op != "/" {
		switch op {
		case "+":
			return a + b
		case "-":
			return a - b
		case "*":
			return a * b
		}
		if b == 0 {
			return nil
		}
		if op == "DIV" {
			return a / b
		}
		return a % b
	}
	f, g := float(x), float(y)
	switch op {
	case "+":
		return f + g
	case "-":
		return f - g
	case "*":
		return f * g
	}
	if g == 0 {
		return nil
	}
	if op == "DIV" {
		return int64(f / g)
	}
	if op == "/" {
		return f / g
	}
	return int64(f) % int64(g)
}

func (n isNull) eval(s *scope) (any, error) {
	v, err := n.e.eval(s)
	return boolean((v == nil) != n.not), err
}

func (e in) eval(s *scope) (any, error) {
	v, err := e.e.eval(s)
	if err != nil || v == nil {
		return nil, err
	}
	var among []any
	if e.sub != nil {
		t, err := s.run.query(e.sub, s)
		if err != nil {
			return nil, err
		}
		for _, row := range t.Rows {
			among = append(among, row[0])
		}
	}
	for _, x := range e.list {
		one, err := x.eval(s)
		if err != nil {
			return nil, err
		}
		among = append(among, one)
	}
	null := false
	for _, one := range among {
		switch {
		case one == nil:
			null = true
		case compare(v, one) == 0:
			return boolean(!e.not), nil
		}
	}
	if null {
		return nil, nil
	}
	return boolean(e.not), nil
}

func (q scalar) eval(s *scope) (any, error) {
	t, err := s.run.query(q.q, s)
	if err != nil || len(t.Rows) == 0 {
		return nil, err
	}
	if len(t.Rows) > 1 {
		return nil, subqueryRows()
	}
	return t.Rows[0][0], nil
}

func (q exists) eval(s *scope) (any, error) {
	t, err := s.run.query(q.q, s)
	return boolean(len(t.Rows) > 0), err
}

func (c choice) eval(s *scope) (any, error) {
	for i, w := range c.when {
		e := w
		if c.of != nil {
			e = binary{"=", c.of, w}
		}
		v, err := e.eval(s)
		if err != nil {
			return nil, err
		}
		if yes, _ := truth(v); yes {
			return c.then[i].eval(s)
		}
	}
	if c.other == nil {
		return nil, nil
	}
	return c.other.eval(s)
}
