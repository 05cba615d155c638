package observer

import (
	"strings"
	"time"

	"github.com/switchback-dr/switchback/lab/oceanbase/obsql"
)

// alter is ALTER SYSTEM, ALTER TENANT, ALTER USER.
func (s *session) alter(r *obsql.Reader) error {
	r.Next()
	switch {
	case r.Accept("SYSTEM"):
		return s.alterSystem(r)
	case r.Accept("TENANT"):
		return s.alterTenant(r)
	case r.Accept("USER"):
		return s.alterUser(r)
	}
	return r.Syntax()
}

func (s *session) alterSystem(r *obsql.Reader) error {
	if err := s.needs("ALTER SYSTEM"); err != nil {
		return err
	}
	switch {
	case r.Accept("ACTIVATE", "STANDBY"):
		return s.changeRole(r, failover)
	case r.Accept("SWITCHOVER", "TO", "PRIMARY"):
		return s.changeRole(r, intoPrimary)
	case r.Accept("SWITCHOVER", "TO", "STANDBY"):
		return s.changeRole(r, intoStandby)
	case r.Accept("RECOVER", "STANDBY"):
		return s.recover(r)
	case r.Accept("FLASHBACK", "STANDBY", "LOG", "TO", "SCN", "="):
		return s.flashbackLog(r)
	case r.Accept("SET"):
		return s.setSystem(r)
	case r.Accept("ARCHIVELOG"):
		return s.archivelog(r, true)
	case r.Accept("NOARCHIVELOG"):
		return s.archivelog(r, false)
	case r.Accept("BACKUP"):
		return s.backup(r)
	case r.Accept("CANCEL", "BACKUP"):
		return s.cancelBackup(r)
	case r.Accept("CANCEL", "RESTORE"):
		return s.cancelRestore(r)
	case r.Accept("RESTORE"):
		return s.restore(r)
	case r.Accept("CHANGE", "TENANT"):
		return s.changeTenant(r)
	}
	return r.Syntax()
}

// tenantClause reads [TENANT [=] name]; a name may be a string there.
func tenantClause(r *obsql.Reader) (name string, given bool, err error) {
	if !r.Accept("TENANT") {
		return "", false, nil
	}
	r.Accept("=")
	name, err = r.Name()
	return name, true, err
}

// changeRole is a role statement: ... [TENANT [=] name] [VERIFY].
func (s *session) changeRole(r *obsql.Reader, kind string) error {
	text := r.Rest()
	name, given, err := tenantClause(r)
	if err != nil {
		return err
	}
	verify := r.Accept("VERIFY")
	if err := r.Done(); err != nil {
		return err
	}
	t, err := s.target(name, given)
	if err != nil {
		return err
	}
	if verify {
		return s.cluster.verify(t, kind)
	}
	statement := "ALTER SYSTEM " + map[string]string{failover: "ACTIVATE STANDBY", intoPrimary: "SWITCHOVER TO PRIMARY", intoStandby: "SWITCHOVER TO STANDBY"}[kind]
	c := &change{
		cluster: s.cluster, tenant: t, kind: kind, statement: strings.TrimSpace(statement + " " + text), begun: time.Now(),
		deadline: s.deadline(), timeout: time.Duration(s.timeout) * time.Microsecond, conn: s.conn,
	}
	return c.run()
}

// recover is RECOVER STANDBY ... UNTIL TIME|SCN|UNLIMITED, or CANCEL.
func (s *session) recover(r *obsql.Reader) error {
	name, given, err := tenantClause(r)
	if err != nil {
		return err
	}
	until, cancel := maxSCN, false
	switch {
	case r.Accept("CANCEL"):
		cancel = true
	case r.Accept("UNTIL", "UNLIMITED"):
	case r.Accept("UNTIL", "SCN", "="):
		if until, err = r.Integer(); err != nil {
			return err
		}
	case r.Accept("UNTIL", "TIME", "="):
		if until, err = scnOf(r); err != nil {
			return err
		}
	default:
		return r.Syntax()
	}
	if err := r.Done(); err != nil {
		return err
	}
	t, err := s.target(name, given)
	if err != nil {
		return err
	}
	return s.cluster.changed(func() error {
		const suffix = ", recover is"
		switch {
		case t.Role != roleStandby:
			return notAllowed.with(notStandby + suffix)
		case !t.normal():
			return notAllowed.with(statusNotNormal + suffix)
		case t.Change != stateNormal:
			return notAllowed.with(switchoverNotMatch + suffix)
		case cancel:
			until = t.sync()
		case until < t.sync():
			return notAllowed.with(recoverTooLow)
		case until > maxSCN || until < minSCN:
			return badArguments.with("recovery_until_scn")
		}
		t.Until, t.Modified = until, micros()
		s.cluster.log.line("tenant=%s recovery_until_scn=%d", t.Name, until)
		return nil
	})
}

// scnOf reads a time literal; its zone is UTC, the zone of this server.
func scnOf(r *obsql.Reader) (int64, error) {
	text, err := r.Text()
	if err != nil {
		return 0, err
	}
	for _, layout := range []string{"2006-01-02 15:04:05.999999999", "2006-01-02 15:04:05"} {
		if at, err := time.Parse(layout, text); err == nil {
			return at.UnixNano(), nil
		}
	}
	return 0, badArguments.with("datetime")
}

// flashbackLog is FLASHBACK STANDBY LOG TO SCN = n: it takes away what single
// streams have above n; it does not take a tenant back.
func (s *session) flashbackLog(r *obsql.Reader) error {
	scn, err := r.Integer()
	if err != nil {
		return err
	}
	name, given, err := tenantClause(r)
	if err != nil {
		return err
	}
	if err := r.Done(); err != nil {
		return err
	}
	o := s.cluster
	if !o.Version.flashbackLog() {
		return notSupported.with("flashback standby log in current version is")
	}
	t, err := s.target(name, given)
	if err != nil {
		return err
	}
	err = o.changed(func() error {
		const suffix = ", flashback standby log is"
		switch {
		case t.Role != roleStandby:
			return notAllowed.with(notStandby + suffix)
		case !t.normal():
			return notAllowed.with(statusNotNormal + suffix)
		case t.Change != stateNormal && t.Change != stateFlashbackStays:
			return notAllowed.with(switchoverNotMatch + suffix)
		case t.Source != nil:
			return notAllowed.with(flashbackSource + suffix)
		case t.Until != t.sync():
			return notAllowed.with(flashbackPaused + suffix)
		case scn < t.sync():
			return notAllowed.with(flashbackTooLow + suffix)
		}
		t.Change, t.Epoch, t.Services = stateFlashbackStays, max(t.Epoch+1, micros()), nil
		return nil
	})
	if err != nil {
		return err
	}
	return o.changed(func() error {
		for _, stream := range t.Streams {
			if err := stream.cutTo(min(scn, stream.Sync)); err != nil {
				return internalError.with()
			}
		}
		t.Change, t.Epoch = stateNormal, max(t.Epoch+1, micros())
		o.state.Cuts = append(o.state.Cuts, cut{t.ID, micros(), t.Epoch, "FLASHBACK STANDBY LOG", scn})
		o.log.line("flashback standby log tenant=%s scn=%d", t.Name, scn)
		return nil
	})
}

// changeTenant is ALTER SYSTEM CHANGE TENANT name, in a session of sys.
func (s *session) changeTenant(r *obsql.Reader) error {
	r.Accept("=")
	name, err := r.Name()
	if err != nil {
		return err
	}
	if !s.tenant.sys() {
		return noPrivilege.with("SUPER")
	}
	s.cluster.mu.Lock()
	defer s.cluster.mu.Unlock()
	t := s.cluster.state.tenantNamed(name)
	if t == nil {
		return unknownTenant.with(name)
	}
	s.effective = t
	return r.Done()
}
