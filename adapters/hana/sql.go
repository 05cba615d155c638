package hana

import (
	"context"
	"crypto/tls"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"strconv"
	"strings"
	"time"

	hdb "github.com/SAP/go-hdb/driver"
	"github.com/SAP/go-hdb/driver/dial"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// dialer lets the driver connect through the environment only.
type dialer struct{ env kit.Env }

func (d dialer) DialContext(ctx context.Context, address string, _ dial.DialerOptions) (net.Conn, error) {
	return d.env.Dial(ctx, "tcp", address)
}

// systemDB is the name by which the adapter speaks of the system database.
const systemDB = "SYSTEMDB"

// sqlPatience is how long a login or a short statement may take.
const sqlPatience = 10 * time.Second

// connect opens a session in a database of the site: SYSTEMDB by its port, a
// tenant by its own port or by HANA's redirection. The driver caches the
// redirection, so that explicit ports are the better ones for a takeover.
// patience bounds each read and write of the connection.
func (p Place) connect(ctx context.Context, env kit.Env, database string, patience time.Duration) (*sql.Conn, func(), error) {
	user, credential, port := p.SQL.User, p.SQL.Credential, 0
	for _, t := range p.SQL.Tenants {
		if t.Name == database {
			user, credential, port = t.User, t.Credential, t.Port
		}
	}
	password, err := env.Secret(ctx, credential)
	if err != nil {
		return nil, nil, err
	}
	var last error
	for _, h := range p.Hosts {
		at := h.Port
		if port != 0 {
			at = port
		}
		c := hdb.NewBasicAuthConnector(net.JoinHostPort(h.Address, strconv.Itoa(at)), user, password)
		c.SetDialer(dialer{env})
		c.SetTimeout(patience)
		c.SetApplicationName("switchback")
		// Every error comes back to us; its log would tell it a second time, on
		// the terminal of whoever runs the program.
		c.SetLogger(slog.New(slog.DiscardHandler))
		if p.SQL.TLS {
			if err := p.secure(c, h); err != nil {
				return nil, nil, err
			}
		}
		if database != systemDB && port == 0 {
			c = c.WithDatabase(database)
		}
		db := sql.OpenDB(c)
		conn, err := shielded(func() (*sql.Conn, error) { return db.Conn(ctx) })
		if err == nil {
			return conn, func() { _ = conn.Close(); _ = db.Close() }, nil
		}
		_ = db.Close()
		last = sqlError(p, database, err)
		if dr.AsError(last, "sql").Code != "sql_silent" {
			break
		}
	}
	return nil, nil, last
}

func (p Place) secure(c *hdb.Connector, h HostPlace) error {
	name := p.SQL.ServerName
	if name == "" {
		name = h.Address
	}
	var files []string
	if p.SQL.CA != "" {
		files = append(files, p.SQL.CA)
	}
	if err := c.SetTLS(name, false, files...); err != nil {
		return dr.Refuse("tls", "the certificate authorities for %s cannot be read: %v", p.Site, err).WithNext("correct tls_ca of the system")
	}
	return nil
}

// sqlError gives an error of the driver a code, without anything of the
// connection in its text.
func sqlError(p Place, database string, err error) error {
	var known *dr.Error
	var server hdb.Error
	var untrusted *tls.CertificateVerificationError
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &server):
		if server.Code() == 10 {
			return dr.Refuse("sql_login", "%s of %s refused the login: %s", database, p.Site, dr.Clip(server.Text(), 120)).
				WithNext("check the user and the credential of %s in the inventory", database)
		}
		return dr.Hold("sql", "%s of %s: SQL error %d: %s", database, p.Site, server.Code(), dr.Clip(server.Text(), 200))
	case errors.As(err, &untrusted):
		return dr.Refuse("sql_tls", "%s of %s shows a certificate that is not trusted: %s", database, p.Site, dr.Clip(untrusted.Err.Error(), 160)).
			WithNext("check tls_ca and tls_server_name of the system in the inventory").Because(err)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, driver.ErrBadConn):
		return dr.Retry("sql_silent", "%s of %s gave no answer in time", database, p.Site).Because(err)
	}
	return dr.Retry("sql_silent", "%s of %s does not answer: %s", database, p.Site, plainCause(err)).Because(err)
}

// plainCause leaves out what a network error tells about this side.
func plainCause(err error) string {
	var op *net.OpError
	if errors.As(err, &op) && op.Err != nil {
		return dr.Clip(op.Err.Error(), 120)
	}
	return dr.Clip(err.Error(), 120)
}

// answer is a result as text, by column.
type answer []map[string]string

// ask runs one short statement that changes nothing.
func (p Place) ask(ctx context.Context, env kit.Env, database, query string) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, sqlPatience)
	defer cancel()
	conn, done, err := p.connect(ctx, env, database, sqlPatience)
	if err != nil {
		return nil, err
	}
	defer done()
	return rowsOf(ctx, p, database, conn, query)
}

// maxRows bounds what is read of one view.
const maxRows = 2000

// rowsOf reads all rows of a statement.
func rowsOf(ctx context.Context, p Place, database string, conn *sql.Conn, query string) (answer, error) {
	out, err := shielded(func() (answer, error) { return readRows(ctx, p, database, conn, query) })
	if err != nil {
		return nil, sqlError(p, database, err)
	}
	return out, nil
}

// shielded runs a call of the driver. Some answers that no server of HANA gives
// make the driver panic; that must not end the worker, which has other systems
// to look after: the answer was not understood.
func shielded[T any](call func() (T, error)) (v T, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the answer was not understood (the driver failed: %v)", r)
		}
	}()
	return call()
}

func readRows(ctx context.Context, p Place, database string, conn *sql.Conn, query string) (answer, error) {
	rows, err := conn.QueryContext(ctx, query)
	if err != nil {
		return nil, sqlError(p, database, err)
	}
	defer func() { _ = rows.Close() }()
	names, err := rows.Columns()
	if err != nil {
		return nil, sqlError(p, database, err)
	}
	out := answer{}
	for rows.Next() {
		if len(out) == maxRows {
			return nil, dr.Retry("sql_rows", "%s of %s gave more than %d rows", database, p.Site, maxRows)
		}
		cells := make([]any, len(names))
		into := make([]any, len(names))
		for i := range cells {
			into[i] = &cells[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, sqlError(p, database, err)
		}
		row := map[string]string{}
		for i, n := range names {
			row[strings.ToUpper(n)] = text(cells[i])
		}
		out = append(out, row)
	}
	if err := rows.Err(); err != nil {
		return nil, sqlError(p, database, err)
	}
	return out, nil
}

// timeText is how times of the server's own clock are kept: they sort as text.
const timeText = "2006-01-02 15:04:05.000000"

// text makes one text of any value that the driver gives; the types of the
// monitoring views differ by revision.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case []byte:
		return string(v)
	case string:
		return v
	case time.Time:
		if v.IsZero() {
			return ""
		}
		return v.UTC().Format(timeText)
	case *big.Rat:
		return v.RatString()
	case bool:
		return strings.ToUpper(strconv.FormatBool(v))
	}
	return fmt.Sprint(v)
}
