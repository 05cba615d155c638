package host

import (
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// greeter is a program that starts a daemon when it is told to.
var greeter = NewBuiltin("test-greeter", func(args []string) int {
	if len(args) == 3 && args[1] == "serve" {
		pid, err := Daemon(args[2]+".log", os.Getenv(RootEnv)+"/libexec/waiter", args[2])
		fmt.Println(pid, err)
		return 0
	}
	fmt.Println("hello from", os.Getenv(NameEnv), filepath.Base(args[0]), args[1:], os.Getenv(builtinEnv) == "")
	return 7
})

// waiter writes its pid to a file and waits to be killed.
var waiter = NewBuiltin("test-waiter", func(args []string) int {
	if err := os.WriteFile(args[1], []byte(fmt.Sprint(os.Getpid())), 0o644); err != nil {
		return 1
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	<-stop
	return 0
})

func TestABuiltinIsAProgramOfTheHostThatIsCountedAndCanBeBroken(t *testing.T) {
	h := newHost(t, nil)
	require.NoError(t, h.Install(greeter, "usr/sap/greet"))
	out, exit, err := h.Run(h.Path("usr/sap/greet"), "a b", "c'd")
	require.NoError(t, err)
	require.Equal(t, "hello from "+h.Name+" greet [a b c'd] true\n", out)
	require.Equal(t, 7, exit.Code)
	calls, err := h.Calls()
	require.NoError(t, err)
	require.Len(t, calls, 1)
	require.Equal(t, []string{"greet", "a b", "c'd"}, calls[0].Argv)

	require.NoError(t, h.BreakProgram("greet", FaultLieIdle, "0"))
	out, exit, err = h.Run(h.Path("usr/sap/greet"))
	require.NoError(t, err)
	require.Empty(t, out)
	require.Zero(t, exit.Code)
}

func TestADaemonOutlivesItsStarterAndDiesWithTheHost(t *testing.T) {
	h := newHost(t, nil)
	require.NoError(t, h.Install(greeter, "bin/greet"))
	require.NoError(t, h.InstallPlain(waiter, "libexec/waiter"))
	mark := h.Path("tmp", "waiter.pid")
	out, _, err := h.Run(h.Path("bin/greet"), "serve", mark)
	require.NoError(t, err)
	require.Contains(t, out, "<nil>")
	var pid []byte
	require.Eventually(t, func() bool {
		pid, err = os.ReadFile(mark)
		return err == nil && len(pid) > 0
	}, 20*time.Second, 5*time.Millisecond)
	proc := "/proc/" + strings.TrimSpace(string(pid))
	require.DirExists(t, proc)
	h.PowerOff()
	require.NoDirExists(t, proc)
}
