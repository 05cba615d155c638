// Package list names the products that the lab can start. Adding one is one
// folder beside this and one line here.
package list

import (
	"fmt"
	"strings"

	"github.com/switchback-dr/switchback/lab/hana"
	"github.com/switchback-dr/switchback/lab/labkit"
	"github.com/switchback-dr/switchback/lab/oceanbase"
	"github.com/switchback-dr/switchback/lab/openedge"
	"github.com/switchback-dr/switchback/lab/postgres"
	"github.com/switchback-dr/switchback/lab/vvr"
)

// All gives every product, in the order in which they are shown.
func All() []labkit.Product {
	return []labkit.Product{
		hana.Product{},
		vvr.Product{},
		openedge.Product{},
		oceanbase.Product{},
		postgres.Product{},
	}
}

// Find gives the product of a name; the error lists those that there are.
func Find(name string) (labkit.Product, error) {
	for _, p := range All() {
		if p.Name() == name {
			return p, nil
		}
	}
	return nil, fmt.Errorf("the lab has no product %q: it has %s", name, Names())
}

// Names lists the products' names, for people.
func Names() string {
	var names []string
	for _, p := range All() {
		names = append(names, p.Name())
	}
	return strings.Join(names, ", ")
}
