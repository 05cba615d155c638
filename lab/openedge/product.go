// Package openedge is the lab's Progress OpenEdge with OpenEdge Replication: a
// source and one or two targets on simulated hosts. The programs are those of
// package sim; this package installs them, makes the databases with them, and
// looks at the files past them.
package openedge

import (
	"github.com/switchback-dr/switchback/lab/host"
	"github.com/switchback-dr/switchback/lab/labkit"
	"github.com/switchback-dr/switchback/lab/openedge/sim"
)

// programs are all of the vendor's programs; their names decide.
var programs = host.NewBuiltin("openedge", sim.Main)

// Product is OpenEdge.
type Product struct{}

// Name is "openedge".
func (Product) Name() string { return "openedge" }

// Accounts names none: any ordinary user will do.
func (Product) Accounts() []string { return nil }

// Tale is OpenEdge's part of a demonstration.
func (Product) Tale() labkit.Tale {
	return labkit.Tale{
		Server: "the broker of OpenEdge", Kill: "broker-kill",
		Failback: "A backup of the new primary is restored over it, after a gate that names what is overwritten; it follows as a " +
			"target, and after a second gate it becomes the source again.",
	}
}

// Check needs nothing that is not part of the lab.
func (Product) Check() error { return nil }
