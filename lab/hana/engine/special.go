package engine

import (
	"context"

	"github.com/switchback-dr/switchback/lab/hana/hdbsql"
)

type runner func(ctx context.Context, all []token) (*hdbsql.Result, error)

// special finds who runs a statement that is no SQL of the embedded engine.
func (s *session) special(all []token) runner {
	switch {
	case starts(all, "SET"), starts(all, "ALTER", "SESSION"), starts(all, "CONNECT"):
		return accepted
	case starts(all, "COMMIT"):
		return func(ctx context.Context, _ []token) (*hdbsql.Result, error) {
			return &hdbsql.Result{Kind: hdbsql.Other}, s.Commit(ctx)
		}
	case starts(all, "ROLLBACK"):
		return func(ctx context.Context, _ []token) (*hdbsql.Result, error) {
			return &hdbsql.Result{Kind: hdbsql.Other}, s.Rollback(ctx)
		}
	case starts(all, "CREATE", "USER"):
		return s.createUser
	case starts(all, "GRANT"):
		return s.grant
	case starts(all, "BACKUP", "DATA"):
		return s.backupData
	case starts(all, "ALTER", "SYSTEM"):
		return s.alterSystem
	case starts(all, "RECOVER"), starts(all, "CREATE", "SCHEMA"), starts(all, "CREATE", "DATABASE"), starts(all, "ALTER", "USER"):
		return notSimulated
	}
	return nil
}

// accepted answers statements that change nothing that a lab has.
func accepted(context.Context, []token) (*hdbsql.Result, error) {
	return &hdbsql.Result{Kind: hdbsql.DDL}, nil
}

// notSimulated refuses what the lab cannot do, instead of pretending.
func notSimulated(_ context.Context, all []token) (*hdbsql.Result, error) {
	return nil, &hdbsql.Error{Code: hdbsql.CodeFeature, Text: "feature not supported: " + join(all[:min(2, len(all))]) + " is not simulated"}
}

// tell writes an administrator's changing statement to the trace, by its first
// words.
func tell(all []token, words int) {
	trace("statement: %s", join(all[:min(words, len(all))]))
}

// alterSystem runs the statements of ALTER SYSTEM that matter to replication.
func (s *session) alterSystem(ctx context.Context, all []token) (*hdbsql.Result, error) {
	if err := s.needAdmin(); err != nil {
		return nil, err
	}
	tell(all, 4)
	done := &hdbsql.Result{Kind: hdbsql.DDL}
	e := s.d.engine
	switch {
	case starts(all[2:], "SAVEPOINT"):
		return done, nil
	case (starts(all[2:], "STOP", "DATABASE") || starts(all[2:], "START", "DATABASE")) && len(all) > 4:
		d := e.database(all[4].value())
		if d == nil || s.d.name != systemDatabase {
			return nil, &hdbsql.Error{Code: hdbsql.CodeNoDatabase, Text: "invalid database name: " + all[4].value()}
		}
		return done, e.setActive(ctx, d, all[2].is("START"))
	case starts(all[2:], "ALTER", "CONFIGURATION"):
		return done, s.alterConfiguration(all)
	}
	return notSimulated(ctx, all)
}

func (e *engine) database(name string) *database {
	for _, d := range e.databases {
		if d.name == name {
			return d
		}
	}
	return nil
}

// activeState is M_DATABASES.ACTIVE_STATUS.
func (e *engine) activeState(d *database) string {
	e.mu.Lock()
	open := e.ports[d] != nil
	e.mu.Unlock()
	switch {
	case open:
		return "YES"
	case e.phaseNow() == starting:
		return "STARTING"
	}
	return "NO"
}

// tenantDown says whether a tenant is stopped, by a statement or by a fault.
func (e *engine) tenantDown(d *database) bool {
	if d.name == systemDatabase {
		return false
	}
	if name, on := e.conf.Fault("tenant-down"); on && name == d.name {
		return true
	}
	stopped := false
	if err := e.volumes[0].each(e.ctx, "select name from _SYS_DATABASES where active = 'NO'", func(scan func(...any) error) error {
		var name string
		err := scan(&name)
		stopped = stopped || name == d.name
		return err
	}); err != nil {
		return false
	}
	return stopped
}

// setActive starts or stops a tenant; that outlives a restart.
func (e *engine) setActive(_ context.Context, d *database, on bool) error {
	state := map[bool]string{true: "YES", false: "NO"}[on]
	system := e.volumes[0]
	e.tenants.Lock()
	defer e.tenants.Unlock()
	if err := e.write(system, statement{"insert or replace into " + system.schema + "._SYS_DATABASES values (?, '', ?)", []any{d.name, state}}); err != nil {
		return err
	}
	if on {
		e.openPortLocked(d)
	} else {
		e.closePort(d)
	}
	return nil
}
