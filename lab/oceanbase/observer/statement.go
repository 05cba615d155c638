package observer

import (
	"strings"

	"github.com/go-mysql-org/go-mysql/mysql"

	"github.com/switchback-dr/switchback/lab/oceanbase/obsql"
)

// statement finds what a statement is and carries it out.
func (s *session) statement(query string, binary bool) (*mysql.Result, error) {
	r, err := obsql.NewReader(query)
	if err != nil {
		return nil, err
	}
	first := r.Peek(0)
	if first.Kind == obsql.Word {
		switch strings.ToUpper(first.Text) {
		case "SELECT":
			return s.selects(query, binary)
		case "INSERT":
			return s.insert(r)
		}
		if do, ok := statements[strings.ToUpper(first.Text)]; ok {
			if !quiet[strings.ToUpper(first.Text)] {
				s.cluster.log.line("statement from %s: %s", s.login, hidden(query))
			}
			return do(s, r, binary)
		}
	}
	return nil, r.Syntax()
}

// quiet statements are not logged: there are many, and they change nothing.
var quiet = map[string]bool{"FETCH": true, "SHOW": true, "SET": true, "USE": true, "BEGIN": true, "START": true, "COMMIT": true, "ROLLBACK": true}

type handler func(s *session, r *obsql.Reader, binary bool) (*mysql.Result, error)

// plain makes a handler of one without a result set.
func plain(do func(*session, *obsql.Reader) error) handler {
	return func(s *session, r *obsql.Reader, _ bool) (*mysql.Result, error) {
		if err := do(s, r); err != nil {
			return nil, err
		}
		return done(0), nil
	}
}

// statements by their first word. It is filled at start, for the handlers
// themselves look into it.
var statements map[string]handler

func init() {
	statements = map[string]handler{
		"ALTER": plain((*session).alter), "CREATE": plain((*session).create), "DROP": plain((*session).drop), "PURGE": plain((*session).purge),
		"GRANT": plain((*session).grant), "SET": plain((*session).set), "USE": plain((*session).use),
		"BEGIN": plain((*session).begin), "START": plain((*session).begin), "COMMIT": plain((*session).commit), "ROLLBACK": plain((*session).rollback),
		"SHOW": (*session).show, "FETCH": (*session).fetch,
	}
}

func (s *session) selects(query string, binary bool) (*mysql.Result, error) {
	t, err := s.rows(query)
	if err != nil {
		return nil, err
	}
	return result(t, binary)
}

// fetch answers another cluster's follower.
func (s *session) fetch(r *obsql.Reader, binary bool) (*mysql.Result, error) {
	if err := r.Expect("FETCH", "LOG"); err != nil {
		return nil, err
	}
	question, err := r.Text()
	if err != nil {
		return nil, err
	}
	if s.effective.sys() {
		return nil, badArguments.with("tenant name, only support operating user tenant")
	}
	if err := s.again(); err != nil {
		return nil, err
	}
	err = s.cluster.locked(func() error {
		if !s.may("oceanbase.*", "SELECT") {
			return selectDenied.with(s.user, "gv$ob_log_stat")
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	text, err := s.cluster.serveFetch(s.effective, question)
	if err != nil {
		return nil, err
	}
	return result(obsql.Table{Columns: []obsql.Column{{Name: "LOG"}}, Rows: [][]any{{text}}}, binary)
}

func (s *session) use(r *obsql.Reader) error {
	r.Next()
	name, err := r.Identifier()
	if err != nil {
		return err
	}
	if !s.hasDatabase(name) {
		return noDatabase.with(name)
	}
	s.database = name
	return r.Done()
}

// hasDatabase knows the schemas of every tenant and those that it created.
func (s *session) hasDatabase(name string) bool {
	switch strings.ToLower(name) {
	case "oceanbase", "mysql", "information_schema", "test", "sys":
		return true
	}
	s.cluster.mu.Lock()
	defer s.cluster.mu.Unlock()
	s.effective.refresh()
	return s.effective.content.databases[strings.ToLower(name)]
}
