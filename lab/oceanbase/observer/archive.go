package observer

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// Statuses of an archive round.
const (
	archiveBeginning   = "BEGINNING"
	archiveDoing       = "DOING"
	archiveStop        = "STOP"
	archiveInterrupted = "INTERRUPTED"
)

// archiveMeta is the checkpoint file of a round: up to which SCN everything is
// in it, and whose log it is.
type archiveMeta struct {
	Cluster   string                  `json:"cluster"`
	ClusterID int64                   `json:"cluster_id"`
	Tenant    int64                   `json:"tenant"`
	Name      string                  `json:"name"`
	Version   Version                 `json:"version"`
	Round     int64                   `json:"round"`
	Start     int64                   `json:"start_scn"`
	SCN       int64                   `json:"checkpoint_scn"`
	Streams   map[int64]archiveStream `json:"streams"`
}

// archiveStream is one stream's part: the log entries from Begin to End.
type archiveStream struct {
	Create  int64 `json:"create"`
	Begin   int64 `json:"begin"`
	End     int64 `json:"end"`
	Through int64 `json:"through"`
}

func roundDir(dir string, round int64) string {
	return filepath.Join(dir, "round_"+strconv.FormatInt(round, 10))
}

// writeJSON replaces a file in one step.
func writeJSON(path string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", b, 0o644); err != nil {
		return fmt.Errorf("%s cannot be written: %w", path, err)
	}
	return os.Rename(path+".new", path)
}

func readJSON(path string, into any) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, into)
}

// archiveForever writes one tenant's log to its archive as long as it exists.
func (o *Cluster) archiveForever(id int64) {
	for o.sleep(time.Duration(o.Pace.Poll)) {
		o.mu.Lock()
		t := o.state.tenantID(id)
		if t == nil {
			o.mu.Unlock()
			return
		}
		o.misfortunes(t)
		if err := o.archiveOnce(t); err != nil {
			t.Archive.Status, t.Archive.Comment = archiveInterrupted, err.Error()
			o.log.line("archive of tenant %s: %v", t.Name, err)
		}
		o.mu.Unlock()
	}
}

// archiveOnce writes what is new. Only what every stream has is archived, so
// that a failover never cuts below what is in the archive.
func (o *Cluster) archiveOnce(t *tenant) error {
	a := t.Archive
	if a == nil || !a.On || a.Status == archiveInterrupted || o.knobs.on(knobArchive+"-"+t.Name) {
		return nil
	}
	dir, err := localPath(a.URI)
	if err != nil {
		return err
	}
	dir = roundDir(dir, a.Round)
	path := filepath.Join(dir, "checkpoint.json")
	var m archiveMeta
	if err := readJSON(path, &m); err != nil {
		return fmt.Errorf("the archive cannot be read: %w", err)
	}
	if m.ClusterID != o.ClusterID || m.Tenant != t.ID {
		return errors.New("the archive belongs to another tenant")
	}
	limit := maxSCN
	for _, s := range t.Streams {
		limit = min(limit, o.endSCN(t, s))
	}
	for _, s := range t.Streams {
		if err := archiveEntries(dir, s, m.Streams, limit); err != nil {
			return err
		}
	}
	m.SCN = max(m.SCN, limit)
	if err := writeJSON(path, m); err != nil {
		return err
	}
	if a.Status == archiveBeginning {
		a.Status = archiveDoing
		if err := o.save(); err != nil {
			return err
		}
	}
	a.Checkpoint = m.SCN
	return nil
}

func archiveEntries(dir string, s *stream, streams map[int64]archiveStream, limit int64) error {
	p, known := streams[s.ID]
	if !known {
		p = archiveStream{Create: s.Create}
	}
	var text []byte
	for p.End < s.end() && s.entries[p.End].SCN <= limit {
		b, err := json.Marshal(s.entries[p.End])
		if err != nil {
			return err
		}
		text = append(append(text, b...), '\n')
		p.End++
	}
	p.Through = max(p.Through, limit)
	if len(text) > 0 {
		f, err := os.OpenFile(filepath.Join(dir, fmt.Sprintf("ls_%d.log", s.ID)), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
		if err != nil {
			return err
		}
		_, err = f.Write(text)
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	streams[s.ID] = p
	return nil
}

// startArchive opens a new round. The caller holds the lock.
func (o *Cluster) startArchive(t *tenant) error {
	a := t.Archive
	if a == nil || a.URI == "" {
		return notAllowed.with(archiveNoDest)
	}
	if a.On {
		return alreadyArchiving.with()
	}
	dir, err := localPath(a.URI)
	if err != nil {
		return badArguments.with("log_archive_dest")
	}
	if metas, err := readArchive(dir); err == nil {
		last := metas[len(metas)-1]
		if last.ClusterID != o.ClusterID || last.Tenant != t.ID {
			return notAllowed.with(archiveForeign)
		}
		a.Round = max(a.Round, last.Round)
	}
	a.Round++
	if err := os.MkdirAll(roundDir(dir, a.Round), 0o755); err != nil {
		return badArguments.with("log_archive_dest")
	}
	m := archiveMeta{
		Cluster: o.Cluster, ClusterID: o.ClusterID, Tenant: t.ID, Name: t.Name, Version: o.Version, Round: a.Round,
		Start: t.sync(), Streams: map[int64]archiveStream{},
	}
	for _, s := range t.Streams {
		m.Streams[s.ID] = archiveStream{Create: s.Create, Begin: s.end(), End: s.end()}
	}
	if err := writeJSON(filepath.Join(roundDir(dir, a.Round), "checkpoint.json"), m); err != nil {
		return err
	}
	a.On, a.Status, a.Start, a.Checkpoint, a.Comment = true, archiveBeginning, m.Start, 0, ""
	return nil
}

// readArchive reads the checkpoints of all rounds, the first round first.
func readArchive(dir string) ([]archiveMeta, error) {
	var all []archiveMeta
	for round := int64(1); ; round++ {
		var m archiveMeta
		err := readJSON(filepath.Join(roundDir(dir, round), "checkpoint.json"), &m)
		if errors.Is(err, os.ErrNotExist) {
			break
		}
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s holds no archive", dir)
	}
	return all, nil
}

// archived reads entries of one stream from lsn on, as many as a round's
// checkpoint vouches for. gap says that the archive begins later.
func archived(dir string, metas []archiveMeta, id, lsn int64) (entries []entry, through int64, gap bool, err error) {
	gap = true
	for _, m := range metas {
		p, ok := m.Streams[id]
		if !ok || lsn < p.Begin || lsn > p.End {
			continue
		}
		gap = false
		through = p.Through
		if lsn == p.End {
			continue
		}
		more, err := readEntries(filepath.Join(roundDir(dir, m.Round), fmt.Sprintf("ls_%d.log", id)), lsn-p.Begin, p.End-lsn)
		if err != nil {
			return nil, 0, false, err
		}
		entries = append(entries, more...)
		lsn = p.End
	}
	return entries, through, gap, nil
}

func readEntries(path string, skip, want int64) ([]entry, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	r := bufio.NewReader(f)
	var all []entry
	for int64(len(all)) < want {
		line, err := r.ReadBytes('\n')
		if err != nil {
			if errors.Is(err, io.EOF) {
				return nil, fmt.Errorf("%s is shorter than its checkpoint says", path)
			}
			return nil, err
		}
		if skip > 0 {
			skip--
			continue
		}
		var e entry
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, fmt.Errorf("%s has a line that is no entry: %w", path, err)
		}
		all = append(all, e)
	}
	return all, nil
}
