package inventory_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/internal/inventory"
)

func TestEveryMistakeAboutAProbeIsNamedWithItsLine(t *testing.T) {
	const show, at = "        show: [/opt/vip/show]\n", "systems.orders.clients[0].probe"
	const sql = `        probe:
          kind: postgres
          address: orders.example.com:5432
          sites: {east: "db1:5432", west: "[2001:db8::2]:5432"}
          database: orders
          user: probe
          credential: orders-db
`
	const command = `        probe:
          kind: command
          host: app1
          reaches: {east: [/opt/probe, east], west: [/opt/probe, west]}
          writes: {east: [/opt/writes, east], west: [/opt/writes, west]}
`
	with := func(whole, old, replacement string) string {
		require.Contains(t, whole, old)
		return show + strings.Replace(whole, old, replacement, 1)
	}
	testMistakes(t, []mistake{
		{show, with(sql, "postgres", "postgre"), "kind:", at + `.kind is "postgre"; did you mean "postgres"?`},
		{show, with(sql, "          database: orders\n", "          database: orders\n          host: db1\n"), "          host: db1", at + ".host is no field of a probe of kind postgres; known: address, sites, database, user, credential, tls, tls_ca"},
		{show, with(sql, "orders.example.com:5432", "orders.example.com"), "address: orders.ex", at + `.address is "orders.example.com", not an address with a port such as orders.example.com:5432`},
		{show, with(sql, `"db1:5432"`, `"db1;x:5432"`), "sites: {east: \"db1;", at + `.sites.east is "db1;x:5432", not an address with a port such as orders.example.com:5432`},
		{show, with(sql, `east: "db1:5432", `, ""), "sites: {west: \"[", at + ".sites has no address for the site east"},
		{show, with(sql, "user: probe", `user: "a b"`), "user: \"a b\"", at + `.user is "a b", not a login`},
		{show, with(sql, "          database: orders\n", ""), "probe:", at + " has no database"},
		{show, with(sql, "credential: orders-db", "credential: hunter2"), "credential: hunter2", at + ".credential is not the name of a credential under credentials"},
		{show, with(sql, "user: probe\n", "user: probe\n          tls: maybe\n"), "tls: maybe", at + `.tls is "maybe", not verify or off`},
		{show, with(command, "host: app1", "host: app2"), "host: app2", at + `.host names the host "app2", which is not under hosts; did you mean "app1"?`},
		{show, with(command, "reaches: {east: [/opt/probe, east], ", "reaches: {"), "reaches:", at + ".reaches has no command for the site east"},
		{show, with(command, "[/opt/writes, west]", "[]"), "writes:", at + ".writes.west is empty; it must be a list of program and arguments"},
	})
	text, err := os.ReadFile(example)
	require.NoError(t, err)
	inv, err := inventory.Parse("systems.yaml", []byte(strings.Replace(string(text), show, show+sql, 1)), products)
	require.NoError(t, err)
	s, err := inv.System("orders")
	require.NoError(t, err)
	require.Equal(t, "verify", s.Clients[0].Probe.TLS, "nothing is sent unencrypted unless the inventory says so")
	require.Contains(t, s.Credentials(), "orders-db")
}
