package openedge

import "github.com/switchback-dr/switchback/lab/labkit"

// Faults are OpenEdge's own.
func (s *system) Faults() []labkit.Fault { return nil }
