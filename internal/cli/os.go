package cli

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"time"

	"go.temporal.io/sdk/client"
	"golang.org/x/crypto/ssh/agent"
	"golang.org/x/term"

	"github.com/switchback-dr/switchback/internal/setup"
)

// OS is the App of this process.
func OS() *App {
	in, out := int(os.Stdin.Fd()), int(os.Stdout.Fd())
	a := &App{
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		AsksPeople: term.IsTerminal(in), ShowsPeople: term.IsTerminal(out),
		Getenv: os.Getenv, Now: time.Now, Sleep: setup.Sleep, Random: random, Load: setup.Load,
		Dial:      func(ctx context.Context) (client.Client, string, error) { return setup.DialTemporal(ctx, nil) },
		Namespace: setup.Namespace,
		Agent:     sshAgent(os.Getenv("SSH_AUTH_SOCK")),
	}
	if w, _, err := term.GetSize(out); err == nil {
		a.Width = w
	}
	if a.AsksPeople {
		a.Passphrase = func(prompt string) ([]byte, error) {
			fmt.Fprint(os.Stderr, prompt)
			defer fmt.Fprintln(os.Stderr)
			return term.ReadPassword(in)
		}
	}
	return a
}

// random gives 32 hex digits; the system's source of randomness cannot fail.
func random() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b)
	return hex.EncodeToString(b)
}

// sshAgent connects to the agent, when there is one.
func sshAgent(socket string) agent.Agent {
	if socket == "" {
		return nil
	}
	conn, err := net.DialTimeout("unix", socket, 2*time.Second)
	if err != nil {
		return nil
	}
	return agent.NewClient(conn)
}
