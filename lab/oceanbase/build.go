package oceanbase

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"
)

// tenants are the names of the replicated tenants and whether each is Oracle's.
func (s *system) tenants() []namedTenant {
	all := []namedTenant{{tenant, usedPool, s.set.oracle}}
	for i := 1; i < s.set.tenants; i++ {
		name := "fin"
		if i > 1 {
			name += strconv.Itoa(i)
		}
		all = append(all, namedTenant{name, name + "_pool", i == 1})
	}
	return all
}

type namedTenant struct {
	name, pool string
	oracle     bool
}

// admin is the tenant's administrator.
func (n namedTenant) admin() string {
	if n.oracle {
		return "SYS"
	}
	return rootUser
}

// build makes everything by SQL, as a person would.
func (s *system) build(ctx context.Context) error {
	for _, site := range s.lab.Sites {
		statements := []string{
			"ALTER USER root IDENTIFIED BY '" + s.passwords["sys"] + "'",
			"CREATE RESOURCE UNIT lab_unit MAX_CPU 1, MEMORY_SIZE '2G'",
			"CREATE RESOURCE POOL " + sparePool + " UNIT = 'lab_unit', UNIT_NUM = 1",
		}
		for _, t := range s.tenants() {
			statements = append(statements, "CREATE RESOURCE POOL "+t.pool+" UNIT = 'lab_unit', UNIT_NUM = 1")
		}
		if err := s.execAt(ctx, site, "root@sys", "", statements...); err != nil {
			return err
		}
	}
	for _, t := range s.tenants() {
		if err := s.makeTenant(ctx, t); err != nil {
			return err
		}
		for _, site := range s.lab.Sites[1:] {
			if err := s.makeStandby(ctx, t, site); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *system) makeTenant(ctx context.Context, t namedTenant) error {
	first := s.lab.Sites[0]
	mode := "mysql"
	if t.oracle {
		mode = "oracle"
	}
	if err := s.sys(ctx, first, "CREATE TENANT "+t.name+" RESOURCE_POOL_LIST = ('"+t.pool+"') SET ob_compatibility_mode = '"+mode+"'"); err != nil {
		return err
	}
	content := []string{"ALTER USER " + t.admin() + " IDENTIFIED BY '" + s.passwords[rootUser] + "'"}
	if t.oracle {
		content = append(content,
			`CREATE USER `+replicationUser+` IDENTIFIED BY "`+s.passwords[replicationUser]+`"`,
			"GRANT STANDBY_REPLICATION TO "+replicationUser,
			`CREATE USER `+clientUser+` IDENTIFIED BY "`+s.passwords[clientUser]+`"`,
			"CREATE TABLE "+clientUser+"."+table+" (n NUMBER NOT NULL, at TIMESTAMP DEFAULT SYSTIMESTAMP)",
			"GRANT SELECT, INSERT ON "+clientUser+"."+table+" TO "+clientUser,
		)
	} else {
		content = append(content,
			"CREATE USER "+replicationUser+" IDENTIFIED BY '"+s.passwords[replicationUser]+"'",
			"GRANT SELECT ON oceanbase.* TO "+replicationUser,
			"CREATE DATABASE "+tenant,
			// No key: a row that was applied twice must show.
			"CREATE TABLE "+tenant+"."+table+" (n BIGINT NOT NULL, at TIMESTAMP(6) DEFAULT CURRENT_TIMESTAMP(6))",
			"CREATE USER "+clientUser+" IDENTIFIED BY '"+s.passwords[clientUser]+"'",
			"GRANT ALL ON "+tenant+".* TO "+clientUser,
		)
	}
	if err := s.execAt(ctx, first, t.admin()+"@"+t.name, "", content...); err != nil {
		return err
	}
	if s.set.location || s.set.archive {
		return s.startArchive(ctx, t, first)
	}
	return nil
}

func (s *system) startArchive(ctx context.Context, t namedTenant, site string) error {
	logs, err := s.storage(site, t.name, "archive")
	if err != nil {
		return err
	}
	return s.sys(ctx, site, "ALTER SYSTEM SET LOG_ARCHIVE_DEST = 'LOCATION="+logs+"' TENANT = "+t.name, "ALTER SYSTEM ARCHIVELOG TENANT = "+t.name)
}

// makeStandby makes the tenant's standby on a site, by network or by archive.
func (s *system) makeStandby(ctx context.Context, t namedTenant, site string) error {
	if s.set.location {
		if err := s.restoreStandby(ctx, t, site); err != nil {
			return err
		}
		return s.startArchive(ctx, t, site)
	}
	source := fmt.Sprintf("SERVICE=%s USER=%s@%s PASSWORD=%s", s.service(s.lab.Sites[0]), replicationUser, t.name, s.passwords[replicationUser])
	err := s.sys(ctx, site, "SET SESSION ob_query_timeout = 60000000",
		"CREATE STANDBY TENANT "+t.name+" LOG_RESTORE_SOURCE = '"+source+"', RESOURCE_POOL_LIST = ('"+t.pool+"')")
	if err != nil {
		return err
	}
	if s.set.archive {
		return s.startArchive(ctx, t, site)
	}
	return nil
}

// service is the list of a site's SQL ports as the other sites reach them.
func (s *system) service(site string) string { return strings.Join(s.outer(site), ";") }

func (s *system) outer(site string) (all []string) {
	for i := range s.set.servers {
		all = append(all, net.JoinHostPort(s.lab.OuterHost(site), strconv.Itoa(s.lab.Port()+i)))
	}
	return all
}

func (s *system) inner(site string) (all []string) {
	for i := range s.set.servers {
		all = append(all, net.JoinHostPort(s.lab.InnerHost(site), strconv.Itoa(s.lab.Port()+i)))
	}
	return all
}

// restoreStandby goes by backup and restore.
func (s *system) restoreStandby(ctx context.Context, t namedTenant, site string) error {
	first := s.lab.Sites[0]
	data, err := s.storage(first, t.name, "data")
	if err != nil {
		return err
	}
	logs, err := s.storage(first, t.name, "archive")
	if err != nil {
		return err
	}
	if err := s.wait(ctx, first, "SELECT COUNT(*) FROM oceanbase.CDB_OB_ARCHIVELOG a JOIN oceanbase.DBA_OB_TENANTS t ON a.TENANT_ID = t.TENANT_ID WHERE t.TENANT_NAME = '"+t.name+"' AND a.STATUS = 'DOING'"); err != nil {
		return err
	}
	if err := s.sys(ctx, first, "ALTER SYSTEM SET DATA_BACKUP_DEST = '"+data+"' TENANT = "+t.name, "ALTER SYSTEM BACKUP TENANT = "+t.name); err != nil {
		return err
	}
	if err := s.wait(ctx, first, "SELECT COUNT(*) FROM oceanbase.CDB_OB_BACKUP_JOB_HISTORY j JOIN oceanbase.DBA_OB_TENANTS t ON j.TENANT_ID = t.TENANT_ID WHERE t.TENANT_NAME = '"+t.name+"' AND j.STATUS = 'COMPLETED'"); err != nil {
		return err
	}
	// The archive must have come as far as the backup.
	for {
		err = s.sys(ctx, site, "ALTER SYSTEM RESTORE "+t.name+" FROM '"+data+","+logs+"' WITH 'pool_list="+t.pool+"'")
		if err != nil {
			return err
		}
		if err = s.wait(ctx, site, "SELECT COUNT(*) FROM oceanbase.CDB_OB_RESTORE_HISTORY WHERE RESTORE_TENANT_NAME = '"+t.name+"' AND STATUS IS NOT NULL"); err != nil {
			return err
		}
		good := 0
		if err := s.ask(ctx, site, "SELECT COUNT(*) FROM oceanbase.DBA_OB_TENANTS WHERE TENANT_NAME = '"+t.name+"' AND TENANT_ROLE = 'STANDBY'", &good); err != nil {
			return err
		}
		if good == 1 {
			break
		}
		if err := s.sys(ctx, site, "DROP TENANT "+t.name+" FORCE"); err != nil {
			return err
		}
	}
	return s.sys(ctx, site, "ALTER SYSTEM RECOVER STANDBY TENANT = "+t.name+" UNTIL UNLIMITED")
}

// wait waits until a count is not zero.
func (s *system) wait(ctx context.Context, site, query string) error {
	for {
		n := 0
		if err := s.ask(ctx, site, query, &n); err == nil && n > 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("OceanBase on %s does not come to it: %s", site, query)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// sys runs statements as root@sys, on one connection.
func (s *system) sys(ctx context.Context, site string, statements ...string) error {
	return s.execAt(ctx, site, "root@sys", s.passwords["sys"], statements...)
}

func (s *system) execAt(ctx context.Context, site, user, password string, statements ...string) error {
	return s.at(ctx, site, user, password, func(c *sql.Conn) error {
		for _, q := range statements {
			if _, err := c.ExecContext(ctx, q); err != nil {
				verb, _, _ := strings.Cut(q, "'")
				return fmt.Errorf("OceanBase on %s refuses %q: %w", site, verb, err)
			}
		}
		return nil
	})
}

// ask asks as root@sys for one row.
func (s *system) ask(ctx context.Context, site, query string, into ...any) error {
	return s.at(ctx, site, "root@sys", s.passwords["sys"], func(c *sql.Conn) error {
		return c.QueryRowContext(ctx, query).Scan(into...)
	})
}

// at gives a connection to the first server of the site that answers.
func (s *system) at(ctx context.Context, site, user, password string, do func(*sql.Conn) error) error {
	var last error
	for _, address := range s.inner(site) {
		db, err := connect(account{address, user, password, ""}, true, 0)
		if err != nil {
			return err
		}
		c, err := db.Conn(ctx)
		if err != nil {
			last = err
			_ = db.Close()
			continue
		}
		err = do(c)
		_, _ = c.Close(), db.Close()
		return err
	}
	return fmt.Errorf("OceanBase on %s does not answer: %w", site, last)
}
