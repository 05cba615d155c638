package labkit

import (
	"fmt"
	"maps"
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
			"address": h.Address, "port": h.Port, "user": h.Login,
			"keys": []string{l.ClientKey()}, "known_hosts": []string{l.KnownHosts()}, "job_dir": h.Path(JobDir),
		}
	}
	entry := l.System.Entry()
	credentials, err := l.writeCredentials(entry.Credentials)
	if err != nil {
		return err
	}
	doc := map[string]any{
		"version": 1,
		"people": map[string]any{
			"ana": map[string]any{"name": "Ana Example", "roles": []string{"dba", "approver"}, "ssh_keys": []string{ana}},
			"ben": map[string]any{"name": "Ben Example", "roles": []string{"approver"}, "ssh_keys": []string{ben}},
		},
		"policies": map[string]any{"lab": map[string]any{"quorum": 1, "unsigned": "count", "exclude_requester": false, "reason_for": []string{}}},
		"reports":  map[string]any{"dir": filepath.Join(l.Dir, "reports")},
		"hosts":    hosts,
		"systems":  map[string]any{entry.System: l.system(entry)},
	}
	if len(credentials) > 0 {
		doc["credentials"] = credentials
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

// writeCredentials keeps each secret in a file that only its owner reads, and
// gives what the inventory says of them.
func (l *Lab) writeCredentials(secrets map[string]string) (map[string]any, error) {
	dir := filepath.Join(l.Dir, "secrets")
	named := map[string]any{}
	for name, secret := range secrets {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("the lab cannot keep its secrets: %w", err)
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(secret+"\n"), 0o600); err != nil {
			return nil, fmt.Errorf("the lab cannot keep its secrets: %w", err)
		}
		named[name] = map[string]any{"file": path}
	}
	return named, nil
}

func (l *Lab) system(entry Entry) map[string]any {
	sites := map[string]any{}
	point := map[string]any{}
	for _, site := range l.Sites {
		node := map[string]any{"host": site}
		for k, v := range entry.Sites[site] {
			node[k] = v
		}
		if node["host"] == "" {
			delete(node, "host")
		}
		sites[site] = node
		point[site] = []string{"client-address", "point", site}
	}
	fields := map[string]any{
		"product": l.Product.Name(), "home": l.Sites[0], "policy": "lab", "sites": sites, l.Product.Name(): entry.Product,
		"clients": []any{map[string]any{
			"name": entry.System + "-db", "host": Edge, "point": point,
			"none": []string{"client-address", "point", "none"}, "show": []string{"client-address", "show"},
		}},
	}
	maps.Copy(fields, entry.More)
	return fields
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
