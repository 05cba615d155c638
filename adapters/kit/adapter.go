package kit

import (
	"context"

	"github.com/switchback-dr/switchback/dr"
)

// Adapter is one product. It is listed once, in adapters/list.go.
type Adapter interface {
	// Product is the name used in the inventory: "postgres".
	Product() string
	// Decode reads the adapter's own nodes of a system's inventory entry,
	// strictly; complaints carry file and line (Node does that).
	Decode(entry Entry) (System, error)
	// Actions are all actions that plans of this adapter can contain.
	Actions() []Action
}

// Entry is the part of a system's inventory entry that belongs to the adapter.
type Entry struct {
	Name  string
	Sites []SiteEntry
	// Node is the mapping under the product's name; nil when there is none.
	Node Node
	// Hosts says which host names the inventory has.
	Hosts func(name string) bool
	// Credentials says which credential names the inventory has.
	Credentials func(name string) bool
}

// SiteEntry is one site with the adapter's settings for it.
type SiteEntry struct {
	Name string
	Node Node
}

// Node is a piece of the inventory file.
type Node interface {
	// Decode reads the node into a struct with yaml tags. Unknown fields,
	// wrong types and doubled keys are errors with file and line.
	Decode(into any) error
	// Complain makes an error with the file and line of the given field
	// ("" for the node itself).
	Complain(field, format string, a ...any) error
}

// System is one system of an adapter's product, decoded.
type System interface {
	// Sites lists the sites' names in the inventory's order.
	Sites() []string
	// Needs lists the hosts and, for each, the tools that must be there;
	// `worker check` looks for them.
	Needs() []Need
	// ObserveSite reads one site until ctx ends. It never fails: what could
	// not be read or was not recognised is unknown, with the reason in the
	// fact's text. It must not change anything.
	ObserveSite(ctx context.Context, env Env, site string) dr.SiteSituation
	// Judge concludes over all sites. It is a pure function of s.Sites.
	Judge(s dr.Situation) dr.Judgement
	// Baseline gives what the next failback must know of each site as it is
	// now. It is a pure function of the situation.
	Baseline(s dr.Situation) []dr.BaselineSite
	// Plan puts the adapter's steps into the draft's phases. It is a pure
	// function of its input: equal input gives an equal draft. An error of
	// class refuse ends the request with its sentence.
	Plan(in PlanInput, d *Draft) error
	// Files are files that the operator may install on hosts or databases
	// (roles, pg_hba lines, hook scripts); shown by `starter files`.
	Files() []File
}

// Need is one host of a system with the tools that the adapter runs there.
type Need struct {
	Site  string
	Host  string
	Tools []Tool
}

// Tool is a program that must be on a host.
type Tool struct {
	// Name is what people call it.
	Name string
	// Path is the program as the adapter runs it: absolute, or a bare name
	// found on PATH.
	Path string
	// Or are programs that do as well where Path is missing.
	Or []string
	// Login says that it is looked for in the login environment.
	Login bool
	// Hint names the package or setting that provides it.
	Hint string
}

// File is a file that an adapter offers.
type File struct {
	Name string
	// Where says on which host or database it belongs, in words.
	Where string
	Body  string
}

// Details decodes what an adapter kept in each site's Detail, by site. A site
// whose detail is missing or was written in another form is left out.
func Details[R any](s dr.Situation) map[string]R {
	out := map[string]R{}
	for _, v := range s.Sites {
		if len(v.Detail) == 0 {
			continue
		}
		var r R
		if dr.DecodeStrict(v.Detail, &r) == nil {
			out[v.Site] = r
		}
	}
	return out
}
