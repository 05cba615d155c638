package vvr

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// scripts is a directory with programs of the vendor's names that are texts.
func scripts(t *testing.T, programs map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range programs {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\ncd '"+dir+"'\necho \""+name+" $*\" >>calls\n"+text+"\n"), 0o700))
	}
	return dir
}

// runScript runs a command's script as a host would and gives its exit code.
func runScript(t *testing.T, argv []string, home string) (int, string) {
	t.Helper()
	c := exec.Command(argv[0], argv[1:]...)
	c.Env = append(os.Environ(), "HOME="+home)
	out, err := c.CombinedOutput()
	var ee *exec.ExitError
	if err != nil && !errors.As(err, &ee) {
		require.NoError(t, err)
	}
	return c.ProcessState.ExitCode(), string(out)
}

func calls(t *testing.T, dir string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "calls"))
	require.NoError(t, err)
	return string(b)
}

func syncOn(dir string) []string {
	on, to := lon, sea
	on.Bin = dir
	return syncArgs{Source: on, Target: to, Checkpoint: "sbaa11f", MaxPercent: 80}.commands()[0].Argv
}

func TestASynchronisationIsEndedBeforeTheSRLOverflows(t *testing.T) {
	dir := scripts(t, map[string]string{
		"vradmin": "echo 1 >running; trap 'echo ended >ended; exit 1' TERM; while :; do sleep 0.05; done",
		"vxrvg": `case $* in *cplist*) [ -f running ] || exit 0; n=$(cat fill 2>/dev/null || echo 60); n=$((n + 10)); echo $n >fill
echo "Name                 MBytes  % Log   Started/Completed"; echo "other  900  95  Completed"; echo "sbaa11f   12   $n   Started" ;; esac`,
	})
	code, out := runScript(t, syncOn(dir), dir)
	require.Equal(t, exitFilled, code, out)
	require.Contains(t, out, "the SRL is 80 % full for checkpoint sbaa11f")
	require.FileExists(t, filepath.Join(dir, "ended"), "the synchronisation itself was ended")
}

func TestASynchronisationTellsItsOwnEndAndDeletesOnlyItsOwnLeftover(t *testing.T) {
	dir := scripts(t, map[string]string{
		"vradmin": "exit 3",
		"vxrvg":   `case $* in *cplist*) [ -f deleted ] || echo "sbaa11f 12 3 Started" ;; *checkdelete*) : >deleted ;; esac`,
	})
	code, _ := runScript(t, syncOn(dir), dir)
	require.Equal(t, 3, code)
	all := calls(t, dir)
	require.Equal(t, 1, strings.Count(all, "checkdelete"), all)
	require.Contains(t, all, "vxrvg -g hrdg -c sbaa11f checkdelete hr_rvg")
	require.Contains(t, all, "vradmin -g hrdg -c sbaa11f syncrvg hr_rvg seattle-rep")
}

func TestARefusedMakesecLeavesItsMarkAndAnAcceptedOneNone(t *testing.T) {
	for code, text := range map[int]string{0: "exit 0", 1: "echo 'VxVM VVR vradmin ERROR V-5-52-0 not up-to-date' >&2; exit 1"} {
		dir := scripts(t, map[string]string{"vradmin": text})
		on := sea
		on.Bin = dir
		a := makesecArgs{On: on, Primary: lon, Name: "london-rep", Run: "aa11"}
		got, _ := runScript(t, makesec.Commands(a)[0].Argv, dir)
		require.Equal(t, code, got)
		mark := filepath.Join(dir, ".switchback/vvr/hr-aa11-makesec")
		if code == 0 {
			require.NoFileExists(t, mark)
			continue
		}
		b, err := os.ReadFile(mark)
		require.NoError(t, err)
		require.Contains(t, string(b), "not up-to-date")
	}
}
