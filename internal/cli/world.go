package cli

import (
	"bytes"
	"encoding/json"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/inventory"
	"github.com/switchback-dr/switchback/internal/setup"
)

// defaultInventory is looked for where nothing else is said.
const defaultInventory = "systems.yaml"

// load reads the inventory that the command line or the environment names.
func (a *App) load(in *input) (*setup.Setup, error) {
	path := in.inventory
	if path == "" {
		path = a.Getenv("SWITCHBACK_INVENTORY")
	}
	if path == "" {
		path = defaultInventory
	}
	return a.Load(path)
}

// loadSystem reads the inventory and finds the system in it. The caller closes
// the setup.
func (a *App) loadSystem(in *input, name string) (*setup.Setup, *inventory.System, error) {
	s, err := a.load(in)
	if err != nil {
		return nil, nil, err
	}
	sys, err := s.Inventory.System(name)
	if err != nil {
		s.Close()
		return nil, nil, err
	}
	return s, sys, nil
}

// systemName checks a system's name where no inventory is needed.
func systemName(name string) error {
	if err := dr.CheckName("system", name); err != nil {
		return badUsage("%s", err.Error()).WithNext("starter systems")
	}
	return nil
}

// procedureName reads the word that names a procedure.
func procedureName(word string) (dr.Procedure, error) {
	switch p := dr.Procedure(word); p {
	case dr.ProcTakeover, dr.ProcFailback, dr.ProcReseed:
		return p, nil
	}
	return "", badUsage("there is no procedure %q", dr.Clip(word, 40)).WithNext("use takeover, failback or reseed")
}

// printJSON writes a value as indented JSON on stdout.
func (a *App) printJSON(v any, clean func(string) string) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return dr.Hold("internal", "the answer cannot be written as JSON: %v", err)
	}
	text := b.String()
	if clean != nil {
		text = clean(text)
	}
	a.printf("%s", text)
	return nil
}
