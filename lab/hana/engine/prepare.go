package engine

import (
	"context"
	"errors"
	"strings"

	"github.com/switchback-dr/switchback/lab/hana/hdbsql"
)

// Prepare looks at a statement.
func (s *session) Prepare(text string) (*hdbsql.Prepared, error) {
	all, ok := scan(text)
	if !ok || len(all) == 0 {
		return nil, syntaxError(text)
	}
	p := &hdbsql.Prepared{Kind: kindOf(all), Parameters: s.parameters(all)}
	if s.special(all) != nil || p.Kind != hdbsql.Query {
		return p, nil
	}
	all = rewrite(all, now(), s.user, s.schema)
	ctx := context.Background()
	if err := s.fillViews(ctx, all); err != nil {
		return nil, translate(err)
	}
	// The columns' types do not depend on the arguments, but for expressions
	// without a declared type: those are text unless values tell more.
	r, err := s.query(ctx, join(all), make([]any, len(p.Parameters)))
	if err != nil {
		return nil, translate(err)
	}
	p.Columns = r.Columns
	return p, nil
}

// parameters guesses the type of each parameter from what stands before it.
func (s *session) parameters(all []token) []hdbsql.Type {
	var types []hdbsql.Type
	for i, t := range all {
		if !t.is("?") {
			continue
		}
		guess := hdbsql.TypeNvarchar
		switch {
		case i > 0 && (all[i-1].is("LIMIT") || all[i-1].is("OFFSET")):
			guess = hdbsql.TypeBigint
		case starts(all, "INSERT"):
			guess = s.insertType(all, len(types))
		case i > 1 && all[i-1].kind == sign:
			guess = s.columnNamed(all[i-2].value())
		}
		types = append(types, guess)
	}
	return types
}

// insertType is the declared type of the n-th column of an INSERT: of those
// that it names, else of the table.
func (s *session) insertType(all []token, n int) hdbsql.Type {
	table, i := "", 2
	for ; i < len(all) && !all[i].is("(") && !all[i].is("VALUES"); i++ {
		if !all[i].is(".") {
			table = all[i].value()
		}
	}
	var names []string
	if i < len(all) && all[i].is("(") {
		for _, t := range all[i+1:] {
			if t.is(")") {
				break
			}
			if !t.is(",") {
				names = append(names, t.value())
			}
		}
	}
	if n < len(names) {
		return s.columnNamed(names[n])
	}
	var declared string
	q := "select type from pragma_table_info(?, ?) where cid = ?"
	if len(names) == 0 && s.conn.QueryRowContext(context.Background(), q, table, s.d.vol.schema, n).Scan(&declared) == nil {
		if t, _, ok := columnType(declared); ok {
			return t
		}
	}
	return hdbsql.TypeNvarchar
}

// columnNamed finds the declared type of any column with this name.
func (s *session) columnNamed(name string) hdbsql.Type {
	for _, v := range viewList {
		for _, c := range v.columns {
			if strings.EqualFold(c.name, name) {
				if t, _, ok := columnType(c.typ); ok {
					return t
				}
			}
		}
	}
	var declared string
	q := "select p.type from " + s.d.vol.schema + ".sqlite_master m, pragma_table_info(m.name, ?) p where m.type = 'table' and upper(p.name) = upper(?)"
	if s.conn.QueryRowContext(context.Background(), q, s.d.vol.schema, name).Scan(&declared) == nil {
		if t, _, ok := columnType(declared); ok {
			return t
		}
	}
	return hdbsql.TypeNvarchar
}

func syntaxError(text string) error {
	if len(text) > 40 {
		text = text[:40]
	}
	return &hdbsql.Error{Code: hdbsql.CodeSyntax, State: "HY000", Text: "sql syntax error: incorrect syntax near \"" + text + "\""}
}

// translate gives errors of the embedded engine HANA's codes.
func translate(err error) error {
	var known *hdbsql.Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	text := err.Error()
	for part, e := range map[string]hdbsql.Error{
		"no such table":            {Code: hdbsql.CodeNoTable, Text: "invalid table name: "},
		"no such column":           {Code: hdbsql.CodeNoColumn, Text: "invalid column name: "},
		"already exists":           {Code: hdbsql.CodeTableExists, Text: "cannot use duplicate table name: "},
		"UNIQUE constraint failed": {Code: hdbsql.CodeUnique, State: "23000", Text: "unique constraint violated: "},
		"syntax error":             {Code: hdbsql.CodeSyntax, Text: "sql syntax error: "},
		"incomplete input":         {Code: hdbsql.CodeSyntax, Text: "sql syntax error: "},
	} {
		if strings.Contains(text, part) {
			e.Text += text
			return &e
		}
	}
	return &hdbsql.Error{Code: hdbsql.CodeGeneral, Text: "general error: " + text}
}
