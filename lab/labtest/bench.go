// Package labtest is what the tests of the labs have in common: a running lab
// with a person's hands on it.
package labtest

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/lab/host"
	"github.com/switchback-dr/switchback/lab/labkit"
)

// Patience bounds every wait of these tests.
const Patience = 30 * time.Second

// lookEvery is the pause between two looks at a condition. Some conditions start
// programs, which must not take the whole machine.
const lookEvery = 10 * time.Millisecond

// Bench is a running lab in a test, which fails where the lab gives an error.
// Who expects an error asks the Lab.
type Bench struct {
	*labkit.Lab
	T *testing.T
}

// Up starts a lab that ends with the test; settings are "name=value".
func Up(t *testing.T, p labkit.Product, o labkit.Options, settings ...string) Bench {
	t.Helper()
	for _, s := range settings {
		require.NoError(t, o.Set(s))
	}
	l, err := labkit.Up(t.Context(), p, filepath.Join(t.TempDir(), "lab"), o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	return Bench{l, t}
}

// Host is a host of the lab.
func (b Bench) Host(name string) *host.Host {
	b.T.Helper()
	h, err := b.Lab.Host(name)
	require.NoError(b.T, err)
	return h
}

// Shell runs a text in a host's shell, with -c or, as in a login, with -lc. It
// gives both outputs and the exit code, which is 128 and more after a signal.
func (b Bench) Shell(name, flag, text string) (string, int) {
	b.T.Helper()
	out, exit, err := b.Host(name).Run("/bin/sh", flag, text)
	require.NoError(b.T, err)
	if exit.Signal != 0 {
		return out, 128 + exit.Signal
	}
	return out, exit.Code
}

// Until waits for a condition.
func (b Bench) Until(what string, condition func() bool) {
	b.T.Helper()
	require.Eventually(b.T, condition, Patience, lookEvery, what)
}

// Fault switches a fault on and gives what the lab says to it.
func (b Bench) Fault(name string, args ...string) string {
	b.T.Helper()
	said, err := b.Lab.Fault(b.T.Context(), name, args, true)
	require.NoError(b.T, err)
	return said
}

// Repair switches a fault off.
func (b Bench) Repair(name string, args ...string) {
	b.T.Helper()
	_, err := b.Lab.Fault(b.T.Context(), name, args, false)
	require.NoError(b.T, err)
}
