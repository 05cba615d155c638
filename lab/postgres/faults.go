package postgres

import (
	"context"
	"fmt"

	"github.com/switchback-dr/switchback/lab/host"
	"github.com/switchback-dr/switchback/lab/labkit"
)

// Faults are PostgreSQL's own.
func (s *system) Faults() []labkit.Fault {
	return []labkit.Fault{
		{Name: "postmaster-kill", Usage: "SITE", Text: "kills a site's postmaster by SIGKILL; its children end by themselves, the host stays up", Set: s.killPostmaster},
		{Name: "old-primary-returns", Usage: "SITE", Text: "boots a host that is off, or starts its PostgreSQL, as init would: start.conf decides", Set: s.returns},
	}
}

func (s *system) killPostmaster(_ context.Context, args []string, _ bool) (string, error) {
	h, err := s.lab.Host(args[0])
	if err != nil {
		return "", err
	}
	pid, err := postmaster(h)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("PostgreSQL on %s (process %d) was killed", h.Name, pid), host.Kill(pid)
}

func (s *system) returns(_ context.Context, args []string, _ bool) (string, error) {
	h, err := s.lab.Host(args[0])
	if err != nil {
		return "", err
	}
	if !h.On() {
		return h.Name + " is on", h.PowerOn()
	}
	return "the start program of " + h.Name + " ran", s.boot(h.Name)
}
