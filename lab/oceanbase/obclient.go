package oceanbase

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/switchback-dr/switchback/lab/host"
	"github.com/switchback-dr/switchback/lab/oceanbase/observer"
	"github.com/switchback-dr/switchback/lab/oceanbase/obsql"
)

// call is a command line of obclient, the vendor's fork of the mysql client:
// the options that scripts use.
type call struct {
	host, port, user, password, database string
	execute                              string
	batch, headless                      bool
}

// clientMain is the program obclient, and mysql.
func clientMain(args []string) int {
	c := call{user: "root@sys", password: os.Getenv("MYSQL_PWD")}
	if config, err := observer.ReadConfig(filepath.Join(os.Getenv(host.RootEnv), configPath)); err == nil {
		c.host, c.port, _ = net.SplitHostPort(config.Listen[0])
	}
	if err := c.parse(args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "obclient: "+err.Error())
		return 2
	}
	if c.execute == "" {
		text, err := io.ReadAll(os.Stdin)
		if err != nil {
			fmt.Fprintln(os.Stderr, "obclient: "+err.Error())
			return 2
		}
		c.execute = string(text)
	}
	if err := c.run(os.Stdout); err != nil {
		var refused *mysql.MySQLError
		if errors.As(err, &refused) {
			fmt.Fprintf(os.Stderr, "ERROR %d (%s) at line 1: %s\n", refused.Number, refused.SQLState[:], refused.Message)
		} else {
			fmt.Fprintf(os.Stderr, "ERROR 2002 (HY000): Can't connect to OceanBase server on '%s' (%v)\n", c.host, err)
		}
		return 1
	}
	return 0
}

// parse reads -h H, -hH and --host=H forms.
func (c *call) parse(args []string) error {
	values := map[string]*string{"-h": &c.host, "-P": &c.port, "-u": &c.user, "-D": &c.database, "-e": &c.execute}
	long := map[string]*string{"--host": &c.host, "--port": &c.port, "--user": &c.user, "--password": &c.password, "--database": &c.database, "--execute": &c.execute}
	for i := 0; i < len(args); i++ {
		a := args[i]
		name, value, given := strings.Cut(a, "=")
		switch {
		case long[name] != nil && given:
			*long[name] = value
		case a == "-B", a == "--batch":
			c.batch = true
		case a == "-N", a == "--skip-column-names":
			c.headless = true
		case a == "-NB", a == "-BN", a == "-s":
			c.batch, c.headless = true, true
		case a == "-t", a == "-A", a == "-c":
		case strings.HasPrefix(a, "-p"):
			c.password = a[2:]
		case len(a) >= 2 && values[a[:2]] != nil && len(a) > 2:
			*values[a[:2]] = a[2:]
		case values[a] != nil && i+1 < len(args):
			i++
			*values[a] = args[i]
		case !strings.HasPrefix(a, "-") && c.database == "":
			c.database = a
		default:
			return fmt.Errorf("unknown option '%s'", a)
		}
	}
	return nil
}

func (c *call) run(out io.Writer) error {
	db, err := connect(account{net.JoinHostPort(c.host, c.port), c.user, c.password, c.database}, true, 0)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	ctx := context.Background()
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	for _, statement := range split(c.execute) {
		if err := c.one(ctx, conn, statement, out); err != nil {
			return err
		}
	}
	return nil
}

// split cuts a script at its semicolons, not at those in strings.
func split(text string) []string {
	var all []string
	tokens, err := obsql.Tokens(text)
	if err != nil {
		return []string{text}
	}
	from := 0
	for _, t := range tokens {
		if t.Is(";") || t.Kind == obsql.End {
			if one := strings.TrimSpace(text[from:t.At]); one != "" {
				all = append(all, one)
			}
			from = t.At + 1
		}
	}
	return all
}

func (c *call) one(ctx context.Context, conn *sql.Conn, statement string, out io.Writer) error {
	rows, err := conn.QueryContext(ctx, statement)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil || len(columns) == 0 {
		return err
	}
	var lines [][]string
	for rows.Next() {
		values := make([]sql.NullString, len(columns))
		into := make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			return err
		}
		line := make([]string, len(columns))
		for i, v := range values {
			if line[i] = v.String; !v.Valid {
				line[i] = "NULL"
			}
		}
		lines = append(lines, line)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return c.print(out, columns, lines)
}

// print writes the table with lines around it, or tab-separated for -B.
func (c *call) print(out io.Writer, columns []string, lines [][]string) error {
	if !c.headless {
		lines = append([][]string{columns}, lines...)
	}
	var text strings.Builder
	if c.batch {
		for _, line := range lines {
			text.WriteString(strings.Join(line, "\t") + "\n")
		}
		_, err := io.WriteString(out, text.String())
		return err
	}
	width := make([]int, len(columns))
	for _, line := range lines {
		for i, v := range line {
			width[i] = max(width[i], len(v))
		}
	}
	rule := "+"
	for _, w := range width {
		rule += strings.Repeat("-", w+2) + "+"
	}
	for i, line := range lines {
		if i < 2 {
			text.WriteString(rule + "\n")
		}
		text.WriteString("|")
		for j, v := range line {
			fmt.Fprintf(&text, " %-*s |", width[j], v)
		}
		text.WriteString("\n")
	}
	text.WriteString(rule + "\n")
	_, err := io.WriteString(out, text.String())
	return err
}

// account is where and as whom somebody logs in.
type account struct{ address, user, password, database string }

// connect opens connections that say they are made by an OceanBase driver when
// vendor is set, for Oracle-mode tenants refuse others. timeout bounds dialling
// and each answer; 0 waits for ever.
func connect(a account, vendor bool, timeout time.Duration) (*sql.DB, error) {
	c := mysql.NewConfig()
	c.Net, c.Addr, c.User, c.Passwd, c.DBName = "tcp", a.address, a.user, a.password, a.database
	c.Timeout, c.ReadTimeout, c.WriteTimeout = timeout, timeout, timeout
	c.Logger = &mysql.NopLogger{}
	c.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		d := net.Dialer{Timeout: 5 * time.Second}
		conn, err := d.DialContext(ctx, network, address)
		if err != nil || !vendor {
			return conn, err
		}
		return observer.VendorConn(conn), nil
	}
	connector, err := mysql.NewConnector(c)
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(1)
	return db, nil
}
