package labkit

import (
	"context"

	"github.com/switchback-dr/switchback/lab/ledger"
	"github.com/switchback-dr/switchback/lab/writer"
)

// Product is something that the lab can start a replicated pair of.
type Product interface {
	// Name is the adapter's product name: "postgres".
	Name() string
	// Accounts are users of this machine that the product likes to run as,
	// the best first; used only by a lab that was started as root.
	Accounts() []string
	// Check tells in one sentence what must be installed, or gives nil.
	Check() error
	// Start puts the product on the lab's data hosts and starts it, with the
	// first site as primary. What it started is ended by the hosts' power-off.
	Start(ctx context.Context, l *Lab) (System, error)
}

// Hosts is a product that needs more hosts than one a site, for example for a
// scale-out system.
type Hosts interface {
	// Hosts names the further hosts for these sites and settings.
	Hosts(sites []string, settings map[string]string) []string
}

// Login is a product whose administrator has a login of its own.
type Login interface {
	// Login is the user's name on every host but the edge: "ha1adm".
	Login(settings map[string]string) string
}

// Told is a product that demonstrations can play.
type Told interface {
	Tale() Tale
}

// Tale is what a demonstration says of a product.
type Tale struct {
	// Server is what a person would say is dead: "PostgreSQL".
	Server string
	// Kill is the fault, with a site as its one argument, that kills the
	// server there and leaves the host alive.
	Kill string
	// Failback says how the old primary is brought back: one or two sentences.
	Failback string
	// Lists is true when the failback finds every transaction that only the
	// old primary has, and keeps it.
	Lists bool
}

// System is a started product.
type System interface {
	// Entry is the system's entry in the inventory, but for the clients: the
	// product's nodes of each site and of the system, and credentials.
	Entry() Entry
	// Endpoints are addresses and logins for people, by name.
	Endpoints() map[string]string
	// Target is where the client address leads for a site, as host:port.
	Target(site string) string
	// Dial opens a client's session at an address.
	Dial(ctx context.Context, address string) (writer.Session, error)
	// Writable asks the site itself whether it would take a client's write.
	Writable(ctx context.Context, site string) bool
	// Rows reads the writer's numbers from a site.
	Rows(ctx context.Context, site string) (ledger.Rows, error)
	// Changes counts changing commands that are not programs (SQL) on a
	// host: name -> times. Programs are counted by their shims.
	Changes(host string) (map[string]int, error)
	// Changing says whether a counted program's call changes anything, and
	// under which name it is counted ("pg_ctl promote"); "" for none.
	Changing(argv []string) string
	// Faults are the product's own fault switches.
	Faults() []Fault
	// Close ends connections that the product itself holds.
	Close()
}

// Entry is the product's part of the inventory.
type Entry struct {
	// System is the system's name; Sites holds the product's settings of
	// each site (without host, or with an empty one where the product's sites
	// name none); Product those of the system.
	System  string
	Sites   map[string]map[string]any
	Product map[string]any
	// More are further fields of the system: applications, fence, limits.
	More map[string]any
	// Credentials are secrets by name. They are kept in files beside the
	// inventory, which names them.
	Credentials map[string]string
}

// Fault is a switch that breaks something real.
type Fault struct {
	Name string `json:"name"`
	// Usage lists its arguments: "HOST PROGRAM MILLISECONDS".
	Usage string `json:"usage"`
	// Text says in one sentence what it does, Off what switching it off does
	// ("" when there is no off).
	Text string `json:"text"`
	Off  string `json:"off,omitempty"`
	// Set switches it and says in one sentence what it did.
	Set func(ctx context.Context, args []string, on bool) (string, error) `json:"-"`
}
