// Package reports keeps the evidence of runs in a directory: reports in three
// forms, each system's baseline and the memory of its watch. Files are written
// under a temporary name and renamed, so that nobody reads half of one.
package reports

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/render"
)

// Store is the directory that the inventory names.
type Store struct{ Dir string }

// Write writes a report as JSON, Markdown and HTML and gives the path of the
// HTML page's directory and the SHA-256 of the JSON.
func (s Store) Write(rep dr.Report) (dr.Written, error) {
	if s.Dir == "" {
		return dr.Written{}, dr.Refuse("reports", "the inventory names no directory for reports").WithNext("write `reports: {dir: /path}` into it")
	}
	dir := filepath.Join(s.Dir, rep.System, fmt.Sprintf("%s-%s-%s",
		rep.StartedAt.UTC().Format("20060102T150405Z"), rep.Procedure, dr.ShortID(rep.OriginalRun)))
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return dr.Written{}, unwritable(s.Dir, err)
	}
	if w, ok := newer(dir, rep); ok {
		return w, nil
	}
	body, err := render.ReportJSON(rep)
	if err != nil {
		return dr.Written{}, dr.Hold("reports", "the report cannot be written as JSON: %v", err)
	}
	page, err := render.ReportHTML(rep)
	if err != nil {
		return dr.Written{}, dr.Hold("reports", "the report cannot be written as HTML: %v", err)
	}
	sum := render.Digest(body)
	for name, b := range map[string][]byte{
		"report.json": body, "report.html": page, "report.md": []byte(render.ReportMarkdown(rep)),
		"report.json.sha256": []byte(sum + "  report.json\n"),
	} {
		if err := writeFile(filepath.Join(dir, name), b); err != nil {
			return dr.Written{}, unwritable(s.Dir, err)
		}
	}
	return dr.Written{Path: dir, SHA256: sum}, nil
}

// newer gives the report that stands there already when it was written later or
// is the run's last one: a write that was held up must not replace it.
func newer(dir string, rep dr.Report) (dr.Written, bool) {
	body, err := os.ReadFile(filepath.Join(dir, "report.json"))
	if err != nil {
		return dr.Written{}, false
	}
	var there dr.Report
	if json.Unmarshal(body, &there) != nil || there.OriginalRun != rep.OriginalRun {
		return dr.Written{}, false
	}
	if there.WrittenAt.After(rep.WrittenAt) || there.Ending != nil && rep.Ending == nil {
		return dr.Written{Path: dir, SHA256: render.Digest(body)}, true
	}
	return dr.Written{}, false
}

func unwritable(dir string, err error) error {
	return dr.Retry("reports", "the report could not be written to %s: %v", dir, err).WithNext("make the directory writable for the worker")
}

// KeepMemory writes what a watch remembers beside the reports, for a time
// without Temporal.
func (s Store) KeepMemory(m dr.Memory) error { return s.keep(m.System, "memory.json", m) }

// KeepBaseline writes a system's baseline beside its reports.
func (s Store) KeepBaseline(system string, b dr.Baseline) error {
	return s.keep(system, "baseline.json", b)
}

func (s Store) keep(system, name string, v any) error {
	if s.Dir == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Join(s.Dir, system), 0o750); err != nil {
		return unwritable(s.Dir, err)
	}
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return dr.Hold("reports", "%s cannot be written: %v", name, err)
	}
	if err := writeFile(filepath.Join(s.Dir, system, name), append(b, '\n')); err != nil {
		return unwritable(s.Dir, err)
	}
	return nil
}

// Memory reads the file that KeepMemory wrote; nil when there is none.
func (s Store) Memory(system string) (*dr.Memory, error) {
	var m dr.Memory
	ok, err := s.read(system, "memory.json", &m)
	if err != nil || !ok || m.Schema != dr.MemorySchema || m.System != system {
		return nil, err
	}
	return &m, nil
}

// LastBaseline reads the baseline of the last takeover; nil when there is none.
func (s Store) LastBaseline(system string) *dr.Baseline {
	var b dr.Baseline
	if ok, err := s.read(system, "baseline.json", &b); err != nil || !ok || b.Primary == "" {
		return nil
	}
	return &b
}

func (s Store) read(system, name string, v any) (bool, error) {
	if s.Dir == "" || dr.CheckName("system", system) != nil {
		return false, nil
	}
	raw, err := os.ReadFile(filepath.Join(s.Dir, system, name))
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading %s of %s: %w", name, system, err)
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return false, fmt.Errorf("%s of %s is not readable: %w", name, system, err)
	}
	return true, nil
}

func writeFile(path string, b []byte) error {
	tmp := fmt.Sprintf("%s.%d.%d.part", path, os.Getpid(), time.Now().UnixNano())
	if err := os.WriteFile(tmp, b, 0o640); err != nil {
		return err
	}
	if err := os.Rename(tmp, path); err != nil {
		_ = os.Remove(tmp)
		return err
	}
	return nil
}
