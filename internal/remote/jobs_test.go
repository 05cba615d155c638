package remote_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/remote"
)

const otherRun = "11111111-2222-3333-4444-555555555555"

func key(step string) kit.JobKey {
	return kit.JobKey{
		Workflow: "dr-orders", OriginalRun: "0a1b2c3d-0000-4000-8000-000000000001",
		Gate: dr.GateDecide, Occurrence: 1, Step: step, Attempt: 1,
	}
}

// pidOf waits for the wrapper's process number.
func pidOf(t *testing.T, dir string) int {
	t.Helper()
	var pid int
	require.Eventually(t, func() bool {
		raw, err := os.ReadFile(filepath.Join(dir, "pid"))
		if err == nil {
			first, _, _ := strings.Cut(string(raw), "\n")
			pid, err = strconv.Atoi(first)
		}
		return err == nil
	}, 5*time.Second, 5*time.Millisecond)
	return pid
}

func TestAShortJobEndsWithinItsStart(t *testing.T) {
	_, h := connect(t, remote.Options{})
	j, err := h.Look(t.Context(), key("stop"))
	require.NoError(t, err)
	require.Equal(t, kit.JobNone, j.State)

	cmd := sh(`echo out; echo err >&2; exit 3`)
	j, err = h.Start(t.Context(), key("stop"), cmd, 0, 10*time.Second)
	require.NoError(t, err)
	require.True(t, j.Started)
	require.Equal(t, kit.JobFinished, j.State)
	require.Equal(t, 3, j.Exit)
	require.Equal(t, "out\n", j.Stdout)
	require.Equal(t, "err\n", j.Stderr)
	shown, err := os.ReadFile(filepath.Join(j.Dir, "run"))
	require.NoError(t, err)
	require.Contains(t, string(shown), "\n"+cmd.Render()+"\n", "the file holds what people approved")

	again, err := h.Start(t.Context(), key("stop"), sh(`echo other`), 0, time.Second)
	require.NoError(t, err)
	require.False(t, again.Started)
	require.Equal(t, "out\n", again.Stdout)
}

func TestTwoStartersStartACommandOnce(t *testing.T) {
	s, first := connect(t, remote.Options{})
	second := hostOf(t, remote.Options{}, s.Endpoint(t, "db1"))
	for round := range 5 {
		file := filepath.Join(s.Dir, "count"+strconv.Itoa(round))
		var wg sync.WaitGroup
		var mu sync.Mutex
		started := 0
		for i := range 6 {
			wg.Go(func() {
				h := []kit.Host{first, second}[i%2]
				j, err := h.Start(t.Context(), key("race"+strconv.Itoa(round)), sh(`echo x >>"$1"`, file), 0, 10*time.Second)
				mu.Lock()
				defer mu.Unlock()
				if err != nil || j.State != kit.JobFinished {
					t.Errorf("%v %+v", err, j)
				}
				if j.Started {
					started++
				}
			})
		}
		wg.Wait()
		require.Equal(t, 1, started)
		ran, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Equal(t, "x\n", string(ran))
	}
}

func TestALateStarterFindsAVoidClaim(t *testing.T) {
	_, h := connect(t, remote.Options{})
	j, err := h.Void(t.Context(), key("late"), "the guard\nsaid no")
	require.NoError(t, err)
	require.Equal(t, kit.JobVoid, j.State)
	j, err = h.Start(t.Context(), key("late"), sh("echo ran"), 0, time.Second)
	require.NoError(t, err)
	require.Equal(t, kit.JobVoid, j.State)
	require.False(t, j.Started)
	require.Equal(t, "the guard said no", j.Text)
	require.NoFileExists(t, filepath.Join(j.Dir, "pid"))
}

func TestVoidingAFinishedJobGivesItsState(t *testing.T) {
	_, h := connect(t, remote.Options{})
	_, err := h.Start(t.Context(), key("done"), sh("true"), 0, 5*time.Second)
	require.NoError(t, err)
	j, err := h.Void(t.Context(), key("done"), "too late")
	require.NoError(t, err)
	require.Equal(t, kit.JobFinished, j.State)
}

func TestAStaleGuardStartsAndClaimsNothing(t *testing.T) {
	_, h := connect(t, remote.Options{})
	out, err := h.Read(t.Context(), sh("true"))
	require.NoError(t, err)
	for _, at := range []kit.HostTime{out.HostTime - 31, out.HostTime + 1000} {
		if at <= 0 {
			at = 1
		}
		_, err = h.Start(t.Context(), key("stale"), sh("true"), at, time.Second)
		require.True(t, dr.HasCode(err, "stale_guard"), "%v", err)
		j, err := h.Look(t.Context(), key("stale"))
		require.NoError(t, err)
		require.Equal(t, kit.JobNone, j.State)
	}
	j, err := h.Start(t.Context(), key("stale"), sh("true"), out.HostTime, 5*time.Second)
	require.NoError(t, err)
	require.Equal(t, kit.JobFinished, j.State)
}

func TestAJobOutlivesItsConnectionAndIsReattached(t *testing.T) {
	s, h := connect(t, remote.Options{})
	file := filepath.Join(s.Dir, "go")
	j, err := h.Start(t.Context(), key("long"), sh(`while [ ! -e "$1" ]; do sleep 0.02; done; echo ended`, file), 0, 50*time.Millisecond)
	require.NoError(t, err)
	require.Equal(t, kit.JobRunning, j.State)
	waited := make(chan error, 1)
	go func() {
		_, err := h.Wait(t.Context(), key("long"), time.Minute)
		waited <- err
	}()
	require.Eventually(t, func() bool {
		out, err := h.Read(t.Context(), sh(`ps -A -o args= | grep -c '^sleep 0[.]01$'`))
		return err == nil && out.Stdout != "0\n"
	}, 5*time.Second, 5*time.Millisecond)
	s.KillConnections(t)
	require.True(t, dr.HasCode(<-waited, "unreachable"))

	other := hostOf(t, remote.Options{}, s.Endpoint(t, "db1"))
	j, err = other.Look(t.Context(), key("long"))
	require.NoError(t, err)
	require.Equal(t, kit.JobRunning, j.State)
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	j, err = other.Wait(t.Context(), key("long"), 10*time.Second)
	require.NoError(t, err)
	require.Equal(t, kit.JobFinished, j.State)
	require.Equal(t, "ended\n", j.Stdout)
}

func TestACancelledStartDoesNotEndTheJob(t *testing.T) {
	s, h := connect(t, remote.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	begun, goOn := filepath.Join(s.Dir, "begun"), filepath.Join(s.Dir, "go")
	answer := make(chan error, 1)
	go func() {
		_, err := h.Start(ctx, key("cancel"), sh(`: >"$1"; while [ ! -e "$2" ]; do sleep 0.02; done; echo whole`, begun, goOn), 0, time.Minute)
		answer <- err
	}()
	require.Eventually(t, func() bool { _, err := os.Stat(begun); return err == nil }, 10*time.Second, 5*time.Millisecond)
	cancel()
	err := <-answer
	require.ErrorIs(t, err, context.Canceled)
	require.True(t, dr.AsError(err, "").Unknown)
	require.NoError(t, os.WriteFile(goOn, nil, 0o600))
	j, err := h.Wait(t.Context(), key("cancel"), 10*time.Second)
	require.NoError(t, err)
	require.Equal(t, kit.JobFinished, j.State)
	require.Equal(t, "whole\n", j.Stdout)
}

func TestAJobWhoseWrapperIsKilledIsLost(t *testing.T) {
	_, h := connect(t, remote.Options{})
	j, err := h.Start(t.Context(), key("killed"), sh("sleep 300"), 0, 0)
	require.NoError(t, err)
	pid := pidOf(t, j.Dir)
	require.NoError(t, syscall.Kill(-pid, syscall.SIGKILL))
	j, err = h.Wait(t.Context(), key("killed"), 10*time.Second)
	require.NoError(t, err)
	require.Equal(t, kit.JobLost, j.State)
	require.Contains(t, j.Text, "left no exit code")
}

func TestAProcessNumberGivenAwayAgainIsNotTheJob(t *testing.T) {
	_, h := connect(t, remote.Options{})
	j, err := h.Start(t.Context(), key("reused"), sh("sleep 300"), 0, 0)
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(-pidOf(t, j.Dir), syscall.SIGKILL))
	require.NoError(t, os.WriteFile(filepath.Join(j.Dir, "pid"), []byte(strconv.Itoa(os.Getpid())+"\n"), 0o600))
	j, err = h.Stop(t.Context(), key("reused"))
	require.NoError(t, err, "and this test still lives")
	require.Equal(t, kit.JobLost, j.State)
}

func TestAClaimOfAnEarlierBootOrAnOldOneIsLostForGood(t *testing.T) {
	_, h := connect(t, remote.Options{})
	for step, change := range map[string]func(boot string) string{
		"boot": func(b string) string { return "# another boot\n" + strings.SplitN(b, "\n", 2)[1] },
		"old": func(b string) string {
			lines := strings.SplitN(b, "\n", 3)
			return lines[0] + "\n# 999999999999\n" + lines[2]
		},
	} {
		j, err := h.Start(t.Context(), key(step), sh("true"), 0, 5*time.Second)
		require.NoError(t, err)
		boot, err := os.ReadFile(filepath.Join(j.Dir, "run"))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(j.Dir, "run"), []byte(change(string(boot))), 0o600))
		for _, f := range []string{"pid", "out"} {
			require.NoError(t, os.Remove(filepath.Join(j.Dir, f)))
		}
		j, err = h.Look(t.Context(), key(step))
		require.NoError(t, err)
		require.Equal(t, kit.JobLost, j.State, step)
		require.NotEmpty(t, j.Text)
		// The starter was only slow: it must not start any more.
		late := exec.CommandContext(t.Context(), "sh", filepath.Join(j.Dir, "run"))
		require.Error(t, late.Run())
		require.NoFileExists(t, filepath.Join(j.Dir, "out"))
	}
}

func TestAFreshClaimWithoutAProcessIsClaimed(t *testing.T) {
	s, h := connect(t, remote.Options{})
	k := key("fresh")
	require.NoError(t, os.MkdirAll(filepath.Join(s.Dir, "jobs", k.Workflow, k.OriginalRun, "decide-1", "fresh-1"), 0o700))
	j, err := h.Look(t.Context(), k)
	require.NoError(t, err)
	require.Equal(t, kit.JobClaimed, j.State)
	j, err = h.Stop(t.Context(), k)
	require.NoError(t, err)
	require.Equal(t, kit.JobVoid, j.State)
}

func TestStopEndsTheWholeGroupAndProvesIt(t *testing.T) {
	_, h := connect(t, remote.Options{})
	j, err := h.Start(t.Context(), key("stopped"), sh(`trap '' TERM; sleep 301 & sleep 302; sleep 303`), 0, 300*time.Millisecond)
	require.NoError(t, err)
	require.Equal(t, kit.JobRunning, j.State)
	j, err = h.Stop(t.Context(), key("stopped"))
	require.NoError(t, err)
	require.Equal(t, kit.JobFinished, j.State)
	require.NotZero(t, j.Exit)
	out, err := h.Read(t.Context(), sh(`ps -A -o stat= -o args= | grep -v '^Z' | grep -c 'sleep 30[123]'`))
	require.NoError(t, err)
	require.Equal(t, "0\n", out.Stdout)
}

func TestJobsOfOtherRunsThatRunAreListed(t *testing.T) {
	_, h := connect(t, remote.Options{})
	foreign := key("foreign")
	foreign.OriginalRun = otherRun
	_, err := h.Start(t.Context(), foreign, sh("sleep 304"), 0, 0)
	require.NoError(t, err)
	done := key("done")
	done.OriginalRun = otherRun
	_, err = h.Start(t.Context(), done, sh("true"), 0, 5*time.Second)
	require.NoError(t, err)
	jobs, err := h.Jobs(t.Context(), "dr-orders", key("x").OriginalRun)
	require.NoError(t, err)
	require.Len(t, jobs, 1)
	require.Equal(t, "db1", jobs[0].Host)
	require.Contains(t, jobs[0].Dir, "foreign-1")
	mine, err := h.Jobs(t.Context(), "dr-orders", otherRun)
	require.NoError(t, err)
	require.Empty(t, mine)
	_, err = h.Stop(t.Context(), foreign)
	require.NoError(t, err)
	jobs, err = h.Jobs(t.Context(), "dr-orders", "")
	require.NoError(t, err)
	require.Empty(t, jobs)
}

func TestNamesThatCouldLeaveTheJobDirectoryAreRefused(t *testing.T) {
	_, h := connect(t, remote.Options{})
	for _, change := range []func(*kit.JobKey){
		func(k *kit.JobKey) { k.Workflow = "../x" },
		func(k *kit.JobKey) { k.OriginalRun = "../x" },
		func(k *kit.JobKey) { k.OriginalRun = "" },
		func(k *kit.JobKey) { k.Gate = "a b" },
		func(k *kit.JobKey) { k.Step = "a;id" },
		func(k *kit.JobKey) { k.Attempt = -1 },
	} {
		k := key("fine")
		change(&k)
		_, err := h.Start(t.Context(), k, sh("true"), 0, 0)
		require.True(t, dr.HasCode(err, "job_key"), "%v", err)
	}
}

func TestAJobDirectoryThatCannotBeMadeStartsNothing(t *testing.T) {
	s, _ := connect(t, remote.Options{})
	ep := s.Endpoint(t, "db1")
	ep.JobDir = "/proc/none/jobs"
	h := hostOf(t, remote.Options{}, ep)
	_, err := h.Start(t.Context(), key("x"), sh("true"), 0, time.Second)
	require.True(t, dr.HasCode(err, "job_dir"), "%v", err)
	require.Equal(t, dr.ClassHold, dr.ClassOf(err))
}

func TestASecretIsInNoFileNoProcessListAndNoOutput(t *testing.T) {
	const secret = "s3cr3t 'quoted' $value"
	opts := remote.Options{Secret: func(_ context.Context, name string) (string, error) {
		if name != "orders-db" {
			return "", dr.Refuse("credential", "no credential %s", name)
		}
		return secret, nil
	}}
	s, h := connect(t, opts)
	cmd := sh(`printf '%s|' "$PGPASSWORD" >"$1"; ps -A -ww -o args= | grep -c 's3cr3[t]'; echo "$PGPASSWORD"; echo "$PGPASSWORD" >&2`, filepath.Join(s.Dir, "got"))
	cmd.SecretEnv = map[string]string{"PGPASSWORD": "orders-db"}

	out, err := h.Read(t.Context(), cmd)
	require.NoError(t, err)
	require.Equal(t, "0\n***\n", out.Stdout)
	require.Equal(t, "***\n", out.Stderr)

	j, err := h.Start(t.Context(), key("secret"), cmd, 0, 10*time.Second)
	require.NoError(t, err)
	require.Equal(t, "0\n***\n", j.Stdout)
	got, err := os.ReadFile(filepath.Join(s.Dir, "got"))
	require.NoError(t, err)
	require.Equal(t, secret+"|", string(got), "the command itself has it")
	for _, f := range []string{"run", "credentials", "pid"} {
		raw, err := os.ReadFile(filepath.Join(j.Dir, f))
		require.NoError(t, err)
		require.NotContains(t, string(raw), "s3cr3t", f)
	}
	// A worker that has not sent the secret redacts it too.
	other := hostOf(t, opts, s.Endpoint(t, "db1"))
	j, err = other.Look(t.Context(), key("secret"))
	require.NoError(t, err)
	require.Equal(t, "0\n***\n", j.Stdout)
	require.Equal(t, "***\n", j.Stderr)
	blind := hostOf(t, remote.Options{}, s.Endpoint(t, "db1"))
	j, err = blind.Look(t.Context(), key("secret"))
	require.NoError(t, err)
	require.NotContains(t, j.Stdout+j.Stderr, "s3cr3t")
	require.Contains(t, j.Stdout, "withheld")
}
