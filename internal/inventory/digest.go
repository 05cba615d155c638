package inventory

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/switchback-dr/switchback/dr"
)

// Digest gives a digest of what this inventory says about the system: its
// entry as written and the hosts that it uses, with their defaults. Two
// workers may run steps of one plan only when their digests are equal. fields
// has eight hex digits for every single value, by its path, so that a
// difference can be named without telling the value.
//
// How this worker logs in (key files, agent, known_hosts) and policies are not
// part of it: the first may differ between workers, the second are pinned in
// the run. It is computed once: an inventory that was read does not change.
// The caller must not change fields.
func (s *System) Digest() (digest string, fields map[string]string, err error) {
	s.once.Do(func() { s.digest, s.fields, s.digestErr = s.computeDigest() })
	return s.digest, s.fields, s.digestErr
}

func (s *System) computeDigest() (digest string, fields map[string]string, err error) {
	flat := map[string]string{}
	flatten("", s.entry, flat)
	// The order of sites has a meaning, the order of other keys has none.
	flat["sites (order)"] = strings.Join(s.Sites, ",")
	for _, h := range s.hosts {
		p := "hosts." + h.Name + "."
		flat[p+"address"] = h.Address
		flat[p+"port"] = fmt.Sprint(h.Port)
		flat[p+"user"] = h.User
		flat[p+"jump"] = h.Jump
		flat[p+"job_dir"] = h.JobDir
		flat[p+"password"] = h.PasswordCredential
	}
	if digest, err = dr.Digest(flat); err != nil {
		return "", nil, err
	}
	fields = map[string]string{}
	for path, v := range flat {
		d, err := dr.Digest([]string{path, v})
		if err != nil {
			return "", nil, err
		}
		fields[path] = d[:8]
	}
	return digest, fields, nil
}

// flatten writes every single value under its path relative to the system.
// Texts and other values are told apart, comments and layout do not count.
func flatten(path string, n node, into map[string]string) {
	switch {
	case n.absent():
		into[path] = "empty"
	case n.y.Kind == yaml.MappingNode:
		into[path] = "mapping"
		for _, e := range n.entries() {
			flatten(join(path, e.key), e.value, into)
		}
	case n.y.Kind == yaml.SequenceNode:
		into[path] = fmt.Sprintf("list of %d", len(n.y.Content))
		for i, item := range n.items() {
			flatten(fmt.Sprintf("%s[%d]", path, i), item, into)
		}
	default:
		into[path] = n.y.ShortTag() + " " + n.y.Value
	}
}

// Differences names the fields in which two digests' fields differ, sorted.
func Differences(a, b map[string]string) []string {
	differ := map[string]bool{}
	for k, v := range a {
		if w, ok := b[k]; !ok || v != w {
			differ[k] = true
		}
	}
	for k := range b {
		if _, ok := a[k]; !ok {
			differ[k] = true
		}
	}
	return sortedKeys(differ)
}
