package adaptertest

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/switchback-dr/switchback/dr"
)

// YAML is an inventory node from a text, decoded as strictly as the inventory's
// own. An empty text decodes into nothing.
type YAML string

// Decode reads the node.
func (n YAML) Decode(into any) error {
	if strings.TrimSpace(string(n)) == "" {
		return nil
	}
	d := yaml.NewDecoder(strings.NewReader(string(n)))
	d.KnownFields(true)
	if err := d.Decode(into); err != nil {
		return dr.Refuse("inventory", "test.yaml:1: %v", err)
	}
	return nil
}

// Complain names the field.
func (n YAML) Complain(field, format string, a ...any) error {
	return dr.Refuse("inventory", "test.yaml:1: %s: %s", field, fmt.Sprintf(format, a...))
}
