package e2e

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
)

func TestTheLabStartsAPairAndTakesEveryProcessOfItWithIt(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "lab")
	var endpoints map[string]any
	lab := StartLab(t, "postgres", dir, &endpoints)
	require.NotEmpty(t, endpoints)
	require.FileExists(t, filepath.Join(dir, "systems.yaml"))
	require.NotEmpty(t, Descendants(t))
	require.Equal(t, 0, lab.End(t), lab.Stderr())
	require.Empty(t, Descendants(t))
}

func TestAWorkerTakesWorkAndEndsCleanly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "lab")
	var endpoints map[string]any
	StartLab(t, "postgres", dir, &endpoints)
	d := StartDev(t, DevOptions{Memory: true})
	w := StartWorker(t, d, filepath.Join(dir, "systems.yaml"), "run")
	AwaitPoller(t, d.Client(t), dr.TaskQueue, w)
	require.Equal(t, 0, w.End(t), w.Stderr())
}
