package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/worker"
	"github.com/switchback-dr/switchback/lab/labkit"
)

// login is where the bare reference connects.
type login struct {
	address    string // host:port
	user       string
	key, known string // files
}

// bare is the reference: one kept connection, one session for each command, no
// claim, no probe that was not asked for, nothing that survives a crash.
type bare struct{ client *ssh.Client }

func dialBare(s *scene, l login) *bare {
	raw, err := os.ReadFile(l.key)
	if err != nil {
		s.Fatal(err)
	}
	signer, err := ssh.ParsePrivateKey(raw)
	if err != nil {
		s.Fatal(err)
	}
	check, err := knownhosts.New(l.known)
	if err != nil {
		s.Fatal(err)
	}
	c, err := ssh.Dial("tcp", l.address, &ssh.ClientConfig{
		User: l.user, Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)}, HostKeyCallback: check,
		HostKeyAlgorithms: []string{ssh.KeyAlgoED25519}, Timeout: 10 * time.Second,
	})
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = c.Close() })
	return &bare{c}
}

// run sends one command and gives its output; a test that says no (exit code
// 1) is an answer.
func (b *bare) run(command string) (string, error) {
	sess, err := b.client.NewSession()
	if err != nil {
		return "", fmt.Errorf("no session: %w", err)
	}
	defer func() { _ = sess.Close() }()
	out, err := sess.CombinedOutput(command)
	if err != nil {
		return string(out), fmt.Errorf("%q: %w: %s", dr.Clip(command, 80), err, dr.Clip(string(out), 200))
	}
	return string(out), nil
}

// keptShell is the strictest reference: one shell that stays open, so that no
// command costs a session.
type keptShell struct {
	in  io.Writer
	out *bufio.Reader
}

func openShell(s *scene, b *bare) *keptShell {
	sess, err := b.client.NewSession()
	if err != nil {
		s.Fatal(err)
	}
	in, err1 := sess.StdinPipe()
	out, err2 := sess.StdoutPipe()
	if err := errors.Join(err1, err2, sess.Start("exec /bin/sh")); err != nil {
		s.Fatal(err)
	}
	return &keptShell{in, bufio.NewReader(out)}
}

// run sends one command, which prints nothing, and waits for its exit code.
func (k *keptShell) run(command string) (string, error) {
	if _, err := io.WriteString(k.in, "("+command+") </dev/null; echo $?\n"); err != nil {
		return "", fmt.Errorf("the shell is gone: %w", err)
	}
	code, err := k.out.ReadString('\n')
	if err == nil && code != "0\n" {
		err = fmt.Errorf("%q ended with %s", dr.Clip(command, 80), strings.TrimSpace(code))
	}
	return code, err
}

// bareHosts are kept connections to all hosts of a lab.
type bareHosts map[string]*bare

func dialLab(s *scene, lab labkit.Description) bareHosts {
	all := bareHosts{}
	for name, h := range lab.Hosts {
		all[name] = dialBare(s, login{fmt.Sprintf("%s:%d", h.Address, h.Port), h.User, lab.Key, lab.Known})
		// The first session of a connection costs more than the next.
		if _, err := all[name].run("true"); err != nil {
			s.Fatal(err)
		}
	}
	return all
}

// commandsOf renders a step's commands through its action, the way the worker
// does.
func commandsOf(s *scene, actions map[string]kit.Action, st dr.Step) []dr.Command {
	a, ok := actions[st.Action]
	if !ok {
		s.Fatalf("there is no action %s", st.Action)
	}
	cmds, err := a.Render(st.Args)
	if err != nil {
		s.Fatal(err)
	}
	return cmds
}

func actionsByName() map[string]kit.Action {
	all := map[string]kit.Action{}
	for _, a := range worker.Actions() {
		all[a.Name()] = a
	}
	return all
}

// script sends the commands of one step, one after the other.
func (b bareHosts) script(s *scene, actions map[string]kit.Action, st dr.Step) {
	for _, c := range commandsOf(s, actions, st) {
		if out, err := b[c.Host].run(c.Render()); err != nil {
			s.Fatalf("the bare script, %s: %v %s", st.ID, err, out)
		}
	}
}
