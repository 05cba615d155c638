package contrib

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"errors"
	"io"
	"log"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/inventory"
)

// whoAnswers asks a server which one it is and whether it takes writes.
// PostgreSQL: the time at which its postmaster started, to the microsecond.
// MySQL: its UUID.
var whoAnswers = map[string]string{
	inventory.ProbePostgres: "SELECT extract(epoch FROM pg_postmaster_start_time())::text, NOT pg_is_in_recovery() AND current_setting('transaction_read_only') = 'off'",
	inventory.ProbeMySQL:    "SELECT @@server_uuid, NOT (@@global.read_only OR @@global.super_read_only)",
}

// askWithin bounds one question to one address.
const askWithin = 5 * time.Second

// server is who answered.
type server struct {
	id     string
	writes bool
	took   time.Duration
}

// askServer connects to an address as a client does.
func askServer(ctx context.Context, env kit.Env, a probeArgs, address string) (server, error) {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	began := env.Now()
	secret, err := env.Secret(ctx, a.Credential)
	if err != nil {
		return server{}, err
	}
	conf, err := tlsOf(a, address)
	if err != nil {
		return server{}, err
	}
	var s server
	if a.Kind == inventory.ProbePostgres {
		s, err = askPostgres(ctx, env, a, address, secret, conf)
	} else {
		s, err = askMySQL(ctx, env, a, address, secret, conf)
	}
	if err != nil {
		return server{}, loginError(ctx, a, address, err)
	}
	s.took = env.Now().Sub(began)
	return s, nil
}

// tlsOf gives the settings of the connection's encryption; nil for none.
func tlsOf(a probeArgs, address string) (*tls.Config, error) {
	if a.TLS != "verify" {
		return nil, nil
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	conf := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if a.CA == "" {
		return conf, nil
	}
	pem, err := os.ReadFile(a.CA)
	conf.RootCAs = x509.NewCertPool()
	if err != nil || !conf.RootCAs.AppendCertsFromPEM(pem) {
		return nil, dr.Refuse("tls_ca", "the file %s has no certificate authority that this worker can read", a.CA).WithNext("put it there on every worker")
	}
	return conf, nil
}

func askPostgres(ctx context.Context, env kit.Env, a probeArgs, address, secret string, conf *tls.Config) (server, error) {
	c, err := pgx.ParseConfig("sslmode=disable")
	if err != nil {
		return server{}, err
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return server{}, err
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return server{}, err
	}
	c.Host, c.Port, c.User, c.Password, c.Database = host, uint16(n), a.User, secret, a.Database
	// Nothing that decides comes from the worker's environment (PGHOST, PGSSLMODE).
	c.TLSConfig, c.Fallbacks, c.ValidateConnect, c.DialFunc = conf, nil, nil, env.Dial
	// Dial resolves the name, as a client does.
	c.LookupFunc = func(_ context.Context, host string) ([]string, error) { return []string{host}, nil }
	c.RuntimeParams = map[string]string{"application_name": "switchback"}
	conn, err := pgx.ConnectConfig(ctx, c)
	if err != nil {
		return server{}, err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	var s server
	return s, conn.QueryRow(ctx, whoAnswers[a.Kind]).Scan(&s.id, &s.writes)
}

func askMySQL(ctx context.Context, env kit.Env, a probeArgs, address, secret string, conf *tls.Config) (server, error) {
	c := mysql.NewConfig()
	c.User, c.Passwd, c.DBName, c.Net, c.Addr, c.TLS = a.User, secret, a.Database, "tcp", address, conf
	c.Timeout, c.ReadTimeout, c.WriteTimeout = askWithin, askWithin, askWithin
	c.DialFunc, c.Logger = env.Dial, log.New(io.Discard, "", 0)
	connector, err := mysql.NewConnector(c)
	if err != nil {
		return server{}, err
	}
	db := sql.OpenDB(connector)
	defer func() { _ = db.Close() }()
	var s server
	return s, db.QueryRowContext(ctx, whoAnswers[a.Kind]).Scan(&s.id, &s.writes)
}

// loginError tells why an address gave no answer, without what drivers quote of
// the connection's settings.
func loginError(ctx context.Context, a probeArgs, address string, err error) error {
	why := "it does not answer"
	var pg *pgconn.PgError
	var my *mysql.MySQLError
	var op *net.OpError
	var cert *tls.CertificateVerificationError
	switch {
	case errors.As(err, &pg):
		why = pg.Message
	case errors.As(err, &my):
		why = my.Message
	case errors.As(err, &cert):
		why = "its certificate is not trusted: " + cert.Err.Error()
	case ctx.Err() != nil:
		why = "no answer in time"
	case errors.As(err, &op):
		why = reasonOf(op)
	}
	return dr.Retry("probe", "%s gives %s no answer: %s", address, a.User, dr.Clip(dr.CleanLine(why), 200)).Because(err)
}
