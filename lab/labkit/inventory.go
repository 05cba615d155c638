package labkit

import (
	"fmt"
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v3"
)

// JobDir is where a host keeps claims and jobs, below its root.
const JobDir = "var/switchback/jobs"

// writeInventory writes systems.yaml, and a key pair for each of its people.
func (l *Lab) writeInventory() error {
	ana, err := l.person("ana")
	if err != nil {
		return err
	}
	ben, err := l.person("ben")
	if err != nil {
		return err
	}
	hosts := map[string]any{}
	for name, h := range l.hosts {
		if err := h.MkdirAll(JobDir, 0o700); err != nil {
			return err
		}
		hosts[name] = map[string]any{
			"address": h.Address, "port": h.Port, "user": "lab",
			"keys": []string{l.ClientKey()}, "known_hosts": []string{l.KnownHosts()}, "job_dir": h.Path(JobDir),
		}
	}
	entry := l.System.Entry()
	doc := map[string]any{
		"version": 1,
		"people": map[string]any{
			"ana": map[string]any{"name": "Ana Example", "roles": []string{"dba", "approver"}, "ssh_keys": []string{ana}},
			"ben": map[string]any{"name": "Ben Example", "roles": []string{"approver"}, "ssh_keys": []string{ben}},
		},
		"policies": map[string]any{"lab": map[string]any{"quorum": 1, "unsigned": "count", "exclude_requester": false}},
		"reports":  map[string]any{"dir": filepath.Join(l.Dir, "reports")},
		"hosts":    hosts,
		"systems":  map[string]any{entry.System: l.system(entry)},
	}
	if err := os.MkdirAll(filepath.Join(l.Dir, "reports"), 0o755); err != nil {
		return err
	}
	b, err := yaml.Marshal(doc)
	if err != nil {
		return fmt.Errorf("the lab's inventory cannot be written: %w", err)
	}
	return os.WriteFile(l.Inventory(), append([]byte("# Written by the lab; it is written anew by each start.\n"), b...), 0o644)
}

func (l *Lab) system(entry Entry) map[string]any {
	sites := map[string]any{}
	point := map[string]any{}
	for _, site := range l.Sites {
		node := map[string]any{"host": site}
		for k, v := range entry.Sites[site] {
			node[k] = v
		}
		sites[site] = node
		point[site] = []string{"client-address", "point", site}
	}
	return map[string]any{
		"product": l.Product.Name(), "home": l.Sites[0], "policy": "lab", "sites": sites, l.Product.Name(): entry.Product,
		"clients": []any{map[string]any{
			"name": entry.System + "-db", "host": Edge, "point": point,
			"none": []string{"client-address", "point", "none"}, "show": []string{"client-address", "show"},
		}},
	}
}

func (l *Lab) person(id string) (authorizedKey string, err error) {
	path := filepath.Join(l.Dir, "people", id)
	key, err := newKey(path, id)
	if err != nil {
		return "", err
	}
	l.people[id] = path
	return authorized(key.PublicKey(), id), nil
}
