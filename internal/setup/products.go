package setup

import (
	"github.com/switchback-dr/switchback/adapters"
	"github.com/switchback-dr/switchback/adapters/kit"
)

// Products lists the adapters that our programs have.
func Products() []kit.Adapter { return adapters.All() }
