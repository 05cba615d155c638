package setup

import "github.com/switchback-dr/switchback/adapters/kit"

// Products lists the adapters that our programs have.
func Products() []kit.Adapter { return products() }

// products is where the list of adapters comes in.
var products = func() []kit.Adapter { return nil }
