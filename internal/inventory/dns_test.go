package inventory_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/internal/inventory"
)

func TestEveryMistakeAboutANameOfTheDNSIsNamedWithItsLine(t *testing.T) {
	const show, at = "        show: [/opt/vip/show]\n", "systems.orders.clients[1].dns"
	const good = `      - name: orders-name
        dns:
          name: orders.db.example.com
          zone: example.com
          server: 192.0.2.53
          servers: [192.0.2.53, "[2001:db8::53]:5353"]
          resolvers: [192.0.2.60]
          key: {name: switchback, credential: orders-db}
          ttl: 5m
          sites:
            east: {a: [192.0.2.11]}
            west: {a: [192.0.2.12], aaaa: ["2001:db8:0::12"]}
`
	with := func(old, replacement string) string {
		require.Contains(t, good, old)
		return show + strings.Replace(good, old, replacement, 1)
	}
	testMistakes(t, []mistake{
		{show, with("orders.db.example.com", "orders"), "name: orders\n          zone", at + `.name: "orders" is no full name such as orders.example.com`},
		{show, with("orders.db.example.com", `"*.example.com"`), "name: \"*", at + `.name: "*.example.com" is no full name such as orders.example.com`},
		{show, with("zone: example.com", "zone: example.net"), "name: orders.db", at + ".name is orders.db.example.com, which is not in the zone example.net"},
		{show, with("          server: 192.0.2.53\n", ""), "dns:", at + " has no server: the IP address of the zone's primary server"},
		{show, with("server: 192.0.2.53", "server: ns1.example.com"), "server: ns1", at + `.server has "ns1.example.com", not the IP address of a server such as 192.0.2.53 or 192.0.2.53:53`},
		{show, with("[192.0.2.53, ", "[192.0.2.53, 192.0.2.53:53, "), "servers:", at + ".servers has 192.0.2.53:53 twice"},
		{show, with("resolvers: [192.0.2.60]", "resolvers: []"), "resolvers:", at + ".resolvers is empty; leave it out"},
		{show, with("          key: {name: switchback, credential: orders-db}\n", ""), "dns:", at + " has no key: updates are only sent signed"},
		{show, with("name: switchback", `name: "a b"`), "key:", at + `.key.name is "a b", not the name of a key`},
		{show, with("{name: switchback", "{name: switchback, algorithm: hmac-md5"), "key:", at + `.key.algorithm is "hmac-md5"; known: hmac-sha224, hmac-sha256, hmac-sha384, hmac-sha512`},
		{show, with("credential: orders-db", "credential: c2VjcmV0"), "key:", at + ".key.credential is not the name of a credential under credentials"},
		{show, with("ttl: 5m", "ttl: 0s"), "ttl: 0s", at + ".ttl is 0s, not whole seconds between 1s and 24h0m0s"},
		{show, with("ttl: 5m", "ttl: 5m\n          ttl_moving: 10m"), "ttl_moving", at + ".ttl_moving is longer than ttl"},
		{show, with("            east: {a: [192.0.2.11]}\n", ""), "sites:\n            west: {a", at + ".sites has no record for the site east"},
		{show, with("east: {a: [192.0.2.11]}", "east: {}"), "east: {}", at + ".sites.east has neither a, aaaa nor cname"},
		{show, with("east: {a: [192.0.2.11]}", "east: {a: [192.0.2.11], cname: x.example.com}"), "east: {a", at + ".sites.east: a name has addresses or a cname, not both"},
		{show, with("east: {a: [192.0.2.11]}", "east: {a: [192.0.2.300]}"), "east: {a", at + `.sites.east: "192.0.2.300" is no IPv4 address`},
		{show, with("west: {a: [192.0.2.12], aaaa: [\"2001:db8:0::12\"]}", "west: {a: [192.0.2.11]}"), "west: {a", at + ".sites.west is the same as that of east: nobody could tell the two apart"},
		{show, with("          ttl: 5m\n", "          ttl: 5m\n          tll: 5m\n"), "tll", at + ` has no field "tll"; did you mean "ttl"?`},
		{show, with("        dns:\n", "        host: db1\n        dns:\n"), "dns:", "systems.orders.clients[1] has both a dns and commands; write two clients"},
	})
	text, err := os.ReadFile(example)
	require.NoError(t, err)
	inv, err := inventory.Parse("systems.yaml", []byte(strings.Replace(string(text), show, show+good, 1)), products)
	require.NoError(t, err)
	s, err := inv.System("orders")
	require.NoError(t, err)
	d := s.Clients[1].DNS
	require.Equal(t, "192.0.2.53:53", d.Server)
	require.Equal(t, []string{"192.0.2.53:53", "[2001:db8::53]:5353"}, d.Servers)
	require.Equal(t, []string{"2001:db8::12"}, d.Sites["west"].AAAA)
	require.Equal(t, "hmac-sha256", d.Key.Algorithm)
	require.EqualValues(t, inventory.DefaultTTLMoving, d.TTLMoving)
	require.Contains(t, s.Credentials(), "orders-db")
}
