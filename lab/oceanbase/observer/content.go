package observer

import (
	"strconv"
	"strings"

	"github.com/switchback-dr/switchback/lab/oceanbase/obsql"
)

// content is what a tenant holds: users, databases, tables. It follows from
// the log alone, so that a standby has exactly what was replicated.
type content struct {
	users     map[string]*user
	databases map[string]bool
	tables    map[string]*userTable
}

// user is a tenant's user.
type user struct {
	Name     string   `json:"name"`
	Password string   `json:"password"`
	Grants   []grant  `json:"grants,omitempty"`
	Locked   bool     `json:"locked,omitempty"`
	Roles    []string `json:"roles,omitempty"`
}

// grant is privileges on a level: "*.*", "oceanbase.*", "orders.lab_writes".
type grant struct {
	Privileges []string `json:"privileges"`
	On         string   `json:"on"`
}

// tableDef is a table's definition; Name is "database.table".
type tableDef struct {
	Name    string      `json:"name"`
	Columns []columnDef `json:"columns"`
	Drop    bool        `json:"drop,omitempty"`
}

type columnDef struct {
	Name string `json:"name"`
	Type string `json:"type"` // integer, timestamp or text
	Now  bool   `json:"now,omitempty"`
}

// rowChange is one inserted row.
type rowChange struct {
	Table  string   `json:"t"`
	Values []string `json:"v"`
}

// userTable is a table with its rows.
type userTable struct {
	def  tableDef
	rows [][]any
}

func newContent() *content {
	return &content{users: map[string]*user{}, databases: map[string]bool{}, tables: map[string]*userTable{}}
}

// apply does what one entry says.
func (c *content) apply(do payload) {
	switch {
	case do.Row != nil:
		if t := c.tables[strings.ToLower(do.Row.Table)]; t != nil {
			t.rows = append(t.rows, t.values(do.Row.Values))
		}
	case do.Table != nil && do.Table.Drop:
		delete(c.tables, strings.ToLower(do.Table.Name))
	case do.Table != nil:
		c.tables[strings.ToLower(do.Table.Name)] = &userTable{def: *do.Table}
	case do.Database != "":
		c.databases[strings.ToLower(do.Database)] = true
	case do.User != nil:
		c.users[strings.ToLower(do.User.Name)] = do.User
	case do.DropUser != "":
		delete(c.users, strings.ToLower(do.DropUser))
	}
}

func (t *userTable) values(texts []string) []any {
	row := make([]any, len(t.def.Columns))
	for i, c := range t.def.Columns {
		if i >= len(texts) {
			break
		}
		row[i] = texts[i]
		if n, err := strconv.ParseInt(texts[i], 10, 64); err == nil && c.Type == "integer" {
			row[i] = n
		}
	}
	return row
}

// table gives it to SELECT.
func (t *userTable) table() obsql.Table {
	out := obsql.Table{Rows: t.rows}
	for _, c := range t.def.Columns {
		kind := obsql.Text
		switch c.Type {
		case "integer":
			kind = obsql.Integer
		case "timestamp":
			kind = obsql.Timestamp
		}
		out.Columns = append(out.Columns, obsql.Column{Name: c.Name, Type: kind})
	}
	return out
}

// refresh applies to the tenant's content what has become readable. The first
// stream goes first: it defines what the others use.
func (t *tenant) refresh() {
	if t.content == nil {
		t.content = newContent()
		for _, s := range t.Streams {
			s.applied = 0
		}
	}
	limit := t.readable()
	for _, s := range t.Streams {
		for s.applied < len(s.entries) && s.entries[s.applied].SCN <= limit {
			t.content.apply(s.entries[s.applied].Do)
			s.applied++
		}
	}
}

// readable is the SCN up to which a client sees the tenant's content.
func (t *tenant) readable() int64 {
	if t.Role == rolePrimary {
		return maxSCN
	}
	return t.sync()
}

// may says whether the user has one of these privileges on a level.
func (u *user) may(on string, privileges ...string) bool {
	for _, g := range u.Grants {
		if !covers(g.On, on) {
			continue
		}
		for _, has := range g.Privileges {
			if has == "ALL" {
				return true
			}
			for _, want := range privileges {
				if strings.EqualFold(has, want) {
					return true
				}
			}
		}
	}
	return false
}

func covers(level, on string) bool {
	if level == "*.*" || strings.EqualFold(level, on) {
		return true
	}
	db, _, _ := strings.Cut(on, ".")
	return strings.EqualFold(level, db+".*")
}
