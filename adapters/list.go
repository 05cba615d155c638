// Package adapters lists the products that Switchback knows. Adding a product
// is one folder and one line here.
package adapters

import (
	"github.com/switchback-dr/switchback/adapters/hana"
	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/adapters/oceanbase"
	"github.com/switchback-dr/switchback/adapters/openedge"
	"github.com/switchback-dr/switchback/adapters/postgres"
	"github.com/switchback-dr/switchback/adapters/vvr"
)

// All gives every adapter, in the order in which they are shown.
func All() []kit.Adapter {
	return []kit.Adapter{
		hana.New(),
		vvr.New(),
		openedge.New(),
		oceanbase.New(),
		postgres.New(),
	}
}
