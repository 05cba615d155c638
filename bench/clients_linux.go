package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"

	"github.com/switchback-dr/switchback/internal/e2e"
)

// inNetwork is set for a benchmark in a network of its own.
const inNetwork = "SWITCHBACK_BENCH_NETWORK"

// measureClients plays the same planned takeovers once by each kind. Virtual
// addresses need a network of their own, and with it root: the whole part then
// runs there, so that its figures can be compared.
func measureClients(s *scene, runs int) ([]Row, error) {
	switch {
	case os.Getenv(inNetwork) != "":
		if err := prepareNetwork(); err != nil {
			return nil, err
		}
		return measureKinds(s, append(clientKinds(), clientKind{"a virtual address", e2e.StartVIP}), runs)
	case os.Geteuid() == 0:
		return measureInNetwork(s, runs)
	}
	s.Log("virtual addresses are not measured: their network needs root")
	return measureKinds(s, clientKinds(), runs)
}

// measureInNetwork runs this program's part clients again in a fresh network.
func measureInNetwork(s *scene, runs int) ([]Row, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("this program does not find itself: %w", err)
	}
	cmd := exec.CommandContext(s.ctx, self, "clients", "--runs", strconv.Itoa(runs), "--json")
	cmd.Env = append(os.Environ(), inNetwork+"=yes")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	e2e.OwnNetwork(cmd)
	failed := cmd.Run()
	var rows []Row
	if err := json.Unmarshal(out.Bytes(), &rows); err != nil {
		return nil, errors.Join(failed, err)
	}
	return rows, failed
}

// prepareNetwork makes the loopback work, and room for names of namespaces.
func prepareNetwork() error {
	err := errors.Join(
		syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""),
		syscall.Mount("tmpfs", "/run", "tmpfs", 0, ""),
		exec.Command("ip", "link", "set", "lo", "up").Run(),
	)
	if err != nil {
		return fmt.Errorf("the network for virtual addresses: %w", err)
	}
	return nil
}
