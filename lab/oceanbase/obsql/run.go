package obsql

import (
	"sort"
	"strings"
)

// Env is the server around a SELECT.
type Env interface {
	// Table gives a table or view by name; schema is "" when the statement
	// names none. The error is what the client sees.
	Table(schema, name string) (Table, error)
	// Variable gives @@name or @name as written.
	Variable(name string) (any, bool)
	// Function gives a function of the server's own, in upper case.
	Function(name string, args []any) (any, bool)
	// Lock is asked by SELECT ... FOR UPDATE.
	Lock() error
}

// Select runs a SELECT.
func Select(env Env, text string) (Table, error) {
	r, err := NewReader(text)
	if err != nil {
		return Table{}, err
	}
	q, err := r.selection()
	if err != nil {
		return Table{}, err
	}
	if err := r.Done(); err != nil {
		return Table{}, err
	}
	if q.locked {
		if err := env.Lock(); err != nil {
			return Table{}, err
		}
	}
	return (&run{env}).query(q, nil)
}

// run is one running SELECT with its subqueries.
type run struct{ env Env }

// largest bounds a join's rows.
const largest = 1_000_000

func (r *run) query(q *query, outer *scope) (Table, error) {
	s := &scope{run: r, outer: outer}
	rows, err := r.joined(q, s)
	if err != nil {
		return Table{}, err
	}
	if q.where != nil {
		if rows, err = filter(s, rows, q.where); err != nil {
			return Table{}, err
		}
	}
	if err := expand(q, s); err != nil {
		return Table{}, err
	}
	scopes, err := groups(q, s, rows)
	if err != nil {
		return Table{}, err
	}
	out := Table{Columns: columns(q, s)}
	keys, err := project(q, scopes, &out)
	if err != nil {
		return Table{}, err
	}
	arrange(q, &out, keys)
	settle(&out)
	return out, nil
}

// joined builds the rows of the FROM clause.
func (r *run) joined(q *query, s *scope) ([][]any, error) {
	if len(q.from) == 0 {
		return [][]any{{}}, nil
	}
	rows := [][]any{{}}
	for _, f := range q.from {
		t, err := r.source(f, s)
		if err != nil {
			return nil, err
		}
		for _, c := range t.Columns {
			s.cols = append(s.cols, place{f.alias, c})
		}
		if rows, err = join(s, rows, t, f); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

func (r *run) source(f source, s *scope) (Table, error) {
	if f.sub != nil {
		return r.query(f.sub, s.outer)
	}
	return r.env.Table(f.schema, f.name)
}

func join(s *scope, left [][]any, t Table, f source) ([][]any, error) {
	var rows [][]any
	for _, a := range left {
		met := false
		for _, b := range t.Rows {
			row := append(append(make([]any, 0, len(a)+len(b)), a...), b...)
			if f.on != nil {
				v, err := f.on.eval(s.with(row))
				if err != nil {
					return nil, err
				}
				if yes, _ := truth(v); !yes {
					continue
				}
			}
			met = true
			if rows = append(rows, row); len(rows) > largest {
				return nil, &Error{4013, "HY001", "No memory or reach tenant memory limit"}
			}
		}
		if !met && f.left {
			rows = append(rows, append(append([]any{}, a...), make([]any, len(t.Columns))...))
		}
	}
	return rows, nil
}

func filter(s *scope, rows [][]any, where expr) ([][]any, error) {
	var kept [][]any
	for _, row := range rows {
		v, err := where.eval(s.with(row))
		if err != nil {
			return nil, err
		}
		if yes, _ := truth(v); yes {
			kept = append(kept, row)
		}
	}
	return kept, nil
}

// expand replaces stars by columns.
func expand(q *query, s *scope) error {
	var items []item
	for _, it := range q.items {
		if !it.star {
			items = append(items, it)
			continue
		}
		found := false
		for _, p := range s.cols {
			if it.of == "" || strings.EqualFold(it.of, p.table) {
				items = append(items, item{e: column{p.table, p.Name}, name: p.Name})
				found = true
			}
		}
		if !found {
			return &Error{1051, "42S02", "Unknown table '" + it.of + "'"}
		}
	}
	q.items = items
	return nil
}

// groups gives the scopes that the select list is evaluated in: one a row, or
// one a group.
func groups(q *query, s *scope, rows [][]any) ([]*scope, error) {
	if len(q.group) == 0 && !aggregated(q) {
		all := make([]*scope, len(rows))
		for i, row := range rows {
			all[i] = s.with(row)
		}
		return all, nil
	}
	byKey := map[string]*scope{}
	var all []*scope
	if len(q.group) == 0 {
		one := s.with(nil)
		one.grouped = true
		byKey[""], all = one, []*scope{one}
	}
	for _, row := range rows {
		values := make([]any, len(q.group))
		for i, g := range q.group {
			v, err := g.eval(s.with(row))
			if err != nil {
				return nil, err
			}
			values[i] = v
		}
		group := byKey[identity(values)]
		if group == nil {
			group = s.with(row)
			group.grouped = true
			byKey[identity(values)] = group
			all = append(all, group)
		}
		if group.row == nil {
			group.row = row
		}
		group.group = append(group.group, row)
	}
	return all, nil
}

// identity tells rows apart; NULL is equal to NULL.
func identity(values []any) string {
	var all strings.Builder
	for _, v := range values {
		text, ok := Format(v)
		if !ok {
			text = "\x00"
		}
		all.WriteString(text + "\x1f")
	}
	return all.String()
}

func aggregated(q *query) bool {
	for _, it := range q.items {
		if aggregate(it.e) {
			return true
		}
	}
	return false
}

func aggregate(e expr) bool {
	switch e := e.(type) {
	case call:
		if aggregates[e.name] {
			return true
		}
		for _, a := range e.args {
			if aggregate(a) {
				return true
			}
		}
	case binary:
		return aggregate(e.a) || aggregate(e.b)
	case unary:
		return aggregate(e.e)
	case isNull:
		return aggregate(e.e)
	}
	return false
}

// project evaluates the select list, and the keys of the order.
func project(q *query, scopes []*scope, out *Table) (keys [][]any, err error) {
	seen := map[string]bool{}
	for _, s := range scopes {
		row := make([]any, len(q.items))
		s.named = map[string]any{}
		for i, it := range q.items {
			if row[i], err = it.e.eval(s); err != nil {
				return nil, err
			}
			s.named[strings.ToLower(it.name)] = row[i]
		}
		if q.having != nil {
			v, err := q.having.eval(s)
			if err != nil {
				return nil, err
			}
			if yes, _ := truth(v); !yes {
				continue
			}
		}
		if q.distinct {
			if seen[identity(row)] {
				continue
			}
			seen[identity(row)] = true
		}
		key := make([]any, len(q.order))
		for i, k := range q.order {
			if n, ok := k.e.(literal); ok {
				if at, isInt := n.v.(int64); isInt && at >= 1 && int(at) <= len(row) {
					key[i] = row[at-1]
					continue
				}
			}
			if key[i], err = k.e.eval(s); err != nil {
				return nil, err
			}
		}
		out.Rows, keys = append(out.Rows, row), append(keys, key)
	}
	return keys, nil
}

// arrange sorts and cuts.
func arrange(q *query, out *Table, keys [][]any) {
	index := make([]int, len(out.Rows))
	for i := range index {
		index[i] = i
	}
	if len(q.order) > 0 {
		sort.SliceStable(index, func(i, j int) bool { return before(q, keys[index[i]], keys[index[j]]) })
	}
	if q.limit >= 0 {
		from := min(int(q.offset), len(index))
		index = index[from:min(from+int(q.limit), len(index))]
	}
	rows := make([][]any, len(index))
	for i, at := range index {
		rows[i] = out.Rows[at]
	}
	out.Rows = rows
}

func before(q *query, a, b []any) bool {
	for i, k := range q.order {
		c := 0
		switch {
		case a[i] == nil && b[i] == nil:
		case a[i] == nil:
			c = -1
		case b[i] == nil:
			c = 1
		default:
			c = compare(a[i], b[i])
		}
		if c != 0 {
			return c < 0 != k.down
		}
	}
	return false
}

// columns gives the result's columns with the types that are known before any
// row is: those of the sources.
func columns(q *query, s *scope) []Column {
	all := make([]Column, len(q.items))
	for i, it := range q.items {
		all[i] = Column{it.name, -1}
		switch e := it.e.(type) {
		case column:
			all[i].Type = s.typeOf(e)
		case call:
			if e.name == "COUNT" {
				all[i].Type = Integer
			} else if len(e.args) > 0 {
				if c, ok := e.args[0].(column); ok && (e.name == "MIN" || e.name == "MAX" || e.name == "IFNULL" || e.name == "COALESCE") {
					all[i].Type = s.typeOf(c)
				}
			}
		}
	}
	return all
}

func (s *scope) typeOf(c column) Type {
	for at := s; at != nil; at = at.outer {
		for _, p := range at.cols {
			if strings.EqualFold(p.Name, c.name) && (c.of == "" || strings.EqualFold(p.table, c.of)) {
				return p.Type
			}
		}
	}
	return -1
}

// settle gives the other columns the type of their values.
func settle(t *Table) {
	for i := range t.Columns {
		if t.Columns[i].Type >= 0 {
			continue
		}
		t.Columns[i].Type = Text
		for _, row := range t.Rows {
			switch row[i].(type) {
			case int64:
				t.Columns[i].Type = Integer
			case float64:
				t.Columns[i].Type = Decimal
			case string:
				t.Columns[i].Type = Text
			default:
				continue
			}
			break
		}
	}
}
