package oceanbase

import "github.com/switchback-dr/switchback/lab/labkit"

// Faults are OceanBase's own.
func (s *system) Faults() []labkit.Fault { return nil }
