package host

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/switchback-dr/switchback/dr"
)

// builtinEnv names the program that a new process of the lab's own binary is to
// be.
const builtinEnv = "SWITCHBACK_LAB_PROGRAM"

// Variables in the environment of every program of a host.
const (
	// RootEnv is the directory that stands for the host's file system.
	RootEnv = "LAB_ROOT"
	// NameEnv is the host's name.
	NameEnv = "LAB_HOST"
)

// Builtin is a program of a simulated product that is written in Go and part
// of the lab's own binary. On a host it is a program like any other: a file
// under the vendor's name that is started, counted, broken and killed as a
// process of its own.
type Builtin struct{ name string }

// NewBuiltin makes a program. It must be called while packages are
// initialised (a package variable is the place), because in a process that was
// started as this program it runs main and ends the process with its exit
// code. main gets the arguments as os.Args has them; the last element of the
// first one is the vendor's name, which is also the process's name.
func NewBuiltin(name string, main func(args []string) int) Builtin {
	if os.Getenv(builtinEnv) == name {
		if err := os.Unsetenv(builtinEnv); err != nil {
			os.Exit(126)
		}
		os.Exit(main(os.Args))
	}
	return Builtin{name: name}
}

// Install puts the program on the host under a path below its root, counted
// under the path's last element and open to faults of programs (see Shim).
func (h *Host) Install(b Builtin, relative string) error {
	name := filepath.Base(relative)
	real := "libexec/" + b.name + "/" + name
	if err := h.InstallPlain(b, real); err != nil {
		return err
	}
	if err := h.MkdirAll(filepath.Dir(relative), 0o755); err != nil {
		return err
	}
	return h.Shim(relative, name, h.Path(real))
}

// InstallPlain is Install without counting and without faults: for daemons and
// for programs that change nothing and are called often.
func (h *Host) InstallPlain(b Builtin, relative string) error {
	self, err := h.ownBinary()
	if err != nil {
		return err
	}
	// A link of the vendor's name to the binary names the process, too.
	links := "libexec/" + b.name + "/exe"
	for _, dir := range []string{filepath.Dir(relative), links} {
		if err := h.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	exe := h.Path(links, filepath.Base(relative))
	if err := os.Symlink(self, exe); err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("the host %s cannot have the program %s: %w", h.Name, relative, err)
	}
	return h.Program(relative, strings.NewReplacer(
		"@NAME@", dr.Quote(b.name), "@EXE@", dr.Quote(exe),
	).Replace(builtinText))
}

const builtinText = `#!/bin/sh
# Lab: this program is part of the lab's own binary.
` + builtinEnv + `=@NAME@; export ` + builtinEnv + `
exec @EXE@ "$@"
`

// binaryName is the copy of the lab's binary beside the roots of its hosts. The
// original may lie where the hosts' ordinary user cannot reach it (go run and
// go test build into directories of mode 0700).
const binaryName = ".lab-programs"

// ownBinary gives the path of this very program for the hosts' user.
func (h *Host) ownBinary() (string, error) {
	path := filepath.Join(filepath.Dir(h.Root), binaryName)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	err := copyBinary(path)
	if err != nil {
		return "", fmt.Errorf("the lab's programs cannot be put on %s: %w", h.Name, err)
	}
	return path, nil
}

func copyBinary(path string) (err error) {
	self, err := os.Open("/proc/self/exe")
	if err != nil {
		return err
	}
	defer func() { _ = self.Close() }()
	file, err := os.OpenFile(path+".new", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o755)
	if err != nil {
		return err
	}
	if _, err := io.Copy(file, self); err != nil {
		return errors.Join(err, file.Close())
	}
	if err := file.Close(); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// Daemon starts another program of the host (a path on it) in a session of its
// own and does not wait for it: what a program calls that starts a server. Its
// standard output and errors go to the end of the log file. Process 1 of the
// host takes it over when the caller ends, and a power-off finds it.
func Daemon(log, path string, args ...string) (pid int, err error) {
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return 0, fmt.Errorf("no log for %s: %w", filepath.Base(path), err)
	}
	defer func() { _ = out.Close() }()
	cmd := exec.Command(path, args...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("%s did not start: %w", filepath.Base(path), err)
	}
	pid = cmd.Process.Pid
	return pid, cmd.Process.Release()
}
