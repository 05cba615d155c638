package host

import (
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(strings.TrimSpace(text))
	require.NoError(t, err)
	return n
}

// detached starts a job in a session of its own and gives its number.
func detached(t *testing.T, h *testHost) int {
	t.Helper()
	c := h.login(t)
	r := sh(t, c, `setsid sh -c 'echo $$ >job; exec sleep 300' >/dev/null 2>&1 </dev/null & while [ ! -s job ]; do sleep 0.01; done; cat job`)
	require.NoError(t, c.Close())
	return number(t, r.out)
}

func TestADetachedJobSurvivesItsConnectionAndDiesWithTheHost(t *testing.T) {
	h := newHost(t, nil)
	pid := detached(t, h)
	require.Equal(t, "alive\n", sh(t, h.login(t), `kill -0 `+strconv.Itoa(pid)+` && echo alive`).out)
	require.GreaterOrEqual(t, h.PowerOff(), 1)
	require.False(t, exists(pid), "the job must be gone, without a zombie")
	_, err := net.DialTimeout("tcp", h.Endpoint(), time.Second)
	require.Error(t, err)
}

func TestAKilledOrphanIsReapedSoThatNobodyTakesItForAlive(t *testing.T) {
	h := newHost(t, nil)
	pid := detached(t, h)
	sh(t, h.login(t), `kill -9 `+strconv.Itoa(pid))
	eventually(t, "the orphan must be reaped", func() bool { return !exists(pid) })
}

func TestAHostDiesWithTheLabsProcess(t *testing.T) {
	h := newHost(t, nil)
	pid := detached(t, h)
	// What the kernel does to the lab's socket when the lab is killed.
	require.NoError(t, h.spawn.conn.Close())
	eventually(t, "the job must end", func() bool { return !exists(pid) })
}

func TestAProcessThatForksWhileThePowerGoesDiesToo(t *testing.T) {
	h := newHost(t, nil)
	sh(t, h.login(t), `setsid sh -c 'while :; do setsid sleep 60 & sleep 0.001; done' >/dev/null 2>&1 </dev/null &`)
	init := h.spawn.cmd.Process.Pid
	eventually(t, "the loop must have begun", func() bool { return len(descendants(init)) > 5 })
	all := descendants(init)
	h.PowerOff()
	for _, pid := range all {
		require.False(t, exists(pid))
	}
	require.False(t, exists(init))
}

func TestABootRunsTheStartProgramsInOrder(t *testing.T) {
	h := newHost(t, nil)
	require.NoError(t, h.Program(RCDir+"/20-second", "#!/bin/sh\necho second $1 >>$HOME/boots\n"))
	require.NoError(t, h.Program(RCDir+"/10-first", "#!/bin/sh\necho first $1 >>$HOME/boots\nexit 3\n"))
	require.NoError(t, h.Reboot())
	b, err := os.ReadFile(h.Path("home/boots"))
	require.NoError(t, err)
	require.Equal(t, "first start\nsecond start\n", string(b))
}

func TestAHostThatIsOffRunsNothing(t *testing.T) {
	h := newHost(t, nil)
	h.PowerOff()
	_, _, err := h.Run("/bin/true")
	require.ErrorContains(t, err, "the host east is down")
	require.Zero(t, h.PowerOff())
}

func TestSignalsAreNotIgnoredByTheHostsPrograms(t *testing.T) {
	h := newHost(t, nil)
	b, exit, err := h.Run("/bin/sh", "-c", `grep SigIgn /proc/self/status`)
	require.NoError(t, err)
	require.Zero(t, exit.Code)
	mask, err := strconv.ParseUint(strings.TrimSpace(strings.TrimPrefix(b, "SigIgn:")), 16, 64)
	require.NoError(t, err, b)
	// Signals 32 and 33 belong to the C library, whose posix_spawn leaves them
	// ignored: everything started by make has them so.
	const libc = 1<<31 | 1<<32
	require.Zero(t, mask&^libc, b)
}

func TestAHostBootsOnlyWhenEverythingThatDiedWithItIsGone(t *testing.T) {
	h := newHost(t, nil)
	sh(t, h.login(t), `setsid sh -c 'while :; do setsid sleep 60 & sleep 0.001; done' >/dev/null 2>&1 </dev/null &`)
	init := h.spawn.cmd.Process.Pid
	eventually(t, "the loop must have begun", func() bool { return len(descendants(init)) > 100 })
	all := descendants(init)
	go h.PowerOff()
	eventually(t, "the power must be going", func() bool { return !h.On() })
	require.NoError(t, h.PowerOn())
	for _, pid := range all {
		require.False(t, exists(pid), "a process of the boot before")
	}
}
