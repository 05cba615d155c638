package sim

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Roles of a database in replication.
const (
	roleNone   = ""
	roleSource = "source"
	roleTarget = "target"
)

// States of a database's files.
const (
	stateGood = "good"
	// stateVoid: prostrct create made it, nothing was restored into it.
	stateVoid = "void"
	// stateTorn: a restore began and did not end. Every access meets wrong
	// blocks.
	stateTorn = "torn"
)

// States of an after-image extent, as `aimage extent list` prints them.
const (
	aiEmpty    = "Empty"
	aiBusy     = "Busy"
	aiFull     = "Full"
	aiLocked   = "Locked"
	aiArchived = "Archived"
)

// master is the control area of a database: what stands in its .db file. Only
// the holder of the lock file writes it.
type master struct {
	Magic     string    `json:"magic"`
	Release   string    `json:"release"`
	BlockSize int       `json:"block_size"`
	Created   time.Time `json:"created"`
	State     string    `json:"state"`
	Role      string    `json:"role"`
	// Trx is the last transaction whose record is in the data extents.
	Trx uint64 `json:"trx"`
	// Areas are those of data and before image; AI the after-image extents.
	Areas []area     `json:"areas"`
	AI    afterImage `json:"ai"`
	// Lineage are the histories that led here: a transition begins a new one
	// after the given transaction of the one before.
	Lineage []line `json:"lineage"`
	// Marked: backed up since the last change of its history, which begin of
	// after-imaging demands.
	Marked     bool      `json:"marked"`
	LastFull   time.Time `json:"last_full"`
	LastIncr   time.Time `json:"last_incremental"`
	FullCount  int       `json:"full_count"`
	ReplState  replState `json:"replication"`
	BITruncate bool      `json:"bi_truncated"`
}

// line is one history: who was source from which transaction on.
type line struct {
	ID   string `json:"id"`
	From uint64 `json:"from"`
}

type area struct {
	Name    string   `json:"name"`
	Number  int      `json:"number"`
	Kind    string   `json:"kind"` // b, d, a, t as in structure files
	PerRec  int      `json:"records_per_block"`
	Cluster int      `json:"cluster"`
	Extents []extent `json:"extents"`
}

type extent struct {
	Path string `json:"path"`
	// SizeKB is 0 for a variable extent.
	SizeKB int `json:"size_kb"`
}

type afterImage struct {
	On       bool      `json:"on"`
	Begun    time.Time `json:"begun"`
	Switched time.Time `json:"switched"`
	Seq      int       `json:"seq"`
	Extents  []aiState `json:"extents"`
	// Archiver is AI file management: full extents are copied to the
	// directory and emptied.
	Archiver bool   `json:"archiver"`
	ArcDir   string `json:"archive_dir"`
	Interval int    `json:"interval"`
}

type aiState struct {
	Area   int       `json:"area"`
	Path   string    `json:"path"`
	SizeKB int       `json:"size_kb"`
	Status string    `json:"status"`
	Seq    int       `json:"seq"`
	First  uint64    `json:"first"` // number of its first transaction
	Start  time.Time `json:"start"`
}

// replState is what replication keeps in the database itself.
type replState struct {
	// LockFrom is the sequence number of the first AI extent that a target
	// still needs; 0 when none does.
	LockFrom int `json:"lock_from"`
	// SeedCount is, in a source, the FullCount of the backup that a target is
	// to be made from, 0 when none is open. In a database that was restored it
	// is the FullCount of the backup that it came from.
	SeedCount int `json:"seed_count"`
	// Prepared: the backup was taken with -REPLTargetCreation.
	Prepared bool `json:"prepared"`
	// Synced: source and target have been in step since the restore.
	Synced bool `json:"synced"`
	// Broken: an emergency shutdown of a target; it cannot resynchronise.
	Broken bool `json:"broken"`
	// Fresh: just made what it is by a transition and not replicated since.
	Fresh bool `json:"fresh"`
}

const masterMagic = "OpenEdge lab control area 1"

func readMaster(db string) (*master, error) {
	b, err := os.ReadFile(db + ".db")
	if err != nil {
		return nil, say(msgNoDatabase, db)
	}
	m := &master{}
	if json.Unmarshal(bytes.TrimRight(b, "\x00\n"), m) != nil || m.Magic != masterMagic {
		return nil, say(msgWrongBlock, 0, 1, 1)
	}
	return m, nil
}

// usable complains about a database that no program can open.
func (m *master) usable(db string) error {
	switch m.State {
	case stateGood:
		return nil
	case stateVoid:
		return say(msgVoid, filepath.Base(db))
	}
	return say(msgWrongBlock, 0, 192, 6)
}

func (m *master) write(db string) error {
	m.Magic = masterMagic
	return writeJSON(db+".db", m)
}

func (m *master) area(kind string) []area {
	return slices.DeleteFunc(slices.Clone(m.Areas), func(a area) bool { return a.Kind != kind })
}

// data is the area of the clients' records: the last of the data areas.
func (m *master) data() area {
	all := m.area("d")
	if len(all) == 0 {
		return area{}
	}
	return all[len(all)-1]
}

// schema is the first of the data areas.
func (m *master) schema() area {
	all := m.area("d")
	if len(all) == 0 {
		return area{}
	}
	return all[0]
}

func (m *master) bi() string {
	for _, a := range m.area("b") {
		return a.Extents[0].Path
	}
	return ""
}

// busy is the index of the AI extent that is written, -1 for none.
func (m *master) busy() int {
	return slices.IndexFunc(m.AI.Extents, func(e aiState) bool { return e.Status == aiBusy })
}

// syncAI makes the list of AI extents from the areas, keeping the state of those
// that are known.
func (m *master) syncAI() {
	var all []aiState
	for _, a := range m.area("a") {
		e := a.Extents[0]
		s := aiState{Area: a.Number, Path: e.Path, SizeKB: e.SizeKB, Status: aiEmpty}
		if i := slices.IndexFunc(m.AI.Extents, func(o aiState) bool { return o.Path == e.Path }); i >= 0 {
			s = m.AI.Extents[i]
		}
		all = append(all, s)
	}
	m.AI.Extents = all
}

// lineAt says whether a database of the given history and transaction is a
// beginning of this one's, and how far this one follows that history.
func (m *master) lineAt(id string, trx, ours uint64) bool {
	i := slices.IndexFunc(m.Lineage, func(l line) bool { return l.ID == id })
	if i < 0 {
		return false
	}
	end := ours
	if i+1 < len(m.Lineage) {
		end = m.Lineage[i+1].From
	}
	return trx <= end
}

func (m *master) history() string {
	if len(m.Lineage) == 0 {
		return ""
	}
	return m.Lineage[len(m.Lineage)-1].ID
}
