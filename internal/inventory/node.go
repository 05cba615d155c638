package inventory

import (
	"errors"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// node is a place in the file: a value, the line that people look for and the
// path that names it ("systems.orders.sites.east").
type node struct {
	file string
	path string
	line int
	y    *yaml.Node
}

// entry is one key of a mapping with its value.
type entry struct {
	key   string
	value node
}

// absent says that the value is missing or written as null.
func (n node) absent() bool {
	return n.y == nil || n.y.Kind == 0 || (n.y.Kind == yaml.ScalarNode && n.y.ShortTag() == "!!null")
}

// entries lists a mapping's keys in the file's order; nil for anything else.
func (n node) entries() []entry {
	if n.y == nil || n.y.Kind != yaml.MappingNode {
		return nil
	}
	var out []entry
	for i := 0; i+1 < len(n.y.Content); i += 2 {
		k, v := n.y.Content[i], n.y.Content[i+1]
		out = append(out, entry{k.Value, node{n.file, join(n.path, k.Value), k.Line, v}})
	}
	return out
}

// items lists the elements of a sequence; nil for anything else.
func (n node) items() []node {
	if n.y == nil || n.y.Kind != yaml.SequenceNode {
		return nil
	}
	var out []node
	for i := range n.y.Content {
		out = append(out, n.item(i))
	}
	return out
}

// at follows a dotted path of keys and list positions ("fence.0.on"). Where
// the path ends early the deepest place found is given: its line is the one
// to look at.
func (n node) at(path string) node {
	if path == "" {
		return n
	}
	for _, part := range strings.Split(path, ".") {
		next, ok := n.child(part)
		if !ok {
			return n
		}
		n = next
	}
	return n
}

func (n node) child(part string) (node, bool) {
	if n.y == nil {
		return node{}, false
	}
	switch n.y.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.y.Content); i += 2 {
			if k := n.y.Content[i]; k.Value == part {
				return node{n.file, join(n.path, part), k.Line, n.y.Content[i+1]}, true
			}
		}
	case yaml.SequenceNode:
		if i, err := strconv.Atoi(part); err == nil && i >= 0 && i < len(n.y.Content) {
			return n.item(i), true
		}
	}
	return node{}, false
}

func (n node) item(i int) node {
	v := n.y.Content[i]
	return node{n.file, n.path + "[" + strconv.Itoa(i) + "]", v.Line, v}
}

// has says whether the mapping names the key.
func (n node) has(key string) bool {
	_, ok := n.child(key)
	return ok
}

// Decode reads the node into a struct with yaml tags, strictly: see kit.Node.
func (n node) Decode(into any) error {
	c := &complaints{file: n.file}
	decode(n, into, c)
	var all []error
	for _, e := range c.list {
		all = append(all, e)
	}
	return errors.Join(all...)
}

// Complain makes an error with the file and line of the field; fields of
// fields are written with dots ("sites.east.port").
func (n node) Complain(field, format string, a ...any) error {
	c := complaints{file: n.file}
	c.add(n.at(field).line, format, a...)
	return c.list[0]
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
