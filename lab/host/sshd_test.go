package host

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
)

func TestACommandsOutputsAndExitCodeComeBack(t *testing.T) {
	h := newHost(t, nil)
	r := sh(t, h.login(t), `echo out; echo err >&2; exit 7`)
	require.Equal(t, result{out: "out\n", err: "err\n", code: 7}, r)
}

func TestACommandThatASignalEndedIsToldAsASignal(t *testing.T) {
	h := newHost(t, nil)
	require.Equal(t, "KILL", sh(t, h.login(t), `kill -9 $$`).signal)
}

func TestACommandRunsAsAnOrdinaryUserInItsOwnHome(t *testing.T) {
	h := newHost(t, nil)
	r := sh(t, h.login(t), `id -u; pwd; echo "$HOME"; command -v sudo`)
	lines := strings.Split(r.out, "\n")
	require.NotEqual(t, "0", lines[0])
	require.Equal(t, []string{h.Path("home"), h.Path("home"), h.Path("bin/sudo")}, lines[1:4])
}

func TestSudoRunsTheRestAndWhoTellsTheBootTime(t *testing.T) {
	h := newHost(t, nil)
	c := h.login(t)
	require.Equal(t, "a b\n", sh(t, c, `sudo -n -u postgres -- echo 'a b'`).out)
	require.Equal(t, "1\n", sh(t, c, `sudo X=1 sh -c 'echo $X'`).out)
	before := sh(t, c, `who -b`).out
	require.Equal(t, "         system boot  "+h.BootTime().Format("2006-01-02 15:04")+"\n", before)
	require.NoError(t, h.Reboot())
	require.NotEqual(t, before, sh(t, h.login(t), `who -b`).out)
}

func TestOneShellCanBeFedCommandAfterCommand(t *testing.T) {
	h := newHost(t, nil)
	s, err := h.login(t).NewSession()
	require.NoError(t, err)
	in, err := s.StdinPipe()
	require.NoError(t, err)
	out, err := s.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, s.Start("/bin/sh"))
	lines := bufio.NewScanner(out)
	for i := range 20 {
		_, err = fmt.Fprintf(in, "echo answer %d\n", i)
		require.NoError(t, err)
		require.True(t, lines.Scan())
		require.Equal(t, fmt.Sprintf("answer %d", i), lines.Text())
	}
	require.NoError(t, in.Close())
	require.NoError(t, s.Wait())
}

func TestManyCommandsRunAtOnceOnOneConnection(t *testing.T) {
	h := newHost(t, nil)
	c := h.login(t)
	// Each waits for the next one's file: none ends unless all run together.
	var all sync.WaitGroup
	outs := make([]string, 8)
	for i := range outs {
		all.Go(func() {
			s, err := c.NewSession()
			if err != nil {
				return
			}
			b, _ := s.Output(fmt.Sprintf(`: >together%d; i=0; while [ ! -e together%d ] && [ $i -lt 500 ]; do sleep 0.01; i=$((i+1)); done; [ -e together%d ] && echo yes`, i, (i+1)%8, (i+1)%8))
			outs[i] = string(b)
		})
	}
	all.Wait()
	for _, o := range outs {
		require.Equal(t, "yes\n", o)
	}
}

func TestOnlyTheKnownUserAndKeyMayLogIn(t *testing.T) {
	h := newHost(t, nil)
	_, err := h.dial("lab", signer(t), patience)
	require.ErrorContains(t, err, "unable to authenticate")
	_, err = h.dial("root", h.key, patience)
	require.ErrorContains(t, err, "unable to authenticate")
}

func TestSubsystemsAndTerminalsAreRefusedAndKeepAlivesAnswered(t *testing.T) {
	h := newHost(t, nil)
	c := h.login(t)
	s, err := c.NewSession()
	require.NoError(t, err)
	require.Error(t, s.RequestPty("xterm", 24, 80, ssh.TerminalModes{}))
	require.Error(t, s.RequestSubsystem("sftp"))
	ok, _, err := c.SendRequest("keepalive@openssh.com", true, nil)
	require.NoError(t, err)
	require.True(t, ok)
}

func TestASessionWaitsForWhoeverHoldsItsOutputs(t *testing.T) {
	h := newHost(t, nil)
	c := h.login(t)
	begun := time.Now()
	r := sh(t, c, `(sleep 0.3; echo late) & echo early`)
	require.Equal(t, "early\nlate\n", r.out)
	require.GreaterOrEqual(t, time.Since(begun), 300*time.Millisecond)
}

func TestASignalRequestReachesTheProgram(t *testing.T) {
	h := newHost(t, nil)
	s, err := h.login(t).NewSession()
	require.NoError(t, err)
	out, err := s.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, s.Start(`trap 'echo got term; exit 3' TERM; echo ready; while :; do sleep 0.01; done`))
	lines := bufio.NewScanner(out)
	require.True(t, lines.Scan())
	require.NoError(t, s.Signal(ssh.SIGTERM))
	require.True(t, lines.Scan())
	require.Equal(t, "got term", lines.Text())
	var exit *ssh.ExitError
	require.ErrorAs(t, s.Wait(), &exit)
	require.Equal(t, 3, exit.ExitStatus())
}

func TestAHostServesAsAJumpHost(t *testing.T) {
	h, other := newHost(t, nil), newHost(t, nil)
	through, err := h.login(t).Dial("tcp", other.Endpoint())
	require.NoError(t, err)
	defer func() { _ = through.Close() }()
	conn, channels, requests, err := ssh.NewClientConn(through, other.Endpoint(), &ssh.ClientConfig{
		User: "lab", Auth: []ssh.AuthMethod{ssh.PublicKeys(other.key)}, HostKeyCallback: ssh.FixedHostKey(other.Key.PublicKey()),
	})
	require.NoError(t, err)
	require.Equal(t, other.Path("home")+"\n", sh(t, ssh.NewClient(conn, channels, requests), `pwd`).out)
}

func TestCshAsLoginShellAndABannerBeforeEachCommand(t *testing.T) {
	h := newHost(t, func(c *Config) { c.Shell, c.Banner = "/bin/csh", "Welcome to east" })
	r := sh(t, h.login(t), `if ( 1 ) echo csh speaks`)
	require.Equal(t, "Welcome to east\ncsh speaks\n", r.out, "if csh is missing: apt-get install csh")
}

func TestARefusingHostClosesNewConnectionsAndKeepsOldOnes(t *testing.T) {
	h := newHost(t, nil)
	old := h.login(t)
	h.Refuse(true)
	_, err := h.dial("lab", h.key, patience)
	require.Error(t, err)
	require.Equal(t, "still\n", sh(t, old, `echo still`).out)
	h.Refuse(false)
	h.login(t)
}

func TestASilentHostSaysNothingUntilItSpeaksAgain(t *testing.T) {
	h := newHost(t, nil)
	old := h.login(t)
	h.Silent(true)
	_, err := h.dial("lab", h.key, 200*time.Millisecond)
	var timeout net.Error
	require.ErrorAs(t, err, &timeout)
	require.True(t, timeout.Timeout())
	answered := make(chan string, 1)
	go func() {
		s, err := old.NewSession()
		if err != nil {
			answered <- err.Error()
			return
		}
		b, _ := s.Output(`echo here`)
		answered <- string(b)
	}()
	select {
	case a := <-answered:
		require.Fail(t, "a silent host answered", a)
	case <-time.After(100 * time.Millisecond):
	}
	h.Silent(false)
	select {
	case a := <-answered:
		require.Equal(t, "here\n", a)
	case <-time.After(patience):
		require.Fail(t, "the host did not wake up")
	}
}

func TestASlowHostDelaysWhatArrives(t *testing.T) {
	h := newHost(t, nil)
	c := h.login(t)
	h.Slow(50 * time.Millisecond)
	begun := time.Now()
	sh(t, c, `:`)
	require.GreaterOrEqual(t, time.Since(begun), 100*time.Millisecond, "a channel and a command are two messages")
}

func TestCuttingConnectionsEndsThemAndLeavesPrograms(t *testing.T) {
	h := newHost(t, nil)
	c := h.login(t)
	s, err := c.NewSession()
	require.NoError(t, err)
	out, err := s.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, s.Start(`echo $$; exec sleep 60`))
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	require.NoError(t, err)
	require.Equal(t, 1, h.CutConnections())
	_, err = io.ReadAll(out)
	require.NoError(t, err)
	require.Error(t, c.Wait())
	require.True(t, running(pid), "a program does not die with its connection")
}
