package postgres

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/switchback-dr/switchback/lab/labkit"
	"github.com/switchback-dr/switchback/lab/ledger"
)

// system is the lab's running cluster.
type system struct {
	lab       *labkit.Lab
	bin       string
	passwords map[string]string
	asks      map[string]*asker
}

// Entry is the inventory's entry.
func (s *system) Entry() labkit.Entry {
	e := labkit.Entry{System: "orders", Sites: map[string]map[string]any{}}
	for _, site := range s.lab.Sites {
		h, err := s.lab.Host(site)
		if err != nil {
			continue
		}
		e.Sites[site] = map[string]any{
			"data": h.Path(data), "bin": h.Path("pgsql/bin"), "port": s.lab.Port(), "listen": s.lab.OuterHost(site),
			"socket": h.Path(socket), "start_conf": h.Path(startConf), "backup_dir": h.Path(backups),
		}
	}
	e.Product = map[string]any{"database": "postgres", "user": adminRole, "replication_user": replicationRole, "passfile": s.passfile()}
	return e
}

// passfile is one path that is right on every host, as an inventory names it:
// it stands beside the hosts' roots, for these differ.
func (s *system) passfile() string {
	h, err := s.lab.Host(s.lab.Sites[0])
	if err != nil {
		return ""
	}
	return filepath.Join(filepath.Dir(h.Root), "pgpass")
}

// Endpoints are connection strings for people and tests.
func (s *system) Endpoints() map[string]string {
	all := map[string]string{"client": s.dsnAt(s.lab.Client().Addr(), clientRole, clientDatabase)}
	for _, site := range s.lab.Sites {
		all[site] = s.dsn(site, labRole)
	}
	return all
}

// Target is the server itself: clients do not pass the link between sites.
func (s *system) Target(site string) string { return s.lab.Inner(site) }

func (s *system) dsn(site, role string) string {
	return s.dsnAt(s.lab.Inner(site), role, clientDatabase)
}

func (s *system) dsnAt(at, role, database string) string {
	return fmt.Sprintf("postgres://%s:%s@%s/%s?sslmode=disable&application_name=lab", role, s.passwords[role], at, database)
}

// query asks one site for one row.
func (s *system) query(ctx context.Context, site, q string, into ...any) error {
	c, err := pgx.Connect(ctx, s.dsn(site, labRole))
	if err != nil {
		return fmt.Errorf("PostgreSQL on %s does not answer: %w", site, err)
	}
	defer func() { _ = c.Close(context.WithoutCancel(ctx)) }()
	return c.QueryRow(ctx, q).Scan(into...)
}

// Rows reads how often each of the writer's numbers is on a site.
func (s *system) Rows(ctx context.Context, site string) (ledger.Rows, error) {
	c, err := pgx.Connect(ctx, s.dsn(site, labRole))
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL on %s does not answer: %w", site, err)
	}
	defer func() { _ = c.Close(context.WithoutCancel(ctx)) }()
	found, err := c.Query(ctx, "select n, count(*) from "+table+" group by n")
	if err != nil {
		return nil, fmt.Errorf("the rows on %s cannot be read: %w", site, err)
	}
	rows := ledger.Rows{}
	var n int64
	var times int
	_, err = pgx.ForEachRow(found, []any{&n, &times}, func() error {
		rows[n] = times
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("the rows on %s cannot be read: %w", site, err)
	}
	return rows, nil
}

// Writable asks the site itself.
func (s *system) Writable(ctx context.Context, site string) bool { return s.asks[site].writable(ctx) }

// logged are lines of the server's log that show a statement which changed
// something, whoever sent it by whatever way.
var logged = map[string]*regexp.Regexp{
	"promote":    regexp.MustCompile(`(?m)LOG:  received promote request$`),
	"checkpoint": regexp.MustCompile(`(?m)LOG:  (?:checkpoint|restartpoint) starting: immediate force wait$`),
}

// Changes counts promotions and demanded checkpoints from the server's log.
func (s *system) Changes(name string) (map[string]int, error) {
	h, err := s.lab.Host(name)
	if err != nil {
		return nil, err
	}
	b, err := os.ReadFile(h.Path(serverLog))
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("the server log of %s cannot be read: %w", name, err)
	}
	counts := map[string]int{}
	for what, pattern := range logged {
		if n := len(pattern.FindAllIndex(b, -1)); n > 0 {
			counts["server: "+what] = n
		}
	}
	return counts, nil
}

// changers are programs each call of which may change something.
var changers = map[string]bool{
	"initdb": true, "pg_rewind": true, "pg_basebackup": true, "pg_resetwal": true, "pg_createcluster": true,
	"pg_receivewal": true, "pg_restore": true, "dropdb": true, "createdb": true, "dropuser": true, "createuser": true, "vacuumdb": true,
}

var promoting = regexp.MustCompile(`(?i)\bpg_promote\s*\(`)

// Changing names a program's call that changes something.
func (s *system) Changing(argv []string) string {
	switch {
	case changers[argv[0]]:
		return argv[0]
	case argv[0] == "pg_ctl":
		for _, verb := range argv[1:] {
			switch verb {
			case "start", "stop", "restart", "promote", "reload", "initdb", "init", "kill", "logrotate":
				return "pg_ctl " + verb
			}
		}
	case argv[0] == "psql" && promoting.MatchString(strings.Join(argv[1:], " ")):
		return "psql pg_promote"
	}
	return ""
}

// Close ends the questions to the sites, and the servers.
func (s *system) Close() {
	for _, a := range s.asks {
		a.close()
	}
	for _, site := range s.lab.Sites {
		if h, err := s.lab.Host(site); err == nil {
			end(h)
		}
	}
}
