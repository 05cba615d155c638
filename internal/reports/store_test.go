package reports_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/reports"
)

func reportAt(at time.Time) dr.Report {
	return dr.Report{
		Schema: dr.ReportSchema, System: "orders", Procedure: dr.ProcTakeover, OriginalRun: "01a1fdea-3113-7d82-89e4-d517c30c5282",
		StartedAt: time.Unix(1000, 0).UTC(), WrittenAt: at, Reason: "test",
	}
}

func TestAReportIsWrittenInThreeFormsWithItsDigest(t *testing.T) {
	s := reports.Store{Dir: t.TempDir()}
	w, err := s.Write(reportAt(time.Unix(2000, 0).UTC()))
	require.NoError(t, err)
	for _, name := range []string{"report.json", "report.md", "report.html", "report.json.sha256"} {
		require.FileExists(t, filepath.Join(w.Path, name))
	}
	body, err := os.ReadFile(filepath.Join(w.Path, "report.json"))
	require.NoError(t, err)
	sum := sha256.Sum256(body)
	require.Equal(t, hex.EncodeToString(sum[:]), w.SHA256)
}

func TestAnEarlierReportNeverReplacesALaterOne(t *testing.T) {
	s := reports.Store{Dir: t.TempDir()}
	last := reportAt(time.Unix(3000, 0).UTC())
	last.Ending = &dr.Ending{Kind: dr.EndDone, Text: "west is primary"}
	want, err := s.Write(last)
	require.NoError(t, err)
	for _, late := range []dr.Report{reportAt(time.Unix(2000, 0).UTC()), reportAt(time.Unix(4000, 0).UTC())} {
		got, err := s.Write(late)
		require.NoError(t, err)
		require.Equal(t, want, got, "the last report of the run stays")
	}
}

func TestADirectoryThatCannotBeWrittenIsARetryThatNamesIt(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(dir, nil, 0o600))
	_, err := reports.Store{Dir: dir}.Write(reportAt(time.Unix(2000, 0)))
	require.Equal(t, dr.ClassRetry, dr.ClassOf(err))
	require.ErrorContains(t, err, dir)
}

func TestMemoryAndBaselineAreReadBack(t *testing.T) {
	s := reports.Store{Dir: t.TempDir()}
	m, err := s.Memory("orders")
	require.NoError(t, err)
	require.Nil(t, m)
	require.Nil(t, s.LastBaseline("orders"))
	require.NoError(t, s.KeepMemory(dr.Memory{Schema: dr.MemorySchema, System: "orders", Primary: "east"}))
	require.NoError(t, s.KeepBaseline("orders", dr.Baseline{Primary: "east"}))
	m, err = s.Memory("orders")
	require.NoError(t, err)
	require.Equal(t, "east", m.Primary)
	require.Equal(t, "east", s.LastBaseline("orders").Primary)
	m, err = s.Memory("../orders")
	require.NoError(t, err)
	require.Nil(t, m, "a name that is none is never a path")
}
