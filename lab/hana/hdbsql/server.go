package hdbsql

import (
	"bufio"
	"context"
	"errors"
	"net"
	"sync/atomic"
)

// Backend is what stands behind one SQL port: a database.
type Backend interface {
	// Verifier gives what the database keeps of a user's password.
	Verifier(user string) (Verifier, bool)
	// Redirect says where a database of this name is: a client asks it of the
	// system database's port before it has logged in.
	Redirect(database string) (host string, port int, here, known bool)
	// Name is the database's, System the SID, Version that of the server.
	Name() string
	System() string
	Version() string
	// Session opens a session for a user that has proven its password.
	Session(user string) (Session, error)
}

// Session is one client's session. Its methods are called one after the other.
type Session interface {
	// Execute runs one statement. Without commit it opens or continues a
	// transaction. Errors that are *Error go to the client as they are.
	Execute(ctx context.Context, text string, args []any, commit bool) (*Result, error)
	// Prepare looks at a statement without running it.
	Prepare(text string) (*Prepared, error)
	Commit(ctx context.Context) error
	Rollback(ctx context.Context) error
	Close()
}

// Result is a statement's outcome.
type Result struct {
	// Columns and Rows are a query's.
	Columns []Column
	Rows    [][]any
	// Changed counts rows of INSERT, UPDATE and DELETE; Kind says which
	// statement it was.
	Changed int64
	Kind    Kind
}

// Kind is the kind of a statement, as clients are told.
type Kind int16

// Kinds of statements.
const (
	DDL    Kind = fcDDL
	Insert Kind = fcInsert
	Update Kind = fcUpdate
	Delete Kind = fcDelete
	Query  Kind = fcSelect
	Other  Kind = fcNone
)

// Prepared is a statement that was looked at.
type Prepared struct {
	Kind       Kind
	Columns    []Column
	Parameters []Type
}

var sessionIDs atomic.Int64

// conn is one client's connection.
type conn struct {
	net.Conn
	r       *bufio.Reader
	backend Backend
	login   login
	session Session
	id      int64

	statements map[uint64]string
	results    map[uint64]*open
	next       uint64
}

// open is a result that a client still fetches from.
type open struct {
	columns []Column
	rows    [][]any
}

// Serve speaks with one client until it leaves, the connection ends or the
// context does. It closes the connection.
func Serve(ctx context.Context, c net.Conn, b Backend) {
	defer func() { _ = c.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	s := &conn{Conn: c, r: bufio.NewReader(c), backend: b, id: -1, statements: map[uint64]string{}, results: map[uint64]*open{}}
	if readInit(s.r) != nil {
		return
	}
	if _, err := c.Write(initReply); err != nil {
		return
	}
	defer func() {
		if s.session != nil {
			s.session.Close()
		}
	}()
	for {
		m, err := readMessage(s.r)
		if err != nil || m.kind != kindRequest || m.typ == msgDisconnect {
			return
		}
		reply, err := s.answer(ctx, m)
		if err != nil {
			reply = refusal(err)
		}
		reply.session = s.id
		if _, err := c.Write(reply.encode()); err != nil {
			return
		}
	}
}

func refusal(err error) message {
	var known *Error
	if !errors.As(err, &known) {
		known = &Error{Code: CodeGeneral, State: "HY000", Text: "general error: " + err.Error()}
	}
	return message{kind: kindError, parts: []part{known.part()}}
}

func ok(function int16, parts ...part) message {
	return message{kind: kindReply, typ: function, parts: parts}
}

func (s *conn) answer(ctx context.Context, m message) (message, error) {
	switch m.typ {
	case msgAuthenticate:
		return s.authenticate(m)
	case msgConnect:
		return s.connect(m)
	case msgDBConnectInfo:
		return s.connectInfo(m)
	}
	if s.session == nil {
		return message{}, &Error{Code: CodeAuthFailed, State: "08004", Text: "authentication failed"}
	}
	switch m.typ {
	case msgExecuteDirect:
		p, _ := m.find(partCommand)
		r, err := s.session.Execute(ctx, fromCESU8(p.data), nil, m.commit)
		if err != nil {
			return message{}, err
		}
		return s.result(r, true)
	case msgPrepare:
		return s.prepare(m)
	case msgExecute:
		return s.execute(ctx, m)
	case msgFetchNext:
		return s.fetch(m)
	case msgCommit:
		return ok(fcCommit), s.session.Commit(ctx)
	case msgRollback:
		return ok(fcRollback), s.session.Rollback(ctx)
	case msgCloseResult:
		delete(s.results, identifier(m, partResultSetID))
		return ok(fcNone), nil
	case msgDropStatement:
		delete(s.statements, identifier(m, partStatementID))
		return ok(fcNone), nil
	}
	return message{}, &Error{Code: CodeFeature, State: "HY000", Text: "feature not supported: message of an unknown type"}
}

func identifier(m message, kind int8) uint64 {
	p, _ := m.find(kind)
	i := in{b: p.data}
	return uint64(i.i64())
}

func (s *conn) authenticate(m message) (message, error) {
	p, _ := m.find(partAuthentication)
	s.login = login{}
	if err := s.login.begin(p.data); err != nil {
		return message{}, &Error{Code: CodeAuthFailed, State: "28000", Text: "authentication failed"}
	}
	s.login.verifier, s.login.known = s.backend.Verifier(s.login.user)
	return ok(fcNone, part{kind: partAuthentication, count: 1, data: s.login.challenge()}), nil
}

func (s *conn) connect(m message) (message, error) {
	p, _ := m.find(partAuthentication)
	if s.login.method == "" || !s.login.check(p.data) {
		return message{}, &Error{Code: CodeAuthFailed, State: "28000", Text: "authentication failed"}
	}
	session, err := s.backend.Session(s.login.user)
	if err != nil {
		return message{}, err
	}
	if s.session != nil {
		s.session.Close()
	}
	s.session, s.id = session, sessionIDs.Add(1)
	options := out{}
	options.i8(1)
	options.u8(byte(TypeInteger))
	options.i32(int32(s.id))
	text := func(key int8, value string) {
		options.i8(key)
		options.u8(byte(TypeString))
		options.i16(int16(len(value)))
		options.bytes([]byte(value))
	}
	text(11, s.backend.System())
	options.i8(23)
	options.u8(byte(TypeInteger))
	options.i32(8)
	text(44, s.backend.Version())
	text(45, s.backend.Name())
	return ok(fcConnect,
		part{kind: partAuthentication, count: 1, data: s.login.final()},
		part{kind: partConnectOptions, count: 5, data: options.b}), nil
}

// connectInfo says where a database is. It needs no login.
func (s *conn) connectInfo(m message) (message, error) {
	p, _ := m.find(partDBConnectInfo)
	i := in{b: p.data}
	name := ""
	if i.u8() == 1 && Type(i.u8()) == TypeString {
		name = fromCESU8(i.take(int(i.i16())))
	}
	host, port, here, known := s.backend.Redirect(name)
	if !known {
		return message{}, &Error{Code: CodeNoDatabase, State: "HY000", Text: "invalid database name: " + name}
	}
	o := out{}
	o.i8(2)
	o.u8(byte(TypeString))
	o.i16(int16(len(host)))
	o.bytes([]byte(host))
	o.i8(3)
	o.u8(byte(TypeInteger))
	o.i32(int32(port))
	o.i8(4)
	o.u8(byte(TypeBoolean))
	o.u8(flag(here))
	return ok(fcNone, part{kind: partDBConnectInfo, count: 3, data: o.b}), nil
}
