package main

import (
	"fmt"
	"os"
	"os/exec"
)

// need sees that a program is there: it installs the first of the Debian
// packages that can be installed, when it may, or says what to do.
func need(s *scene, program string, packages ...string) error {
	there := func() bool { _, err := exec.LookPath(program); return err == nil }
	return install(s, there, program, packages)
}

// needFile is need for a file or a directory.
func needFile(s *scene, path string, packages ...string) error {
	there := func() bool { _, err := os.Stat(path); return err == nil }
	return install(s, there, path, packages)
}

func install(s *scene, there func() bool, what string, packages []string) error {
	if there() {
		return nil
	}
	if os.Geteuid() == 0 {
		for _, p := range packages {
			s.Logf("installing %s", p)
			cmd := exec.CommandContext(s.ctx, "apt-get", "install", "-y", "-q", p)
			cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
			if cmd.Run() == nil && there() {
				return nil
			}
		}
	}
	return fmt.Errorf("%s is missing: apt-get install %s", what, packages[0])
}
