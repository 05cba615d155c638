package e2e

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// inChild marks a run of this test binary that a test started: the test named
// in it plays the part of a test that goes wrong.
const inChild = "SWITCHBACK_E2E_CHILD"

// child runs one test of this binary in a process of its own.
func child(t *testing.T, test string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.v", "-test.run", "^"+test+"$")
	cmd.Env = append(os.Environ(), inChild+"="+test)
	return cmd
}

func shell(t *testing.T, script string) *Process {
	t.Helper()
	return Start(t, Spec{Name: "shell", Path: "/bin/sh", Args: []string{"-c", script}})
}

// alive says whether the process can still do anything; a dead one may wait
// for its parent as a zombie.
func alive(pid int) bool { return syscall.Kill(pid, 0) == nil && procState(pid) != "Z" }

func TestExitStatusAndOutputOfAProgramAreKept(t *testing.T) {
	p := Start(t, Spec{
		Name: "shell", Path: "/bin/sh", Dir: "/",
		Args: []string{"-c", `echo "$GREETING from $(pwd)"; echo trouble >&2; exit 7`},
		Env:  []string{"GREETING=hello"},
	})
	require.Equal(t, "hello from /", p.AwaitLine(t, 10*time.Second))
	require.Equal(t, 7, p.Wait(t))
	require.Equal(t, "trouble\n", p.Stderr())
}

func TestKillTakesTheWholeGroup(t *testing.T) {
	p := shell(t, `sleep 600 & echo $!; wait`)
	sleeper, err := strconv.Atoi(p.AwaitLine(t, 10*time.Second))
	require.NoError(t, err)
	p.Kill(t)
	Await(t, 10*time.Second, "the sleeper is gone", func() (bool, string) { return !alive(sleeper), "alive" })
}

func TestAProcessThatLeftItsGroupIsFoundAndDoesNotOutliveTheTest(t *testing.T) {
	var stray int
	t.Run("a daemon", func(t *testing.T) {
		p := shell(t, `setsid sleep 600 & echo $!; wait`)
		var err error
		stray, err = strconv.Atoi(p.AwaitLine(t, 10*time.Second))
		require.NoError(t, err)
		Await(t, 10*time.Second, "the daemon runs", func() (bool, string) {
			for _, d := range Descendants(t) {
				if d.Command == "sleep 600" {
					return true, ""
				}
			}
			return false, "not listed"
		})
		p.KillOnly(t)
		require.True(t, alive(stray), "it lives on without the program that started it")
	})
	Await(t, 10*time.Second, "the daemon is gone", func() (bool, string) { return !alive(stray), "alive" })
}

func TestAFailedTestPrintsTheTailOfItsLogs(t *testing.T) {
	if os.Getenv(inChild) == t.Name() {
		p := shell(t, `seq 1000; echo last words >&2; exec sleep 600`)
		Await(t, 10*time.Second, "words", func() (bool, string) { return p.Stderr() != "", "" })
		t.Fatal("as intended")
	}
	out, err := child(t, t.Name()).CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "last words")
	require.Contains(t, string(out), " 1000\n")
	require.NotContains(t, string(out), " 900\n", "only the tail")
}

func TestAProgramThatEndsBeforeItIsReadyFailsTheTestAtOnce(t *testing.T) {
	if os.Getenv(inChild) == t.Name() {
		shell(t, `echo no such inventory >&2; exit 3`).AwaitLine(t, time.Hour)
	}
	out, err := child(t, t.Name()).CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "shell ended with exit status 3 before it was ready: no such inventory")
}

func TestAKilledTestLeavesNoProcessBehind(t *testing.T) {
	if os.Getenv(inChild) == t.Name() {
		p := shell(t, `exec sleep 600`)
		_, _ = os.Stdout.WriteString("\nsleeper " + strconv.Itoa(p.PID) + "\n")
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
	out, err := child(t, t.Name()).Output()
	require.Error(t, err)
	_, rest, found := strings.Cut(string(out), "\nsleeper ")
	require.True(t, found, string(out))
	pid, err := strconv.Atoi(strings.Fields(rest)[0])
	require.NoError(t, err)
	Await(t, 10*time.Second, "the sleeper is gone", func() (bool, string) { return !alive(pid), "alive" })
}

func TestAProgramThatDoesNotExistIsNamed(t *testing.T) {
	_, err := build("no-such-program")
	require.ErrorContains(t, err, "there is no program in")
	require.ErrorContains(t, err, "no-such-program")
}
