// Package hana is the lab's SAP HANA: two or three sites with system
// replication, simulated where an administrator touches them. Programs have the
// vendor's names, layouts and exit codes; databases speak HANA's SQL protocol
// and keep real tables; sites ship their logs to each other over TCP.
//
// Everything is written in Go and part of the lab's own binary: a lab needs no
// licence and no other program.
package hana

import (
	"github.com/switchback-dr/switchback/lab/hana/engine"
	"github.com/switchback-dr/switchback/lab/host"
	"github.com/switchback-dr/switchback/lab/labkit"
)

// daemon is the database process.
var daemon = host.NewBuiltin("hana-hdbdaemon", engine.Main)

// Product is SAP HANA.
type Product struct{}

// Name is "hana".
func (Product) Name() string { return "hana" }

// Accounts names no user: any ordinary one will do.
func (Product) Accounts() []string { return nil }

// Tale is HANA's part of a demonstration.
func (Product) Tale() labkit.Tale {
	return labkit.Tale{
		Server: "SAP HANA", Kill: "daemon-kill",
		Failback: "It is registered as the secondary of the new primary, which overwrites what only it had; when every service is " +
			"in sync it becomes the primary again, after a second gate. HANA cannot list what was lost.",
	}
}

// Check finds nothing missing: nothing must be installed.
func (Product) Check() error { return nil }

// Hosts names the further hosts of a scale-out system, by the setting hosts.
func (Product) Hosts(sites []string, given map[string]string) []string {
	set, err := read(given, false)
	if err != nil {
		return nil // Start says why
	}
	s := &system{set: set}
	var all []string
	for _, site := range sites {
		all = append(all, s.members(site)[1:]...)
	}
	return all
}
