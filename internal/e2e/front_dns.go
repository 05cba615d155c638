package e2e

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/switchback-dr/switchback/internal/nameserver/bindtest"
	"github.com/switchback-dr/switchback/lab/labkit"
)

// StartDNS starts an authority with a name for the lab's primary and a resolver
// that clients ask at each connection. Both are BIND. It is for a lab whose
// servers have the same port.
func StartDNS(t testing.TB, lab labkit.Description) Front {
	t.Helper()
	at, client := servers(t, lab)
	sites := map[string]any{}
	port := ""
	for site, server := range at {
		host, p, _ := net.SplitHostPort(server)
		sites[site] = map[string]any{"a": []any{host}}
		port = p
	}
	first, _, _ := net.SplitHostPort(at["east"])
	authority := bindtest.Primary(t, fmt.Sprintf("orders 5 IN A %s", first))
	resolver := bindtest.Resolver(t, authority)
	key := filepath.Join(t.TempDir(), "dns.key")
	if err := os.WriteFile(key, []byte(bindtest.Secret), 0o600); err != nil {
		t.Fatalf("e2e: %v", err)
	}
	name := "orders." + bindtest.Zone
	asked := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, resolver.Address)
	}}
	return Front{
		DSN: through(client, net.JoinHostPort(name, port)),
		Lookup: func(ctx context.Context, host string) ([]string, error) {
			return asked.LookupHost(ctx, host+".")
		},
		Credentials: map[string]string{"dns-key": key},
		Client: map[string]any{"name": "orders-name", "dns": map[string]any{
			"name": name, "zone": bindtest.Zone, "server": authority.Address, "servers": []any{authority.Address}, "resolvers": []any{resolver.Address},
			"key": map[string]any{"name": bindtest.Key, "algorithm": bindtest.Algorithm, "credential": "dns-key"},
			"ttl": "5s", "ttl_moving": "1s", "sites": sites,
		}},
	}
}
