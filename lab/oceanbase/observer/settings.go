package observer

import (
	"strings"

	"github.com/switchback-dr/switchback/lab/oceanbase/obsql"
)

// setSystem is ALTER SYSTEM SET name = value [TENANT = t].
func (s *session) setSystem(r *obsql.Reader) error {
	name, err := r.Identifier()
	if err != nil {
		return err
	}
	if err := r.Expect("="); err != nil {
		return err
	}
	value := r.Next()
	if value.Kind != obsql.String && value.Kind != obsql.Number && value.Kind != obsql.Word {
		return r.Syntax()
	}
	tenantName, given, err := tenantClause(r)
	if err != nil {
		return err
	}
	if err := r.Done(); err != nil {
		return err
	}
	set, ok := tenantSettings[strings.ToUpper(name)]
	if !ok {
		return s.setParameter(strings.ToLower(name), value.Text, given)
	}
	t, err := s.target(tenantName, given)
	if err != nil {
		return err
	}
	return set(s.cluster, t, value.Text)
}

// tenantSettings are those of one tenant.
var tenantSettings = map[string]func(o *Cluster, t *tenant, value string) error{
	"LOG_RESTORE_SOURCE": (*Cluster).setSource,
	"LOG_ARCHIVE_DEST":   (*Cluster).setArchive,
	"DATA_BACKUP_DEST":   (*Cluster).setBackup,
}

// setParameter sets one of the cluster's parameters that the simulator has.
func (s *session) setParameter(name, value string, given bool) error {
	if err := s.sysOnly(); err != nil {
		return err
	}
	return s.cluster.changed(func() error {
		if _, known := s.cluster.state.Parameters[name]; !known || given {
			return &obsql.Error{Code: 5099, State: "42000", Text: "System config unknown"}
		}
		s.cluster.state.Parameters[name] = value
		s.cluster.log.line("parameter %s=%s", name, value)
		return nil
	})
}

// setSource looks at the source without the lock, for it may be slow.
func (o *Cluster) setSource(t *tenant, value string) error {
	src, err := parseSource(value)
	if err != nil {
		return err
	}
	if err := o.checkSource(t, src); err != nil {
		return err
	}
	return o.changed(func() error {
		t.Source, t.Modified = src, micros()
		t.follow.past, t.follow.health, t.follow.code = "", nil, 0
		kind := "none"
		if src != nil {
			kind = src.Type
		}
		o.log.line("log_restore_source tenant=%s type=%s", t.Name, kind)
		return nil
	})
}

// setArchive is LOG_ARCHIVE_DEST='LOCATION=uri [BINDING=..] [PIECE_SWITCH_INTERVAL=..]'.
func (o *Cluster) setArchive(t *tenant, value string) error {
	uri := ""
	for _, part := range strings.Fields(value) {
		name, v, ok := strings.Cut(part, "=")
		switch {
		case !ok:
			return badArguments.with("log_archive_dest")
		case strings.EqualFold(name, "LOCATION"):
			uri = v
		case strings.EqualFold(name, "BINDING"), strings.EqualFold(name, "PIECE_SWITCH_INTERVAL"):
		default:
			return badArguments.with("log_archive_dest")
		}
	}
	if _, err := localPath(uri); value != "" && err != nil {
		return badArguments.with("log_archive_dest")
	}
	return o.changed(func() error {
		if t.Archive != nil && t.Archive.On {
			return notAllowed.with(archiveRunning)
		}
		if uri != "" && uri == t.Backup {
			return badArguments.with("log_archive_dest, it is the data backup dest")
		}
		round := int64(0)
		if t.Archive != nil {
			round = t.Archive.Round
		}
		t.Archive = &archive{URI: uri, Status: archiveStop, Round: round}
		if uri == "" {
			t.Archive = nil
		}
		return nil
	})
}

func (o *Cluster) setBackup(t *tenant, value string) error {
	if _, err := localPath(value); value != "" && err != nil {
		return badArguments.with("data_backup_dest")
	}
	return o.changed(func() error {
		if t.Archive != nil && value != "" && t.Archive.URI == value {
			return badArguments.with("data_backup_dest, it is the log archive dest")
		}
		t.Backup = value
		return nil
	})
}

// archivelog is ARCHIVELOG or NOARCHIVELOG.
func (s *session) archivelog(r *obsql.Reader, on bool) error {
	name, given, err := tenantClause(r)
	if err != nil {
		return err
	}
	if err := r.Done(); err != nil {
		return err
	}
	t, err := s.target(name, given)
	if err != nil {
		return err
	}
	o := s.cluster
	return o.changed(func() error {
		if on {
			return o.startArchive(t)
		}
		if t.Archive == nil || !t.Archive.On {
			return alreadyNot.with()
		}
		t.Archive.On, t.Archive.Status = false, archiveStop
		return nil
	})
}

// backup is BACKUP DATABASE or BACKUP [INCREMENTAL] TENANT = t, both with
// [PLUS ARCHIVELOG]. It answers at once; the job goes on.
func (s *session) backup(r *obsql.Reader) error {
	kind := "FULL"
	if r.Accept("INCREMENTAL") {
		kind = "INC"
	}
	all := r.Accept("DATABASE")
	name, given := "", false
	if !all {
		var err error
		if name, given, err = tenantClause(r); err != nil {
			return err
		}
		if !given {
			return r.Syntax()
		}
	}
	plusLog := r.Accept("PLUS", "ARCHIVELOG")
	if err := r.Done(); err != nil {
		return err
	}
	o := s.cluster
	var targets []*tenant
	if all && s.effective.sys() {
		o.mu.Lock()
		for _, t := range o.state.Tenants {
			if !t.sys() && t.normal() && !t.Recycled {
				targets = append(targets, t)
			}
		}
		o.mu.Unlock()
	} else {
		t, err := s.target(name, given)
		if err != nil {
			return err
		}
		targets = append(targets, t)
	}
	return o.changed(func() error {
		parent := int64(0)
		if s.effective.sys() {
			parent = o.jobID()
			o.state.Backups = append(o.state.Backups, &backupJob{ID: parent, Tenant: sysID, Type: kind, PlusLog: plusLog, Begun: micros(), Status: jobDoing})
		}
		for _, t := range targets {
			if err := o.startBackup(t, parent, kind, plusLog, s.encryption); err != nil {
				o.dropParent(parent)
				return err
			}
		}
		return nil
	})
}

// dropParent takes back the row of a job that did not begin.
func (o *Cluster) dropParent(id int64) {
	var rest []*backupJob
	for _, j := range o.state.Backups {
		if j.ID != id || j.Tenant != sysID {
			rest = append(rest, j)
		}
	}
	o.state.Backups = rest
}

func (s *session) cancelBackup(r *obsql.Reader) error {
	name, given, err := tenantClause(r)
	if err != nil {
		return err
	}
	if err := r.Done(); err != nil {
		return err
	}
	o := s.cluster
	return o.changed(func() error {
		ids := map[int64]bool{}
		for _, t := range o.state.Tenants {
			own := !s.effective.sys() && t == s.effective
			if own || s.effective.sys() && (!given || strings.EqualFold(t.Name, name)) {
				ids[t.ID] = true
			}
		}
		o.cancelBackups(ids)
		return nil
	})
}

// restore is RESTORE t FROM 'data[,archive]' [UNTIL ..] WITH 'options'.
func (s *session) restore(r *obsql.Reader) error {
	if err := s.sysOnly(); err != nil {
		return err
	}
	j := &restoreJob{Password: s.decryption}
	var err error
	if j.Name, err = r.Identifier(); err != nil {
		return err
	}
	if err := r.Expect("FROM"); err != nil {
		return err
	}
	from, err := r.Text()
	if err != nil {
		return err
	}
	j.Data, j.Archive, _ = strings.Cut(from, ",")
	if r.Accept("UNTIL", "SCN", "=") {
		j.Until, err = r.Integer()
	} else if r.Accept("UNTIL", "TIME", "=") {
		j.Until, err = scnOf(r)
	}
	if err != nil {
		return err
	}
	if err := r.Expect("WITH"); err != nil {
		return err
	}
	if j.Option, err = r.Text(); err != nil {
		return err
	}
	if r.Accept("DESCRIPTION") {
		r.Accept("=")
		if j.Describe, err = r.Text(); err != nil {
			return err
		}
	}
	if err := r.Done(); err != nil {
		return err
	}
	options, err := readOption(j.Option)
	if err != nil {
		return err
	}
	j.Pool = options["pool_list"]
	return s.cluster.changed(func() error { return s.cluster.startRestore(j) })
}

// cancelRestore ends a job; its half tenant goes, as CANCEL RESTORE documents.
func (s *session) cancelRestore(r *obsql.Reader) error {
	name, err := r.Identifier()
	if err != nil {
		return err
	}
	if err := r.Done(); err != nil {
		return err
	}
	o := s.cluster
	return o.changed(func() error {
		t := o.state.tenantNamed(name)
		if t == nil || t.Status != statusRestore {
			return entryNotExist.with()
		}
		for _, j := range o.state.Restores {
			if j.Tenant == t.ID && j.running() {
				j.Cancel, j.Status, j.Ended, j.Phase, j.Comment, j.Result = true, restoreFailed, micros(), "RESTORE_FAIL", "canceled", -4072
			}
		}
		return o.dropTenant(t, false)
	})
}
