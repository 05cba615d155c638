package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// startServer builds the development server, starts it in memory on a free
// port and gives its address; end ends it.
func startServer(ctx context.Context, root string) (address string, end func(), err error) {
	path := filepath.Join(root, ".cache", "e2e", "dev")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", nil, fmt.Errorf("development server: %w", err)
	}
	build := exec.CommandContext(ctx, "go", "build", "-o", path, ".")
	// It is a module of its own: the folder decides.
	build.Dir = filepath.Join(root, "dev")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return "", nil, fmt.Errorf("go build in %s: %w", build.Dir, err)
	}
	server := exec.CommandContext(ctx, path, "server", "--memory", "--headless", "--port", "0")
	server.Cancel = func() error { return server.Process.Signal(syscall.SIGTERM) }
	out, err := server.StdoutPipe()
	if err != nil {
		return "", nil, fmt.Errorf("development server: %w", err)
	}
	if err := server.Start(); err != nil {
		return "", nil, fmt.Errorf("development server: %w", err)
	}
	end = func() {
		_ = server.Process.Signal(syscall.SIGTERM)
		_ = server.Wait()
	}
	var ready struct {
		Address string `json:"address"`
	}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &ready)
	}
	if err != nil {
		end()
		return "", nil, fmt.Errorf("the development server is not ready: %w", err)
	}
	return ready.Address, end, nil
}
