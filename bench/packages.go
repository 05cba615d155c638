package main

import (
	"fmt"
	"os"
	"os/exec"
)

// need sees that a program is there: it installs the first of the Debian
// packages that can be installed, when it may, or says what to do.
func need(s *scene, program string, packages ...string) error {
	if _, err := exec.LookPath(program); err == nil {
		return nil
	}
	if os.Geteuid() == 0 {
		for _, p := range packages {
			s.Logf("installing %s", p)
			cmd := exec.CommandContext(s.ctx, "apt-get", "install", "-y", "-q", p)
			cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
			if cmd.Run() == nil {
				if _, err := exec.LookPath(program); err == nil {
					return nil
				}
			}
		}
	}
	return fmt.Errorf("%s is missing: apt-get install %s", program, packages[0])
}
