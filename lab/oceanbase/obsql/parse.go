package obsql

import "strings"

// query is a parsed SELECT.
type query struct {
	distinct bool
	items    []item
	from     []source
	where    expr
	group    []expr
	having   expr
	order    []sortKey
	limit    int64 // negative: none
	offset   int64
	locked   bool // FOR UPDATE
}

// item is one element of the select list; star marks "*" or "t.*".
type item struct {
	e    expr
	name string
	star bool
	of   string
}

// source is one table of the FROM clause. The first has no join.
type source struct {
	schema, name, alias string
	sub                 *query
	left                bool
	on                  expr
}

type sortKey struct {
	e    expr
	down bool
}

// deepest bounds nesting, so that no statement can exhaust the stack.
const deepest = 200

func (r *Reader) deeper() error {
	if r.depth++; r.depth > deepest {
		return r.Syntax()
	}
	return nil
}

// selection reads from SELECT to the end of the query.
func (r *Reader) selection() (*query, error) {
	if err := r.deeper(); err != nil {
		return nil, err
	}
	defer func() { r.depth-- }()
	if err := r.Expect("SELECT"); err != nil {
		return nil, err
	}
	q := &query{limit: -1, distinct: r.Accept("DISTINCT")}
	for _, part := range []func(*query) error{r.items, r.sources, r.conditions, r.ordering} {
		if err := part(q); err != nil {
			return nil, err
		}
	}
	return q, nil
}

func (r *Reader) items(q *query) error {
	for {
		it := item{}
		from := r.Peek(0).At
		switch {
		case r.Accept("*"):
			it.star = true
		case r.Peek(1).Is(".") && r.Peek(2).Is("*"):
			it.star, it.of = true, r.Next().Text
			r.at += 2
		default:
			var err error
			if it.e, err = r.expression(); err != nil {
				return err
			}
			it.name = strings.TrimSpace(r.text[from:r.Peek(0).At])
			if c, ok := it.e.(column); ok {
				it.name = c.name
			}
			if it.name, err = r.alias(it.name); err != nil {
				return err
			}
		}
		q.items = append(q.items, it)
		if !r.Accept(",") {
			return nil
		}
	}
}

// reserved words end a select list or a table, and are no aliases.
var reserved = map[string]bool{
	"FROM": true, "WHERE": true, "GROUP": true, "HAVING": true, "ORDER": true, "LIMIT": true, "LEFT": true, "INNER": true, "JOIN": true,
	"ON": true, "FOR": true, "UNION": true, "AS": true, "AND": true, "OR": true, "NOT": true, "ASC": true, "DESC": true, "CROSS": true,
}

func (r *Reader) alias(name string) (string, error) {
	if r.Accept("AS") {
		return r.Name()
	}
	t := r.Peek(0)
	if t.Kind == Quoted || t.Kind == Word && !reserved[strings.ToUpper(t.Text)] {
		return r.Next().Text, nil
	}
	return name, nil
}

func (r *Reader) sources(q *query) error {
	if !r.Accept("FROM") {
		return nil
	}
	first, err := r.source()
	if err != nil {
		return err
	}
	q.from = append(q.from, first)
	for {
		if joined, err := r.join(q); err != nil || !joined {
			return err
		}
	}
}

// join reads one more joined table.
func (r *Reader) join(q *query) (bool, error) {
	left := r.Accept("LEFT", "OUTER", "JOIN") || r.Accept("LEFT", "JOIN")
	if !left && !r.Accept("INNER", "JOIN") && !r.Accept("CROSS", "JOIN") && !r.Accept("JOIN") && !r.Accept(",") {
		return false, nil
	}
	s, err := r.source()
	if err != nil {
		return false, err
	}
	s.left = left
	if r.Accept("ON") {
		if s.on, err = r.expression(); err != nil {
			return false, err
		}
	}
	q.from = append(q.from, s)
	return true, nil
}

func (r *Reader) source() (s source, err error) {
	if r.Accept("(") {
		if s.sub, err = r.selection(); err != nil {
			return s, err
		}
		if err = r.Expect(")"); err != nil {
			return s, err
		}
	} else {
		if s.name, err = r.Identifier(); err != nil {
			return s, err
		}
		if r.Accept(".") {
			s.schema = s.name
			if s.name, err = r.Identifier(); err != nil {
				return s, err
			}
		}
	}
	s.alias, err = r.alias(s.name)
	return s, err
}

func (r *Reader) conditions(q *query) (err error) {
	if r.Accept("WHERE") {
		if q.where, err = r.expression(); err != nil {
			return err
		}
	}
	if r.Accept("GROUP", "BY") {
		if q.group, err = r.list(); err != nil {
			return err
		}
	}
	if r.Accept("HAVING") {
		q.having, err = r.expression()
	}
	return err
}

func (r *Reader) ordering(q *query) error {
	if r.Accept("ORDER", "BY") {
		for {
			e, err := r.expression()
			if err != nil {
				return err
			}
			down := r.Accept("DESC")
			if !down {
				r.Accept("ASC")
			}
			q.order = append(q.order, sortKey{e, down})
			if !r.Accept(",") {
				break
			}
		}
	}
	if err := r.limits(q); err != nil {
		return err
	}
	q.locked = r.Accept("FOR", "UPDATE")
	return nil
}

func (r *Reader) limits(q *query) (err error) {
	if !r.Accept("LIMIT") {
		return nil
	}
	if q.limit, err = r.Integer(); err != nil {
		return err
	}
	if r.Accept(",") {
		q.offset = q.limit
		q.limit, err = r.Integer()
	} else if r.Accept("OFFSET") {
		q.offset, err = r.Integer()
	}
	return err
}

func (r *Reader) list() (all []expr, err error) {
	for {
		e, err := r.expression()
		if err != nil {
			return nil, err
		}
		if all = append(all, e); !r.Accept(",") {
			return all, nil
		}
	}
}
