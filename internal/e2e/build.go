package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// modulePath names the module whose root the binaries are built from.
const modulePath = "github.com/switchback-dr/switchback"

// cacheDir holds the binaries, below the root of the repository. The go
// command leaves a binary alone that is up to date, so a second run links
// nothing.
const cacheDir = ".cache/e2e"

type built struct {
	once sync.Once
	path string
	err  error
}

var (
	builtMu sync.Mutex
	builds  = map[string]*built{}
)

// Build gives the path of a program's binary: "worker", "starter", "lab" or
// "dev", each the folder of the same name in the repository. It is built at
// most once in a test process; test processes that run at the same time wait
// for each other.
func Build(t testing.TB, program string) string {
	t.Helper()
	builtMu.Lock()
	b := builds[program]
	if b == nil {
		b = &built{}
		builds[program] = b
	}
	builtMu.Unlock()
	b.once.Do(func() {
		begin := time.Now()
		b.path, b.err = build(program)
		if b.err == nil {
			t.Logf("built %s in %s", program, time.Since(begin).Round(100*time.Millisecond))
		}
	})
	if b.err != nil {
		t.Fatal(b.err)
	}
	return b.path
}

func build(program string) (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	source := filepath.Join(root, program)
	if main, err := filepath.Glob(filepath.Join(source, "*.go")); err != nil || len(main) == 0 {
		return "", fmt.Errorf("e2e: there is no program in %s", source)
	}
	dir := filepath.Join(root, filepath.FromSlash(cacheDir))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("e2e: no folder for binaries: %w", err)
	}
	unlock, err := lock(filepath.Join(dir, program+".lock"))
	if err != nil {
		return "", err
	}
	defer unlock()
	path := filepath.Join(dir, program)
	cmd := exec.Command("go", "build", "-o", path, ".")
	// The development server is a module of its own: the folder decides.
	cmd.Dir = source
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("e2e: go build in %s failed: %w\n%s", source, err, output.String())
	}
	return path, nil
}

// lock waits for an exclusive lock on the file; it ends with the process.
func lock(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("e2e: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return nil, errors.Join(fmt.Errorf("e2e: lock %s: %w", path, err), f.Close())
	}
	return func() { _ = f.Close() }, nil
}

// Root is the folder of the repository: the first one above the working
// directory with the product's go.mod.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("e2e: %w", err)
	}
	for {
		text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if first, _, _ := strings.Cut(string(text), "\n"); err == nil && strings.TrimSpace(first) == "module "+modulePath {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", fmt.Errorf("e2e: no go.mod of %s above the working directory", modulePath)
		}
		dir = parent
	}
}
