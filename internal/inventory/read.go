package inventory

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"regexp"
	"strconv"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/switchback-dr/switchback/dr"
)

// MaxBytes bounds the inventory file.
const MaxBytes = 1 << 20

// maxDepth bounds how deep lists and mappings may be nested; the format needs
// eight levels.
const maxDepth = 32

// readFile gives the file's bytes or one sentence.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, dr.Refuse("inventory", "there is no inventory file %s", path).WithNext("write one, or name another with --inventory")
	case errors.Is(err, fs.ErrPermission):
		return nil, dr.Refuse("inventory", "the inventory file %s may not be read by this user", path).WithNext("allow this user to read it")
	case err != nil:
		return nil, dr.Refuse("inventory", "the inventory file %s cannot be read: %v", path, plainCause(err))
	}
	defer func() { _ = f.Close() }()
	if info, err := f.Stat(); err == nil && !info.Mode().IsRegular() {
		return nil, dr.Refuse("inventory", "the inventory %s is not a regular file", path).WithNext("name the file itself with --inventory")
	}
	raw, err := io.ReadAll(io.LimitReader(f, MaxBytes+1))
	if err != nil {
		return nil, dr.Refuse("inventory", "the inventory file %s cannot be read: %v", path, plainCause(err))
	}
	return raw, nil
}

// plainCause drops the operation and path that Go puts before the reason.
func plainCause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

var (
	yamlLine      = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)
	unknownAnchor = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)
)

// parse gives the top mapping of the file, checked for everything that has no
// place in it: aliases, tags, doubled keys, a second document.
func parse(file string, raw []byte, c *complaints) (node, bool) {
	if len(raw) > MaxBytes {
		c.add(0, "the file is larger than %s", dr.ByteText(MaxBytes))
		return node{}, false
	}
	if !utf8.Valid(raw) {
		c.add(lineOfGarbage(raw), "the file is not UTF-8 text")
		return node{}, false
	}
	var doc yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		c.add(0, "the file is empty")
		return node{}, false
	} else if err != nil {
		notYAML(c, raw, err)
		return node{}, false
	}
	var second yaml.Node
	if err := dec.Decode(&second); err == nil {
		c.add(second.Line, "there is a second YAML document; the inventory is one")
	} else if !errors.Is(err, io.EOF) {
		notYAML(c, raw, err)
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		c.add(max(doc.Line, 1), "the inventory must be a mapping that begins with version: 1")
		return node{}, false
	}
	top := node{file: file, line: 1, y: doc.Content[0]}
	before := len(c.list)
	inspect(top, 1, c)
	return top, len(c.list) == before
}

// notYAML complains about text that the YAML library cannot read. Its line is
// at times the one before the mistake, and it gives none for an alias.
func notYAML(c *complaints, raw []byte, err error) {
	line, text := 0, oneLine(err.Error())
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		line, _ = strconv.Atoi(m[1])
		text = m[2]
	}
	if m := unknownAnchor.FindStringSubmatch(text); m != nil {
		before, _, _ := bytes.Cut(raw, []byte("*"+m[1]))
		c.add(1+bytes.Count(before, []byte("\n")), "the alias *%s is used; write the values out", dr.Clip(m[1], 40))
		return
	}
	c.add(line, "this is not YAML, here or in the next line: %s", text)
}

// inspect walks the tree and complains about what no part of the format uses.
func inspect(n node, depth int, c *complaints) {
	if depth > maxDepth {
		c.add(n.line, "%s is nested more than %d levels deep", dr.Clip(n.path, 60), maxDepth)
		return
	}
	if n.y.Kind == yaml.AliasNode {
		c.add(n.y.Line, "%s uses the alias *%s; write the values out", place(n.path), dr.Clip(n.y.Value, 40))
		return
	}
	if n.y.Anchor != "" {
		c.add(n.y.Line, "%s has the anchor &%s; anchors are not allowed", place(n.path), dr.Clip(n.y.Anchor, 40))
	}
	if n.y.Style&yaml.TaggedStyle != 0 {
		c.add(n.y.Line, "%s has the tag %s; tags are not allowed", place(n.path), dr.Clip(n.y.Tag, 40))
	}
	if n.y.Kind == yaml.MappingNode {
		keys(n, c)
	}
	for _, e := range n.entries() {
		inspect(e.value, depth+1, c)
	}
	for _, e := range n.items() {
		inspect(e, depth+1, c)
	}
}

// keys complains about keys that are no plain text or that stand twice.
func keys(n node, c *complaints) {
	seen := map[string]int{}
	for i := 0; i+1 < len(n.y.Content); i += 2 {
		k := n.y.Content[i]
		if k.Kind != yaml.ScalarNode || k.Anchor != "" || k.Style&yaml.TaggedStyle != 0 {
			c.add(k.Line, "%s has a key that is not a plain text", place(n.path))
			continue
		}
		if first, ok := seen[k.Value]; ok {
			c.add(k.Line, "%s stands twice; the first is in line %d", dr.Clip(join(n.path, k.Value), 120), first)
			continue
		}
		seen[k.Value] = k.Line
	}
}

// lineOfGarbage gives the line of the first byte that is not UTF-8, from 1.
func lineOfGarbage(raw []byte) int {
	line := 1
	for len(raw) > 0 {
		r, n := utf8.DecodeRune(raw)
		if r == utf8.RuneError && n == 1 {
			break
		}
		if r == '\n' {
			line++
		}
		raw = raw[n:]
	}
	return line
}
