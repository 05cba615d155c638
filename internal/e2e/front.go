package e2e

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.yaml.in/yaml/v3"

	"github.com/switchback-dr/switchback/internal/nettest"
	"github.com/switchback-dr/switchback/lab/host"
	"github.com/switchback-dr/switchback/lab/labkit"
)

// Front is a real program between clients and the lab's PostgreSQL, or the
// lab's own client address.
type Front struct {
	// DSN is how clients reach the database through it.
	DSN string
	// Lookup finds a name's addresses; nil for the machine's own way.
	Lookup func(ctx context.Context, host string) ([]string, error)
	// Client is its part of the inventory, an element of clients; nil for the
	// one that the lab has written.
	Client map[string]any
	// Credentials are files by name; Hosts are further hosts.
	Credentials map[string]string
	Hosts       map[string]any
}

func (f Front) connect(ctx context.Context) (*pgx.Conn, error) {
	c, err := pgx.ParseConfig(f.DSN)
	if err != nil {
		return nil, fmt.Errorf("no DSN: %w", err)
	}
	if f.Lookup != nil {
		c.LookupFunc = f.Lookup
	}
	return pgx.ConnectConfig(ctx, c)
}

// OwnAddress is the lab's.
func OwnAddress(lab labkit.Description) Front { return Front{DSN: lab.Endpoints["client"]} }

// edge is the lab's host outside of the sites.
const edge = "edge"

// servers gives the address of each site's server, and one DSN's login.
func servers(t testing.TB, lab labkit.Description) (at map[string]string, client *url.URL) {
	t.Helper()
	at = map[string]string{}
	for name, dsn := range lab.Endpoints {
		u, err := url.Parse(dsn)
		if err != nil {
			t.Fatalf("e2e: the lab's endpoint %s is no URL: %v", name, err)
		}
		if name == "client" {
			client = u
			continue
		}
		at[name] = u.Host
	}
	return at, client
}

// through gives the client's DSN at another address.
func through(client *url.URL, address string) string {
	u := *client
	u.Host = address
	q := u.Query()
	q.Set("default_query_exec_mode", "simple_protocol")
	q.Del("application_name") // PgBouncer knows no such parameter by default
	u.RawQuery = q.Encode()
	return u.String()
}

// shortDir makes a directory whose path leaves room for a socket's name.
func shortDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "sbf")
	if err != nil {
		t.Fatalf("e2e: %v", err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	belongToLab(t, dir, 0o755)
	return dir
}

// belongToLab gives a file to the user that the lab's hosts run as.
func belongToLab(t testing.TB, path string, mode os.FileMode) {
	t.Helper()
	u, err := host.OrdinaryUser("postgres")
	if err == nil && u.UID >= 0 {
		err = os.Chown(path, u.UID, u.GID)
	}
	if err = errors.Join(err, os.Chmod(path, mode)); err != nil {
		t.Fatalf("e2e: %v", err)
	}
}

func write(t testing.TB, path, format string, a ...any) {
	t.Helper()
	if err := os.WriteFile(path, fmt.Appendf(nil, format, a...), 0o644); err != nil {
		t.Fatalf("e2e: %v", err)
	}
}

func programPath(t testing.TB, name, debian string) string {
	t.Helper()
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	path := filepath.Join("/usr/sbin", name)
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("e2e: %s is missing: apt-get install %s", name, debian)
	}
	return path
}

// StartPgBouncer starts PgBouncer in front of the lab's first site.
func StartPgBouncer(t testing.TB, lab labkit.Description) Front {
	t.Helper()
	at, client := servers(t, lab)
	dir := shortDir(t)
	port := strconv.Itoa(nettest.Port(t))
	address := net.JoinHostPort("127.0.0.1", port)
	password, _ := client.User.Password()
	database := strings.TrimPrefix(client.Path, "/")
	sites := map[string]any{}
	for site, server := range at {
		host, p, _ := net.SplitHostPort(server)
		sites[site] = map[string]any{"address": host, "port": yamlInt(p)}
	}
	first, firstPort, _ := net.SplitHostPort(at["east"])
	write(t, dir+"/orders.ini", "[databases]\n%s = host=%s port=%s dbname=%s\n", database, first, firstPort, database)
	belongToLab(t, dir+"/orders.ini", 0o644)
	write(t, dir+"/users", "%q %q\n\"dr\" \"\"\n", client.User.Username(), password)
	write(t, dir+"/pgbouncer.ini", `%%include %[1]s/orders.ini
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %[2]s
unix_socket_dir = %[1]s
auth_type = hba
auth_hba_file = %[1]s/hba
auth_file = %[1]s/users
admin_users = dr
pool_mode = transaction
server_login_retry = 1
`, dir, port)
	write(t, dir+"/hba", "local pgbouncer dr trust\nhost all all 127.0.0.0/8 md5\n")
	args := []string{"-q", dir + "/pgbouncer.ini"}
	if os.Geteuid() == 0 {
		args = append([]string{"-u", "postgres"}, args...)
	}
	Start(t, Spec{Name: "pgbouncer", Path: programPath(t, "pgbouncer", "pgbouncer"), Args: args})
	awaitTCP(t, address)
	psql, _ := filepath.Glob("/usr/lib/postgresql/*/bin/psql")
	if len(psql) == 0 {
		t.Fatal("e2e: psql is missing: apt-get install postgresql-client")
	}
	return Front{DSN: through(client, address), Client: map[string]any{"name": "pool", "pgbouncer": map[string]any{
		"databases": map[string]any{database: "dbname=" + database}, "sites": sites,
		"consoles": []any{map[string]any{"host": edge, "socket": dir, "port": yamlInt(port), "user": "dr", "file": dir + "/orders.ini", "psql": psql[len(psql)-1]}},
	}}}
}

// StartHAProxy starts HAProxy in front of the lab's sites; the first one takes
// clients.
func StartHAProxy(t testing.TB, lab labkit.Description) Front {
	t.Helper()
	at, client := servers(t, lab)
	dir := shortDir(t)
	address := nettest.Address(t)
	var backend strings.Builder
	names := map[string]any{}
	for site, server := range at {
		state := " disabled"
		if site == "east" {
			state = ""
		}
		names[site] = "db-" + site
		fmt.Fprintf(&backend, "  server db-%s %s%s\n", site, server, state)
	}
	write(t, dir+"/haproxy.cfg", `global
  stats socket %s/admin.sock mode 666 level admin
defaults
  mode tcp
  timeout connect 1s
  timeout client 1h
  timeout server 1h
frontend clients
  bind %s
  default_backend orders
backend orders
%s`, dir, address, backend.String())
	Start(t, Spec{Name: "haproxy", Path: programPath(t, "haproxy", "haproxy"), Args: []string{"-db", "-f", dir + "/haproxy.cfg"}})
	awaitTCP(t, address)
	return Front{DSN: through(client, address), Client: map[string]any{"name": "lb", "haproxy": map[string]any{
		"backend": "orders", "servers": names, "proxies": []any{map[string]any{"host": edge, "socket": dir + "/admin.sock"}},
	}}}
}

func yamlInt(text string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: text}
}

func awaitTCP(t testing.TB, address string) {
	t.Helper()
	Await(t, bootLimit, address+" answers", func() (bool, string) {
		c, err := net.DialTimeout("tcp", address, time.Second)
		if err != nil {
			return false, err.Error()
		}
		_ = c.Close()
		return true, ""
	})
}

// SetClients makes the fronts the clients of the lab's system.
func SetClients(t testing.TB, lab labkit.Description, fronts ...Front) {
	t.Helper()
	raw, err := os.ReadFile(lab.Inventory)
	if err != nil {
		t.Fatalf("e2e: %v", err)
	}
	var all map[string]any
	if err := yaml.Unmarshal(raw, &all); err != nil {
		t.Fatalf("e2e: the lab's inventory: %v", err)
	}
	var clients []any
	for _, f := range fronts {
		clients = append(clients, f.Client)
	}
	mapping := func(m map[string]any, key string) map[string]any {
		inner, _ := m[key].(map[string]any)
		if inner == nil {
			inner = map[string]any{}
			m[key] = inner
		}
		return inner
	}
	mapping(mapping(all, "systems"), lab.System)["clients"] = clients
	for _, f := range fronts {
		for name, file := range f.Credentials {
			mapping(all, "credentials")[name] = map[string]any{"file": file}
		}
		maps.Copy(mapping(all, "hosts"), f.Hosts)
	}
	if raw, err = yaml.Marshal(all); err == nil {
		err = os.WriteFile(lab.Inventory, raw, 0o644)
	}
	if err != nil {
		t.Fatalf("e2e: the lab's inventory: %v", err)
	}
}
