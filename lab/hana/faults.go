package hana

import "github.com/switchback-dr/switchback/lab/labkit"

// Faults are HANA's own.
func (s *system) Faults() []labkit.Fault { return nil }
