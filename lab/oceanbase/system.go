package oceanbase

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"github.com/go-sql-driver/mysql"

	"github.com/switchback-dr/switchback/lab/labkit"
	"github.com/switchback-dr/switchback/lab/ledger"
	"github.com/switchback-dr/switchback/lab/writer"
)

// system is the lab's running clusters.
type system struct {
	lab       *labkit.Lab
	set       settings
	passwords map[string]string
	asks      map[string]*asker
	logged    map[string]int64
}

// Entry is the inventory's entry.
func (s *system) Entry() labkit.Entry {
	e := labkit.Entry{
		System: tenant, Sites: map[string]map[string]any{}, Credentials: map[string]string{"ob-repl": s.passwords[replicationUser]},
		Product: map[string]any{"tenant": tenant},
	}
	for _, site := range s.lab.Sites {
		secret := "ob-" + site + "-sys"
		e.Credentials[secret] = s.passwords["sys"]
		if s.set.ownLogin {
			secret = "ob-root"
			e.Credentials[secret] = s.passwords[rootUser]
		}
		node := map[string]any{
			"host": "", "addresses": s.inner(site), "source_addresses": s.outer(site), "cluster": "ob" + site, "user": "root", "password": secret, "resource_pool": sparePool,
		}
		for field, part := range map[string]string{"archive_dest": "archive", "backup_dest": "data"} {
			if uri, err := s.storage(site, tenant, part); err == nil {
				node[field] = uri
			}
		}
		e.Sites[site] = node
	}
	if s.set.ownLogin {
		e.Product["login"] = "tenant"
	}
	if s.set.location {
		e.Product["source"] = "archive"
	} else {
		e.Product["source"], e.Product["replication_user"], e.Product["replication_password"] = "network", replicationUser, "ob-repl"
	}
	return e
}

// Endpoints are the addresses of the SQL ports with a login each.
func (s *system) Endpoints() map[string]string {
	all := map[string]string{"client": s.dsn(s.lab.Client().Addr(), clientUser+"@"+tenant, s.passwords[clientUser], s.schema())}
	for _, site := range s.lab.Sites {
		all[site] = s.dsn(s.inner(site)[0], "root@sys", s.passwords["sys"], "oceanbase")
	}
	return all
}

func (s *system) dsn(address, user, password, database string) string {
	c := mysql.NewConfig()
	c.Net, c.Addr, c.User, c.Passwd, c.DBName = "tcp", address, user, password, database
	return c.FormatDSN()
}

// Target is the first server itself: clients do not pass the link between sites.
func (s *system) Target(site string) string { return s.lab.Inner(site) }

// schema is where the writer's table is: a database, or with Oracle mode the
// user's own schema.
func (s *system) schema() string {
	if s.set.oracle {
		return clientUser
	}
	return tenant
}

func (s *system) client(address string) account {
	return account{address, clientUser + "@" + tenant, s.passwords[clientUser], s.schema()}
}

// Rows reads how often each of the writer's numbers is on a site, as the writer.
func (s *system) Rows(ctx context.Context, site string) (ledger.Rows, error) {
	a := s.client("")
	rows := ledger.Rows{}
	err := s.at(ctx, site, a.user, a.password, func(c *sql.Conn) error {
		found, err := c.QueryContext(ctx, fmt.Sprintf("SELECT n, COUNT(*) FROM %s.%s GROUP BY n", s.schema(), table))
		if err != nil {
			return err
		}
		defer func() { _ = found.Close() }()
		for found.Next() {
			var n int64
			var times int
			if err := found.Scan(&n, &times); err != nil {
				return err
			}
			rows[n] = times
		}
		return found.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("the rows on %s cannot be read: %w", site, err)
	}
	return rows, nil
}

// Writable asks the site itself.
func (s *system) Writable(ctx context.Context, site string) bool { return s.asks[site].writable(ctx) }

// changes are lines of an observer's log, each written when a change had taken
// effect there, whoever sent it by whatever way.
var changes = map[string]*regexp.Regexp{
	"server: activate standby":      regexp.MustCompile(`(?m)role change: failover to primary tenant=\S+ role=PRIMARY switchover_status=NORMAL$`),
	"server: switchover to primary": regexp.MustCompile(`(?m)role change: switchover to primary tenant=\S+ role=PRIMARY switchover_status=NORMAL$`),
	"server: switchover to standby": regexp.MustCompile(`(?m)role change: switchover to standby tenant=\S+ role=STANDBY switchover_status=NORMAL$`),
	"server: create standby tenant": regexp.MustCompile(`(?m)INFO  create standby tenant=`),
	"server: drop tenant":           regexp.MustCompile(`(?m)INFO  drop tenant=`),
	"server: rename tenant":         regexp.MustCompile(`(?m)INFO  rename tenant=`),
	"server: backup":                regexp.MustCompile(`(?m)INFO  backup start tenant=`),
	"server: restore":               regexp.MustCompile(`(?m)INFO  restore start tenant=`),
	"server: log restore source":    regexp.MustCompile(`(?m)INFO  log_restore_source tenant=`),
	"server: recover standby":       regexp.MustCompile(`(?m)INFO  tenant=\S+ recovery_until_scn=`),
	"server: flashback standby log": regexp.MustCompile(`(?m)INFO  flashback standby log tenant=`),
	"server: parameter":             regexp.MustCompile(`(?m)INFO  parameter `),
}

// Changes counts them.
func (s *system) Changes(name string) (map[string]int, error) {
	if _, site := s.asks[name]; !site {
		return nil, nil
	}
	h, err := s.lab.Host(name)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(h.Path(serverLog))
	if err != nil {
		return nil, fmt.Errorf("the observer's log of %s cannot be read: %w", name, err)
	}
	defer func() { _ = f.Close() }()
	if _, err := f.Seek(s.logged[name], io.SeekStart); err != nil {
		return nil, err
	}
	b, err := io.ReadAll(f)
	if err != nil {
		return nil, fmt.Errorf("the observer's log of %s cannot be read: %w", name, err)
	}
	counts := map[string]int{}
	for what, pattern := range changes {
		if n := len(pattern.FindAllIndex(b, -1)); n > 0 {
			counts[what] = n
		}
	}
	return counts, nil
}

// Changing names calls of programs that change something: none does by itself,
// for what a client's statement changes is counted at the server.
func (s *system) Changing(argv []string) string {
	if argv[0] == "observer" {
		return strings.Join(argv, " ")
	}
	return ""
}

// Close ends the questions to the sites.
func (s *system) Close() {
	for _, a := range s.asks {
		a.close()
	}
}

// readOnly is the number of a write on a standby: 4688, standby tenant is read
// only.
const readOnly = 4688

// session is one connection of the writer.
type session struct {
	system *system
	db     *sql.DB
	conn   *sql.Conn
}

// Dial opens a client's session.
func (s *system) Dial(ctx context.Context, address string) (writer.Session, error) {
	db, err := connect(s.client(address), s.set.oracle, 0)
	if err != nil {
		return nil, err
	}
	c, err := db.Conn(ctx)
	if err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("no session at %s: %w", address, err)
	}
	return &session{s, db, c}, nil
}

// Commit inserts one row in a transaction of its own.
func (s *session) Commit(ctx context.Context, number int64) error {
	_, err := s.conn.ExecContext(ctx, fmt.Sprintf("INSERT INTO %s.%s (n) VALUES (%d)", s.system.schema(), table, number))
	var refused *mysql.MySQLError
	if errors.As(err, &refused) && refused.Number == readOnly {
		return fmt.Errorf("%w: %s", writer.ErrRefused, refused.Message)
	}
	return err
}

// Close drops the connection.
func (s *session) Close() { _, _ = s.conn.Close(), s.db.Close() }
