package observer

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/switchback-dr/switchback/lab/oceanbase/obsql"
)

// create is CREATE of everything that the simulator has.
func (s *session) create(r *obsql.Reader) error {
	r.Next()
	switch {
	case r.Accept("STANDBY", "TENANT"):
		return s.createTenant(r, true)
	case r.Accept("TENANT"):
		return s.createTenant(r, false)
	case r.Accept("RESOURCE", "UNIT"):
		return s.createUnit(r)
	case r.Accept("RESOURCE", "POOL"):
		return s.createPool(r)
	case r.Accept("USER"):
		return s.createUser(r)
	case r.Accept("DATABASE"), r.Accept("SCHEMA"):
		return s.createDatabase(r)
	case r.Accept("TABLE"):
		return s.createTable(r)
	}
	return r.Syntax()
}

// ifNotExists reads [IF NOT EXISTS] name.
func ifNotExists(r *obsql.Reader) (name string, quiet bool, err error) {
	quiet = r.Accept("IF", "NOT", "EXISTS")
	name, err = r.Identifier()
	return name, quiet, err
}

var tenantName = regexp.MustCompile(`^[A-Za-z0-9_]{1,63}$`)

// options reads NAME [=] VALUE pairs with commas or nothing between them, up to
// SET or the end. Lists in parentheses give their elements with commas.
func options(r *obsql.Reader) (map[string]string, error) {
	all := map[string]string{}
	for !r.End() && !r.Peek(0).Is("SET") {
		r.Accept(",")
		name, err := r.Identifier()
		if err != nil {
			return nil, err
		}
		r.Accept("=")
		var values []string
		if r.Accept("(") {
			for {
				v, err := r.Name()
				if err != nil {
					return nil, err
				}
				if values = append(values, v); !r.Accept(",") {
					break
				}
			}
			if err := r.Expect(")"); err != nil {
				return nil, err
			}
		} else {
			t := r.Next()
			if t.Kind == obsql.End || t.Kind == obsql.Operator {
				return nil, r.Syntax()
			}
			values = []string{t.Text}
		}
		all[strings.ToUpper(name)] = strings.Join(values, ",")
	}
	return all, nil
}

func (s *session) createTenant(r *obsql.Reader, standby bool) error {
	if err := s.sysOnly(); err != nil {
		return err
	}
	if err := s.needs("CREATE TENANT"); err != nil {
		return err
	}
	name, quiet, err := ifNotExists(r)
	if err != nil {
		return err
	}
	if !tenantName.MatchString(name) {
		return badArguments.with("tenant name")
	}
	set, err := options(r)
	if err != nil {
		return err
	}
	mode := modeMySQL
	for r.Accept("SET") || r.Accept(",") {
		variable, err := r.Identifier()
		if err != nil {
			return err
		}
		r.Accept("=")
		value := r.Next()
		if strings.EqualFold(variable, "ob_compatibility_mode") && strings.EqualFold(value.Text, "oracle") {
			mode = modeOracle
		}
	}
	if err := r.Done(); err != nil {
		return err
	}
	pools := set["RESOURCE_POOL_LIST"]
	if pools == "" {
		return badArguments.with("resource_pool_list")
	}
	if standby {
		src, err := parseSource(set["LOG_RESTORE_SOURCE"])
		if err != nil {
			return err
		}
		return ignore(quiet, tenantExists, s.cluster.createStandbyTenant(name, pools, src, s.deadline()))
	}
	return ignore(quiet, tenantExists, s.cluster.changed(func() error {
		_, err := s.cluster.createTenant(name, mode, pools)
		return err
	}))
}

// ignore takes an error of this kind as success, for IF NOT EXISTS.
func ignore(quiet bool, kind text, err error) error {
	if quiet && codeOf(err) == -int64(kind.code) {
		return nil
	}
	return err
}

func (s *session) createUnit(r *obsql.Reader) error {
	if err := s.sysOnly(); err != nil {
		return err
	}
	name, quiet, err := ifNotExists(r)
	if err != nil {
		return err
	}
	set, err := options(r)
	if err != nil {
		return err
	}
	return s.cluster.changed(func() error {
		for _, u := range s.cluster.state.Units {
			if strings.EqualFold(u.Name, name) {
				return ignore(quiet, entryExist, entryExist.with())
			}
		}
		s.cluster.state.Units = append(s.cluster.state.Units, unitConfig{1000 + s.cluster.jobID(), name, set["MAX_CPU"], set["MEMORY_SIZE"]})
		return nil
	})
}

func (s *session) createPool(r *obsql.Reader) error {
	if err := s.sysOnly(); err != nil {
		return err
	}
	name, quiet, err := ifNotExists(r)
	if err != nil {
		return err
	}
	set, err := options(r)
	if err != nil {
		return err
	}
	return s.cluster.changed(func() error {
		if s.cluster.state.poolNamed(name) != nil {
			return ignore(quiet, entryExist, entryExist.with())
		}
		for _, u := range s.cluster.state.Units {
			if strings.EqualFold(u.Name, set["UNIT"]) {
				s.cluster.state.Pools = append(s.cluster.state.Pools, pool{ID: 1000 + s.cluster.jobID(), Name: name, Unit: u.Name, Number: 1})
				return nil
			}
		}
		return unitMissing.with(set["UNIT"])
	})
}

// drop is DROP TENANT, RESOURCE POOL, RESOURCE UNIT, USER, TABLE.
func (s *session) drop(r *obsql.Reader) error {
	r.Next()
	o := s.cluster
	switch {
	case r.Accept("TENANT"):
		return s.dropTenant(r)
	case r.Accept("USER"):
		return s.dropUser(r)
	case r.Accept("TABLE"):
		return s.dropTable(r)
	case r.Accept("RESOURCE", "POOL"), r.Accept("RESOURCE", "UNIT"):
	default:
		return r.Syntax()
	}
	if err := s.sysOnly(); err != nil {
		return err
	}
	quiet := r.Accept("IF", "EXISTS")
	name, err := r.Identifier()
	if err != nil {
		return err
	}
	return o.changed(func() error {
		for i, p := range o.state.Pools {
			if strings.EqualFold(p.Name, name) {
				if p.Tenant != 0 {
					return poolUsed.with(name)
				}
				o.state.Pools = append(o.state.Pools[:i], o.state.Pools[i+1:]...)
				return nil
			}
		}
		for i, u := range o.state.Units {
			if strings.EqualFold(u.Name, name) {
				o.state.Units = append(o.state.Units[:i], o.state.Units[i+1:]...)
				return nil
			}
		}
		return ignore(quiet, poolMissing, poolMissing.with(name))
	})
}

// dropTenant is DROP TENANT [IF EXISTS] name [FORCE|PURGE].
func (s *session) dropTenant(r *obsql.Reader) error {
	if err := s.sysOnly(); err != nil {
		return err
	}
	if err := s.needs("CREATE TENANT"); err != nil {
		return err
	}
	quiet := r.Accept("IF", "EXISTS")
	name, err := r.Identifier()
	if err != nil {
		return err
	}
	force := r.Accept("FORCE") || r.Accept("PURGE")
	if err := r.Done(); err != nil {
		return err
	}
	o := s.cluster
	return o.changed(func() error {
		t := o.state.tenantNamed(name)
		if t == nil || t.sys() || t.Recycled {
			return ignore(quiet, unknownTenant, unknownTenant.with(name))
		}
		return o.dropTenant(t, !force && strings.EqualFold(o.state.Parameters["recyclebin"], "on"))
	})
}

// purge is PURGE TENANT name: out of the recycle bin.
func (s *session) purge(r *obsql.Reader) error {
	if err := r.Expect("PURGE", "TENANT"); err != nil {
		return err
	}
	name, err := r.Identifier()
	if err != nil {
		return err
	}
	if err := s.sysOnly(); err != nil {
		return err
	}
	o := s.cluster
	return o.changed(func() error {
		t := o.state.tenantNamed(name)
		if t == nil || !t.Recycled {
			return unknownTenant.with(name)
		}
		return o.dropTenant(t, false)
	})
}

// alterTenant is ALTER TENANT name RENAME GLOBAL_NAME TO other, LOCK, UNLOCK.
func (s *session) alterTenant(r *obsql.Reader) error {
	name, err := r.Identifier()
	if err != nil {
		return err
	}
	if err := s.sysOnly(); err != nil {
		return err
	}
	if err := s.needs("ALTER TENANT"); err != nil {
		return err
	}
	other := ""
	lock, unlock := r.Accept("LOCK"), r.Accept("UNLOCK")
	if !lock && !unlock {
		if err := r.Expect("RENAME", "GLOBAL_NAME", "TO"); err != nil {
			return err
		}
		if other, err = r.Identifier(); err != nil {
			return err
		}
	}
	if err := r.Done(); err != nil {
		return err
	}
	return s.cluster.changed(func() error {
		t := s.cluster.state.tenantNamed(name)
		if t == nil || t.sys() {
			return unknownTenant.with(name)
		}
		if other == "" {
			t.Locked, t.Modified = lock, micros()
			return nil
		}
		return s.cluster.rename(t, other)
	})
}

// rename gives a tenant another name. The caller holds the lock.
func (o *Cluster) rename(t *tenant, name string) error {
	switch {
	case !tenantName.MatchString(name):
		return badArguments.with("tenant name")
	case o.state.tenantNamed(name) != nil:
		return tenantExists.with(name)
	}
	o.log.line("rename tenant=%s to=%s", t.Name, name)
	t.Name, t.Modified = name, micros()
	return nil
}

// recorded appends a change of content to the first log stream of the session's
// tenant: users, databases and tables are replicated.
func (s *session) recorded(build func(c *content) (payload, error)) error {
	o, t := s.cluster, s.effective
	return o.locked(func() error {
		if t.Role != rolePrimary || t.stream(1).Access != accessAppend {
			return standbyReadOnly.with()
		}
		if _, ok := o.leader(t, 1); !ok {
			return noLeader.with()
		}
		if !s.may("*.*", "SUPER", "CREATE USER", "CREATE") {
			return noPrivilege.with("CREATE")
		}
		t.refresh()
		do, err := build(t.content)
		if err != nil {
			return err
		}
		return o.append(t, t.stream(1), do)
	})
}

func (s *session) createDatabase(r *obsql.Reader) error {
	name, quiet, err := ifNotExists(r)
	if err != nil {
		return err
	}
	return s.recorded(func(c *content) (payload, error) {
		if c.databases[strings.ToLower(name)] && !quiet {
			return payload{}, databaseThere.with(name)
		}
		return payload{Database: name}, nil
	})
}

func (s *session) qualified(r *obsql.Reader) (string, error) {
	name, err := r.Identifier()
	if err != nil {
		return "", err
	}
	if r.Accept(".") {
		table, err := r.Identifier()
		return name + "." + table, err
	}
	if s.database == "" {
		return "", noDatabaseNow.with()
	}
	return fmt.Sprintf("%s.%s", s.database, name), nil
}
