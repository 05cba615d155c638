package observer

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"time"
)

// backupJob is a row of CDB_OB_BACKUP_JOBS while it runs and of the history
// afterwards. A job started from sys has a parent row for tenant 1.
type backupJob struct {
	ID        int64  `json:"id"`
	Tenant    int64  `json:"tenant"`
	Parent    int64  `json:"parent"` // the job of tenant 1; 0 for none
	Set       int64  `json:"set"`
	Type      string `json:"type"` // FULL or INC
	PlusLog   bool   `json:"plus_archivelog"`
	Encrypted bool   `json:"encrypted"`
	Password  string `json:"password,omitempty"`
	Path      string `json:"path"`
	Begun     int64  `json:"begun"`
	Ended     int64  `json:"ended"`
	Status    string `json:"status"`
	Result    int64  `json:"result"`
	Comment   string `json:"comment"`
	Describe  string `json:"description"`
}

// Statuses of backup jobs.
const (
	jobInit      = "INIT"
	jobDoing     = "DOING"
	jobCompleted = "COMPLETED"
	jobFailed    = "FAILED"
	jobCanceled  = "CANCELED"
)

func (j *backupJob) running() bool { return j.Status == jobInit || j.Status == jobDoing }

// backupSet is a backup set's file: the log up to SCN stands for the data.
type backupSet struct {
	Cluster   string         `json:"cluster"`
	ClusterID int64          `json:"cluster_id"`
	Version   Version        `json:"version"`
	Tenant    int64          `json:"tenant"`
	Name      string         `json:"name"`
	Mode      string         `json:"mode"`
	Set       int64          `json:"set"`
	SCN       int64          `json:"scn"`
	PlusLog   bool           `json:"plus_archivelog"`
	Password  string         `json:"password,omitempty"`
	Streams   []backupStream `json:"streams"`
}

type backupStream struct {
	ID      int64   `json:"id"`
	Create  int64   `json:"create"`
	Entries []entry `json:"entries"`
}

// startBackup makes the job's rows and begins it. The caller holds the lock.
func (o *Cluster) startBackup(t *tenant, parent int64, kind string, plusLog bool, password string) error {
	dir, err := localPath(t.Backup)
	if err != nil {
		return notAllowed.with(backupNoDest)
	}
	if !plusLog && (t.Archive == nil || !t.Archive.On || t.Archive.Status != archiveDoing) {
		return notAllowed.with(backupNoArchive)
	}
	for _, j := range o.state.Backups {
		if j.Tenant == t.ID && j.running() {
			return notAllowed.with(backupRunning)
		}
	}
	set := int64(1)
	for _, j := range o.state.Backups {
		if j.Tenant == t.ID {
			set = max(set, j.Set+1)
		}
	}
	for _, s := range backupSets(dir) {
		set = max(set, s.Set+1)
	}
	j := &backupJob{
		ID: o.jobID(), Tenant: t.ID, Parent: parent, Set: set, Type: kind, PlusLog: plusLog, Encrypted: password != "", Password: password,
		Path: t.Backup, Begun: micros(), Status: jobInit,
	}
	o.state.Backups = append(o.state.Backups, j)
	o.log.line("backup start tenant=%s job=%d", t.Name, j.ID)
	o.jobs.Go(func() { o.runBackup(j) })
	return nil
}

func (o *Cluster) jobID() int64 {
	o.state.NextJob++
	return o.state.NextJob - 1
}

// phase lets a job take its time; false when the cluster ends.
func (o *Cluster) phase() bool {
	return o.sleep(time.Duration(o.Pace.Job) + o.knobs.duration(knobSlowJobs))
}

// runBackup does a backup job from its beginning; a job that was interrupted by
// a crash is simply done again, for its set appears in one step.
func (o *Cluster) runBackup(j *backupJob) {
	if !o.phase() || !o.jobState(j, jobDoing) || !o.phase() {
		return
	}
	var set backupSet
	err := o.locked(func() error {
		t := o.state.tenantID(j.Tenant)
		if t == nil {
			return unknownTenant.with(strconv.FormatInt(j.Tenant, 10))
		}
		if reason, ok := o.knobs.get(knobBackup + "-" + t.Name); ok {
			return internalError.with(reason)
		}
		set = o.snapshot(t, j)
		return nil
	})
	if err == nil && o.phase() {
		err = set.write(j.Path)
	}
	if o.ctx.Err() != nil {
		return
	}
	o.endBackup(j, err)
}

// snapshot takes what every stream has.
func (o *Cluster) snapshot(t *tenant, j *backupJob) backupSet {
	set := backupSet{
		Cluster: o.Cluster, ClusterID: o.ClusterID, Version: o.Version, Tenant: t.ID, Name: t.Name, Mode: t.Mode, Set: j.Set,
		PlusLog: j.PlusLog, Password: j.Password, SCN: maxSCN,
	}
	for _, s := range t.Streams {
		set.SCN = min(set.SCN, o.endSCN(t, s))
	}
	for _, s := range t.Streams {
		b := backupStream{ID: s.ID, Create: s.Create}
		for _, e := range s.entries {
			if e.SCN <= set.SCN {
				b.Entries = append(b.Entries, e)
			}
		}
		set.Streams = append(set.Streams, b)
	}
	return set
}

func (s backupSet) write(uri string) error {
	dir, err := localPath(uri)
	if err != nil {
		return err
	}
	dir = filepath.Join(dir, fmt.Sprintf("backup_set_%d_full", s.Set))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return writeJSON(filepath.Join(dir, "set.json"), s)
}

func (o *Cluster) jobState(j *backupJob, status string) bool {
	return o.changed(func() error {
		if !j.running() {
			return errPassing // canceled
		}
		j.Status = status
		return nil
	}) == nil
}

func (o *Cluster) endBackup(j *backupJob, failed error) {
	_ = o.changed(func() error {
		if !j.running() {
			return nil
		}
		j.Status, j.Ended, j.Result = jobCompleted, micros(), 0
		if failed != nil {
			j.Status, j.Result, j.Comment = jobFailed, codeOf(failed), failed.Error()
		}
		o.log.line("backup end tenant=%d job=%d status=%s", j.Tenant, j.ID, j.Status)
		o.endParent(j)
		return nil
	})
}

// endParent ends the row of tenant 1 when all its children have ended.
func (o *Cluster) endParent(child *backupJob) {
	status := jobCompleted
	for _, j := range o.state.Backups {
		if j.Parent == child.Parent && j.Parent != 0 {
			switch {
			case j.running():
				return
			case j.Status != jobCompleted:
				status = j.Status
			}
		}
	}
	for _, j := range o.state.Backups {
		if j.ID == child.Parent && j.Tenant == sysID && j.running() {
			j.Status, j.Ended, j.Result, j.Comment = status, micros(), child.Result, child.Comment
		}
	}
}

// cancelBackups is CANCEL BACKUP.
func (o *Cluster) cancelBackups(tenants map[int64]bool) {
	for _, j := range o.state.Backups {
		if tenants[j.Tenant] && j.running() {
			j.Status, j.Ended, j.Result, j.Comment = jobCanceled, micros(), -4072, "backup is canceled"
			o.endParent(j)
		}
	}
}

// backupSets reads the sets in a directory, the oldest first.
func backupSets(dir string) []backupSet {
	names, _ := filepath.Glob(filepath.Join(dir, "backup_set_*_full", "set.json"))
	var all []backupSet
	for _, name := range names {
		var s backupSet
		if readJSON(name, &s) == nil && strings.Contains(name, fmt.Sprintf("backup_set_%d_full", s.Set)) {
			all = append(all, s)
		}
	}
	sort.Slice(all, func(i, j int) bool { return all[i].Set < all[j].Set })
	return all
}

// resumeJobs goes on with what a crash interrupted.
func (o *Cluster) resumeJobs() {
	for _, j := range o.state.Backups {
		if j.running() && j.Tenant != sysID {
			o.jobs.Go(func() { o.runBackup(j) })
		}
	}
	for _, j := range o.state.Restores {
		if j.running() {
			o.jobs.Go(func() { o.runRestore(j) })
		}
	}
}
