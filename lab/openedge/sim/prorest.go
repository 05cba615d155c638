package sim

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

// restoreJob is one run of prorest.
type restoreJob struct {
	*proc
	db, device string
	target     bool // -REPLTransition
	verbose    bool
	begun      time.Time
}

// prorest db device [-vp|-vf|-list|-describe] [-REPLTransition] [options]
// (manual, PROREST utility; -REPLTransition: replication guide).
func prorest(p *proc) int {
	p.banner()
	for _, option := range []string{"-dbrestrict", "-thread", "-threadnum", "-rbf", "-wbf"} {
		p.takeValue(option)
	}
	j := &restoreJob{proc: p, begun: time.Now()}
	j.target, j.verbose = p.take("-REPLTransition"), p.take("-verbose")
	p.take("-newinstance")
	p.take("-noverify")
	p.take("-keeptargetlfe")
	vp, vf, list, describe := p.take("-vp"), p.take("-vf"), p.take("-list"), p.take("-describe")
	if len(p.args) != 2 {
		return p.fail(msgUsage, "prorest db device [-vp|-vf|-list|-describe] [options]")
	}
	var err error
	if j.db, err = p.database(p.args[0]); err != nil {
		return p.failed(err)
	}
	if j.device, err = p.path(p.args[1]); err != nil {
		return p.failed(err)
	}
	v, err := openVolume(j.device)
	if err != nil {
		return p.failed(err)
	}
	defer v.close()
	switch {
	case list:
		j.list(v.seed)
	case describe:
		j.describe(v.seed)
	case vp, vf:
		err = j.verify(v, vf)
	default:
		err = j.restore(v)
	}
	if err != nil {
		code := p.failed(err)
		if !list && !vp && !vf {
			p.say(msgRestoreFailed)
			p.say(msgRestoreUtilityFailed)
		}
		return code
	}
	return 0
}

func ctime(t time.Time) string { return t.Format(time.ANSIC) }

// list prints the areas of the backup (manual, "Obtain storage area
// descriptions using PROREST"). Size is in records: blocks times records per
// block.
func (j *restoreJob) list(s *seed) {
	for i, a := range s.Master.area("d") {
		fmt.Fprintf(j.out, "Area Name: %s\n        Size: %d, Records/Block: %d, Area Number: %d, Cluster Size: %d\n",
			a.Name, s.Used[i]*a.PerRec, a.PerRec, a.Number, a.Cluster)
	}
}

// describe prints what the file is (manual, "Obtain backup file descriptions").
func (j *restoreJob) describe(s *seed) {
	kind := "full"
	if s.Incr {
		kind = "incremental"
	}
	yes := map[bool]string{true: "TRUE", false: "FALSE"}
	for _, line := range [][2]string{
		{fmt.Sprintf("Volume %d of a %s backup for database", s.Volume, kind), s.Database},
		{"Taken at", ctime(s.At)},
		{"OpenEdge version", s.Master.Release},
		{"Minimum version to restore", s.Master.Release},
		{"Backup version", "1"},
		{"Platform", runtime.GOOS},
		{"Endianness", "Little"},
		{"Online", yes[s.Online]},
		{"Incremental", yes[s.Incr]},
		{"Enable AI", yes[false]},
		{"Backup BI", yes[s.Online]},
		{"Volume size", "0"},
	} {
		fmt.Fprintf(j.out, "%s: %s\n", line[0], line[1])
	}
}

// head says what the volume is, as every run that reads it does.
func (j *restoreJob) head(s *seed) {
	kind := "a full backup"
	if s.Incr {
		kind = "an incremental backup"
	}
	j.say(msgVolumeOf, kind, s.Database)
	j.say(msgVolumeTaken, ctime(s.At))
	n := s.total()
	j.say(msgVolumeNeeds, n+n/10+7)
}

// verify reads the whole volume; full also compares it with the database.
func (j *restoreJob) verify(v *volumeReader, full bool) error {
	j.head(v.seed)
	j.say(msgVerifyStarted)
	var m *master
	if full {
		l, err := takeLock(j.db, j.cfg.Host, modeSingle)
		if err != nil {
			return err
		}
		defer l.release()
		if m, err = readMaster(j.db); err != nil {
			return err
		}
	}
	for {
		number, at, block, done, err := v.next()
		if err != nil {
			return err
		}
		if done {
			break
		}
		wait(j.config().Pace.slow(j.cfg.Pace.Restore) / time.Duration(v.seed.total()+1))
		if m == nil {
			continue
		}
		for _, a := range m.area("d") {
			if a.Number != number {
				continue
			}
			here, ok, err := m.file(a).read(at)
			if err != nil {
				return err
			}
			if !ok || string(here) != string(block) {
				return say(msgVerifyDiffers, at, number)
			}
		}
	}
	if full {
		j.say(msgFullVerifyDone)
		return nil
	}
	j.say(msgVerifiedOK, v.seed.Database)
	return nil
}

// restore writes the database. From its first write to its last the database
// is torn: every access meets wrong blocks.
func (j *restoreJob) restore(v *volumeReader) error {
	s := v.seed
	l, err := takeLock(j.db, j.cfg.Host, modeSingle)
	if err != nil {
		return err
	}
	defer l.release()
	old, err := j.allowed(s)
	if err != nil {
		return err
	}
	m, err := j.plan(s, old)
	if err != nil {
		return err
	}
	j.head(s)
	lg(j.db, asRestore, 'I', msgRestoreStarted, j.device)
	m.State = stateTorn
	if err := m.write(j.db); err != nil {
		return err
	}
	if err := j.fill(v, m); err != nil {
		lg(j.db, asRestore, 'F', msgRestoreUtilityFailed)
		return err
	}
	m.State = stateGood
	if err := m.write(j.db); err != nil {
		return err
	}
	j.say(msgRead, s.total(), clock(time.Since(j.begun)))
	lg(j.db, asRestore, 'I', msgRestoreEnded)
	return nil
}

// allowed refuses to overwrite what must not be, and asks before it does. It
// gives the old control area, if there is one.
func (j *restoreJob) allowed(s *seed) (*master, error) {
	if s.Incr {
		return nil, say(msgIncrFirst)
	}
	if s.Master.Release != j.cfg.Release {
		return nil, say(msgWrongRelease, s.Master.Release, j.cfg.Release)
	}
	if _, err := os.Stat(j.db + ".db"); err != nil {
		return nil, nil //nolint:nilerr // nothing is overwritten
	}
	old, err := readMaster(j.db)
	if err != nil {
		return nil, err
	}
	if old.Role != roleNone && !j.target {
		return nil, say(msgRestoreReplicated, filepath.Base(j.db), old.Role)
	}
	if old.State != stateVoid && !j.sureYes(msgOverwrite, j.db) {
		return nil, say(msgNotOverwritten)
	}
	return old, nil
}

// plan makes the control area of the restored database: the structure file's
// areas, or those of the database that is there, or one variable extent for
// each area in the working directory.
func (j *restoreJob) plan(s *seed, old *master) (*master, error) {
	m := *s.Master
	m.Created, m.Role, m.AI, m.Marked = time.Now(), roleNone, afterImage{}, true
	m.ReplState = replState{SeedCount: s.Count, Prepared: s.Prepared}
	m.Trx, m.LastFull, m.FullCount = s.Trx, s.At, s.Count
	if j.target {
		m.Role = roleTarget
	}
	switch b, err := os.ReadFile(j.db + ".st"); {
	case err == nil:
		if m.Areas, err = parseStructure(string(b), j.db); err != nil {
			return nil, err
		}
	case old != nil:
		m.Areas = old.Areas
	default:
		m.Areas = j.defaults(s.Master)
	}
	if err := j.checkPlaces(m.Areas); err != nil {
		return nil, err
	}
	if old != nil && old.BlockSize != m.BlockSize && old.State == stateVoid {
		return nil, say(msgBlockSize, old.BlockSize, m.BlockSize)
	}
	m.AI.Extents = nil
	m.syncAI()
	return &m, nil
}

// defaults are variable extents beside each other in the working directory.
func (j *restoreJob) defaults(from *master) []area {
	dir, err := os.Getwd()
	if err != nil {
		dir = filepath.Dir(j.db)
	}
	base := filepath.Join(dir, filepath.Base(j.db))
	var all []area
	for _, a := range from.Areas {
		path := fmt.Sprintf("%s_%d.d1", base, a.Number)
		switch {
		case a.Kind == "b":
			path = base + ".b1"
		case a.Kind == "a":
			continue
		case a.Number == schemaArea:
			path = base + ".d1"
		}
		a.Extents = []extent{{Path: path}}
		all = append(all, a)
	}
	return all
}

// fill creates the extents and writes the blocks.
func (j *restoreJob) fill(v *volumeReader, m *master) error {
	areas := map[int]area{}
	for _, a := range m.Areas {
		if err := m.file(a).create(); err != nil {
			return err
		}
		if a.Kind == "d" {
			areas[a.Number] = a
		}
	}
	for i, a := range v.seed.Master.area("d") {
		to, ok := areas[a.Number]
		if !ok {
			return say(msgAreaMissing, a.Number, a.Name)
		}
		if to.PerRec != a.PerRec {
			return say(msgAreaDiffers, a.Number, a.Name)
		}
		if room := m.file(to).capacity(); room >= 0 && room < v.seed.Used[i] {
			return say(msgExtendFailed)
		}
	}
	free := j.cfg.free(j.db)
	last := time.Now()
	for {
		number, at, block, done, err := v.next()
		if err != nil || done {
			return err
		}
		if free >= 0 && int64(v.count)*int64(m.BlockSize) > free {
			return say(msgExtendFailed)
		}
		if err := m.file(areas[number]).write(at, block); err != nil {
			return err
		}
		wait(j.config().Pace.slow(j.cfg.Pace.Restore) / time.Duration(v.seed.total()))
		if j.verbose && time.Since(last) > 10*time.Duration(j.cfg.Pace.Second)*time.Millisecond {
			last = time.Now()
			j.say(msgExtending, number, 64)
		}
	}
}

// prodel removes a database after a question: its control area, extents, logs.
// The structure file and replication's files stay (manual, PRODEL).
func prodel(p *proc) int {
	p.banner()
	if len(p.args) != 1 {
		return p.fail(msgUsage, "prodel db")
	}
	db, err := p.existing(p.args[0])
	if err != nil {
		return p.failed(err)
	}
	l, err := takeLock(db, p.cfg.Host, modeSingle)
	if err != nil {
		return p.failed(err)
	}
	defer l.release()
	if !p.sureYes(msgDelete, db) {
		return p.fail(msgNotDeleted)
	}
	if m, err := readMaster(db); err == nil {
		for _, a := range m.Areas {
			for _, x := range a.Extents {
				if p.ours(x.Path) {
					_ = os.Remove(x.Path)
				}
			}
		}
	}
	for _, end := range []string{".db", ".lg"} {
		_ = os.Remove(db + end)
	}
	p.say(msgDeleted, db)
	return 0
}
