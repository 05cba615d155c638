package observer

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
)

// askPatience bounds one question to a source.
const askPatience = 2 * time.Second

// queryError is why a source did not answer: the number as the server prints
// it. -2002 is the client library's "cannot connect".
type queryError struct {
	code int64
	err  error
}

func (e *queryError) Error() string {
	return fmt.Sprintf("query primary failed (%d): %v", e.code, e.err)
}
func (e *queryError) Unwrap() error { return e.err }

// asker keeps a connection to a source.
type asker struct {
	source source
	db     *sql.DB
}

func newAsker(s source) *asker { return &asker{source: s} }

func (a *asker) close() {
	if a.db != nil {
		_ = a.db.Close()
		a.db = nil
	}
}

// ask asks the first address that answers.
func (a *asker) ask(ctx context.Context, q fetchRequest) (fetchReply, error) {
	if a.db != nil {
		reply, err := query(ctx, a.db, q)
		if err == nil {
			return reply, nil
		}
		a.close()
	}
	var last error
	for _, at := range a.source.Addresses {
		db, err := open(a.source, at)
		if err != nil {
			return fetchReply{}, &queryError{-2002, err}
		}
		reply, err := query(ctx, db, q)
		if err == nil {
			a.db = db
			return reply, nil
		}
		_ = db.Close()
		last = err
		var refused *mysql.MySQLError
		if errors.As(err, &refused) {
			break
		}
	}
	return fetchReply{}, &queryError{codeOfClient(last), last}
}

func open(s source, at string) (*sql.DB, error) {
	c := mysql.NewConfig()
	c.Net, c.Addr, c.User, c.Passwd = "tcp", at, s.User+"@"+s.Tenant, s.Password
	c.Timeout, c.ReadTimeout, c.WriteTimeout = askPatience, askPatience, askPatience
	c.Logger = &mysql.NopLogger{}
	c.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		d := net.Dialer{Timeout: askPatience}
		conn, err := d.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return VendorConn(conn), nil
	}
	connector, err := mysql.NewConnector(c)
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(1)
	return db, nil
}

func query(ctx context.Context, db *sql.DB, q fetchRequest) (r fetchReply, err error) {
	b, err := json.Marshal(q)
	if err != nil {
		return r, err
	}
	ctx, cancel := context.WithTimeout(ctx, askPatience)
	defer cancel()
	var text string
	// The JSON holds numbers and plain words only; no quote needs escaping.
	if err := db.QueryRowContext(ctx, fetchVerb+"'"+strings.ReplaceAll(string(b), "'", "''")+"'").Scan(&text); err != nil {
		return r, err
	}
	return r, json.Unmarshal([]byte(text), &r)
}

// codeOfClient is the number of a client's error.
func codeOfClient(err error) int64 {
	var refused *mysql.MySQLError
	if errors.As(err, &refused) {
		return -int64(refused.Number)
	}
	return -2002
}

// askSource asks a source once who it is.
func (o *Cluster) askSource(s *source) (fetchReply, error) {
	a := newAsker(*s)
	defer a.close()
	return a.ask(o.ctx, fetchRequest{})
}

// behind says whether a standby's stream (0: any) is behind its source, and
// refuses a source that is not what a promotion needs: STANDBY, NORMAL, NORMAL,
// RAW_WRITE (server source).
func (o *Cluster) behind(t *tenant, ls int64, kind string) (bool, error) {
	o.mu.Lock()
	if t.Source == nil {
		o.mu.Unlock()
		return false, nil
	}
	src := *t.Source
	o.mu.Unlock()
	if src.Type == "LOCATION" {
		return o.behindArchive(t, src)
	}
	reply, err := o.askSource(&src)
	if err != nil {
		return false, o.queryRefusal(kind, err)
	}
	if err := o.sourceFits(reply, kind); err != nil {
		return false, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, f := range reply.Streams {
		s := t.stream(f.ID)
		if ls != 0 && f.ID != ls {
			continue
		}
		if s == nil || s.Sync < f.Sync || s.end() < f.End {
			return true, nil
		}
	}
	return false, nil
}

func (o *Cluster) sourceFits(r fetchReply, kind string) error {
	old := !o.Version.AtLeast("4.2.1.0")
	switch {
	case (r.Role != roleStandby || r.Status != statusNormal || r.Change != stateNormal) && old:
		return sourceNotStandby.with()
	case r.Role == rolePrimary:
		return refused(o.Version, kind, sourceIsPrimary)
	case r.Status != statusNormal:
		return refused(o.Version, kind, sourceStatus)
	case r.Role != roleStandby || r.Change != stateNormal:
		return refused(o.Version, kind, sourceSwitchover)
	}
	for _, s := range r.Streams {
		if s.Access != accessRaw {
			return sourceNotRaw.with()
		}
	}
	return nil
}

// queryRefusal is the answer when the source cannot be asked. It may be over in
// a moment, when the statement waits anyway.
func (o *Cluster) queryRefusal(kind string, err error) error {
	var q *queryError
	code := int64(-2002)
	if errors.As(err, &q) {
		code = q.code
	}
	switch code {
	case -int64(userLocked.code):
		return refused(o.Version, kind, accountLocked)
	case -int64(tenantLocked.code):
		return refused(o.Version, kind, primaryLocked)
	}
	return fmt.Errorf("%w%w", errPassing, refusedf(o.Version, kind, queryPrimary, code))
}
