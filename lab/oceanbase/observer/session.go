package observer

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/go-mysql-org/go-mysql/mysql"

	"github.com/switchback-dr/switchback/lab/oceanbase/obsql"
)

// defaultQueryTimeout is ob_query_timeout's default: 10 s in microseconds.
const defaultQueryTimeout = 10_000_000

// session is one client's connection.
type session struct {
	cluster *Cluster
	conn    net.Conn
	remote  string
	login   string
	user    string
	// password is what the login proved.
	password string
	tenant   *tenant // that the client logged in to
	// effective is the tenant after ALTER SYSTEM CHANGE TENANT.
	effective  *tenant
	database   string
	timeout    int64 // ob_query_timeout in microseconds
	vars       map[string]any
	encryption string // SET ENCRYPTION ON IDENTIFIED BY
	decryption string
	autocommit bool
	inside     bool // BEGIN
	pending    []rowChange
}

func newSession(o *Cluster, c net.Conn) *session {
	return &session{cluster: o, conn: c, remote: c.RemoteAddr().String(), timeout: defaultQueryTimeout, vars: map[string]any{}, autocommit: true}
}

// UseDB takes any name at login; whether the database is there is asked when a
// table is.
func (s *session) UseDB(name string) error {
	s.database = name
	return nil
}

// HandleQuery carries out one statement.
func (s *session) HandleQuery(query string) (*mysql.Result, error) {
	return s.handle(strings.Clone(query), false)
}

func (s *session) handle(query string, binary bool) (*mysql.Result, error) {
	r, err := s.statement(query, binary)
	if err != nil {
		return nil, s.adorned(err)
	}
	return r, nil
}

// HandleFieldList answers COM_FIELD_LIST, which clients send for completion.
func (s *session) HandleFieldList(string, string) ([]*mysql.Field, error) { return nil, nil }

// HandleOtherCommand takes COM_SET_OPTION and refuses the rest.
func (s *session) HandleOtherCommand(cmd byte, _ []byte) error {
	if cmd == mysql.COM_SET_OPTION || cmd == mysql.COM_RESET_CONNECTION {
		return nil
	}
	return wire(notSupported.with(fmt.Sprintf("command %d is", cmd)))
}

// HandleStmtPrepare counts the question marks of a prepared statement.
func (s *session) HandleStmtPrepare(query string) (params, columns int, context any, err error) {
	query = strings.Clone(query)
	tokens, err := obsql.Tokens(query)
	if err != nil {
		return 0, 0, nil, s.adorned(err)
	}
	for _, t := range tokens {
		if t.Is("?") {
			params++
		}
	}
	return params, 0, nil, s.adorned(s.dry(filled(query, tokens, make([]any, params))))
}

// dry looks at a statement before it is executed. The library keeps the number
// of an error only here.
func (s *session) dry(query string) error {
	r, err := obsql.NewReader(query)
	switch {
	case err != nil:
		return err
	case r.Peek(0).Is("SELECT"):
		_, err = s.rows(query)
	case r.Peek(0).Is("INSERT"):
		err = s.cluster.locked(s.writable)
	}
	return err
}

// HandleStmtExecute fills in the values and runs the text.
func (s *session) HandleStmtExecute(_ any, query string, args []any) (*mysql.Result, error) {
	query = strings.Clone(query)
	tokens, err := obsql.Tokens(query)
	if err != nil {
		return nil, s.adorned(err)
	}
	return s.handle(filled(query, tokens, args), true)
}

// filled puts values in the places of the question marks.
func filled(query string, tokens []obsql.Token, args []any) string {
	var text strings.Builder
	at := 0
	for _, t := range tokens {
		if t.Is("?") && len(args) > 0 {
			text.WriteString(query[at:t.At] + literal(args[0]))
			args, at = args[1:], t.At+1
		}
	}
	return text.String() + query[at:]
}

// HandleStmtClose has nothing to forget.
func (s *session) HandleStmtClose(any) error { return nil }

// literal writes a value as SQL.
func literal(v any) string {
	switch v := v.(type) {
	case nil:
		return "NULL"
	case []byte:
		return quote(string(v))
	case mysql.TypedBytes:
		return quote(string(v.Bytes))
	case string:
		return quote(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}

func quote(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(text) + "'"
}

// may says whether the session's user has one of the privileges on a level.
// The caller holds the lock.
func (s *session) may(on string, privileges ...string) bool {
	s.tenant.refresh()
	if s.tenant.content == nil {
		return false
	}
	u := s.tenant.content.users[strings.ToLower(s.user)]
	return u != nil && u.may(on, privileges...)
}

// needs refuses a user without the privilege.
func (s *session) needs(privilege string) error {
	return s.cluster.locked(func() error {
		if s.may("*.*", privilege, "SUPER") {
			return nil
		}
		return noPrivilege.with(privilege)
	})
}

func (s *session) deadline() time.Time {
	return time.Now().Add(time.Duration(s.timeout)*time.Microsecond - margin)
}

// target is the tenant that a statement with an optional TENANT clause is
// about (server source of the standby service).
func (s *session) target(name string, given bool) (*tenant, error) {
	o := s.cluster
	o.mu.Lock()
	defer o.mu.Unlock()
	if !s.effective.sys() {
		if given {
			return nil, badArguments.with("tenant name, please don't specify tenant name")
		}
		return s.effective, nil
	}
	if !given {
		return nil, notSupported.with("omitting tenant name is ")
	}
	t := o.state.tenantNamed(name)
	switch {
	case strings.EqualFold(name, "sys") || strings.HasPrefix(strings.ToUpper(name), "META$"):
		return nil, badArguments.with("tenant name, only support operating user tenant")
	case t == nil:
		return nil, unknownTenant.with(name)
	}
	return t, nil
}

// sysOnly refuses what only root@sys may do.
func (s *session) sysOnly() error {
	if s.effective.sys() {
		return nil
	}
	return noPrivilege.with("SUPER")
}
