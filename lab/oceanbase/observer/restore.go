package observer

import (
	"strconv"
	"strings"
)

// restoreJob is two rows of CDB_OB_RESTORE_PROGRESS while it runs, for tenant 1
// and for the new tenant, and of the history afterwards.
type restoreJob struct {
	ID       int64  `json:"id"`
	Tenant   int64  `json:"tenant"`
	Name     string `json:"name"`
	Data     string `json:"data"`
	Archive  string `json:"archive"`
	Option   string `json:"option"`
	Pool     string `json:"pool"`
	Until    int64  `json:"until"` // 0: the latest
	Password string `json:"password,omitempty"`
	Describe string `json:"description"`
	Begun    int64  `json:"begun"`
	Ended    int64  `json:"ended"`
	Phase    string `json:"phase"`  // of the tenant's row
	Status   string `json:"status"` // "" while it runs, then SUCCESS or FAILED
	Result   int64  `json:"result"`
	Comment  string `json:"comment"`
	Scn      int64  `json:"scn"`
	From     string `json:"from"` // the backup's tenant, as text for the views
	FromID   int64  `json:"from_id"`
	FromName string `json:"from_cluster"`
	Set      int64  `json:"set"`
	Cancel   bool   `json:"cancel,omitempty"`
}

// Phases of the tenant's row.
var restorePhases = []string{"RESTORE_PRE", "RESTORE_CREATE_INIT_LS", "RESTORE_WAIT_LS", "POST_CHECK"}

const (
	restoreSuccess = "SUCCESS"
	restoreFailed  = "FAILED"
)

func (j *restoreJob) running() bool { return j.Status == "" }

// startRestore checks a RESTORE and begins it. The caller holds the lock.
func (o *Cluster) startRestore(j *restoreJob) error {
	if o.state.tenantNamed(j.Name) != nil {
		return tenantExists.with(j.Name)
	}
	if err := o.poolFree(j.Pool); err != nil {
		return err
	}
	dir, err := localPath(j.Data)
	if err != nil {
		return badArguments.with("uri")
	}
	sets := backupSets(dir)
	if len(sets) == 0 {
		return noBackup.with()
	}
	set, ok := pick(sets, j.Until)
	if !ok {
		return noBackup.with()
	}
	switch {
	case set.Password != j.Password:
		return wrongPassword.with()
	case !o.Version.AtLeast(set.Version):
		return notSupported.with("restore to a version lower than the backup's is")
	case j.Archive == "" && !set.PlusLog:
		return noBackup.with()
	}
	j.ID, j.Begun, j.Phase, j.Set = o.jobID(), micros(), restorePhases[0], set.Set
	j.From, j.FromID, j.FromName = set.Name, set.Tenant, set.Cluster
	t := o.newTenant(j.Name, set.Mode, j.Pool)
	t.Status, t.Role = statusRestore, roleRestore
	j.Tenant = t.ID
	o.state.Restores = append(o.state.Restores, j)
	o.log.line("restore start tenant=%s job=%d", j.Name, j.ID)
	o.jobs.Go(func() { o.runRestore(j) })
	return nil
}

// pick is the newest set that is not behind the wanted SCN.
func pick(sets []backupSet, until int64) (backupSet, bool) {
	for i := len(sets) - 1; i >= 0; i-- {
		if until == 0 || sets[i].SCN <= until {
			return sets[i], true
		}
	}
	return backupSet{}, false
}

// runRestore goes through the phases; after a crash from the beginning.
func (o *Cluster) runRestore(j *restoreJob) {
	for _, p := range restorePhases {
		canceled := false
		err := o.changed(func() error {
			j.Phase, canceled = p, j.Cancel
			return nil
		})
		if err != nil || canceled || !o.phase() {
			break
		}
	}
	if o.ctx.Err() != nil {
		return
	}
	_ = o.changed(func() error {
		err := o.restoreTenant(j)
		j.Status, j.Ended, j.Phase = restoreSuccess, micros(), "RESTORE_SUCCESS"
		if err != nil {
			j.Status, j.Phase, j.Result, j.Comment = restoreFailed, "RESTORE_FAIL", codeOf(err), err.Error()
		}
		o.log.line("restore end tenant=%s job=%d status=%s", j.Name, j.ID, j.Status)
		return nil
	})
}

// restoreTenant fills the new tenant. One that fails stays in RESTORE with its
// pool in use, until somebody cancels or drops it.
func (o *Cluster) restoreTenant(j *restoreJob) error {
	t := o.state.tenantID(j.Tenant)
	if t == nil {
		return unknownTenant.with(j.Name)
	}
	if j.Cancel {
		return internalError.with()
	}
	if _, ok := o.knobs.get(knobRestore + "-" + t.Name); ok {
		return replicaNum.with()
	}
	dir, err := localPath(j.Data)
	if err != nil {
		return badArguments.with("uri")
	}
	set, ok := pick(backupSets(dir), j.Until)
	if !ok {
		return noBackup.with()
	}
	t.dropStreams()
	until, err := o.restoreStreams(t, set, j)
	if err != nil {
		return err
	}
	j.Scn = until
	t.Role, t.Status, t.Change, t.Until, t.Modified = roleStandby, statusNormal, stateNormal, until, micros()
	if j.Archive != "" {
		t.Source = &source{Type: "LOCATION", Location: j.Archive}
	}
	t.content = nil
	t.refresh()
	o.attend(t)
	return nil
}

// restoreStreams writes the set's log and the archive's behind it, up to the
// wanted SCN or the last that the archive has for all streams.
func (o *Cluster) restoreStreams(t *tenant, set backupSet, j *restoreJob) (int64, error) {
	until := set.SCN
	var metas []archiveMeta
	var dir string
	if j.Archive != "" {
		var err error
		if dir, err = localPath(j.Archive); err != nil {
			return 0, badArguments.with("uri")
		}
		if metas, err = readArchive(dir); err != nil {
			return 0, noBackup.with()
		}
		last := metas[len(metas)-1]
		if last.SCN < set.SCN {
			return 0, noBackup.with()
		}
		if until = last.SCN; j.Until != 0 {
			until = min(until, j.Until)
		}
	}
	for _, b := range set.Streams {
		s := &stream{ID: b.ID, Create: b.Create, Access: accessRaw, Begin: int64(len(b.Entries)), BeginSCN: set.SCN}
		if err := s.reset(o.store.tenantDir(t.ID)); err != nil {
			return 0, err
		}
		t.Streams = append(t.Streams, s)
		t.History = append(t.History, streamPast{s.ID, s.Create})
		if err := s.fill(b.Entries, until); err != nil {
			return 0, err
		}
		if metas != nil {
			more, _, gap, err := archived(dir, metas, s.ID, s.end())
			if err != nil || gap {
				return 0, noBackup.with()
			}
			if err := s.fill(more, until); err != nil {
				return 0, err
			}
		}
		if err := s.setSync(until); err != nil {
			return 0, err
		}
	}
	return until, nil
}

// fill appends copied entries up to an SCN.
func (s *stream) fill(entries []entry, until int64) error {
	var take []entry
	for _, e := range entries {
		if e.SCN > until {
			break
		}
		take = append(take, e)
	}
	if len(take) == 0 {
		return nil
	}
	return s.write(take...)
}

// readOption reads 'pool_list=p&locality=..&primary_zone=..&concurrency=n'.
func readOption(text string) (map[string]string, error) {
	all := map[string]string{}
	for _, part := range strings.Split(text, "&") {
		name, value, ok := strings.Cut(part, "=")
		if !ok {
			return nil, badArguments.with("restore option")
		}
		all[strings.ToLower(strings.TrimSpace(name))] = strings.TrimSpace(value)
	}
	if n, ok := all["concurrency"]; ok {
		if _, err := strconv.Atoi(n); err != nil {
			return nil, badArguments.with("restore option concurrency")
		}
	}
	if all["pool_list"] == "" {
		return nil, badArguments.with("pool_list")
	}
	return all, nil
}
