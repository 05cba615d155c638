package inventory_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const lastClient = "        show: [/opt/vip/show]\n"

// kind appends a client of a kind; its lines are indented by ten.
func kind(name string, lines ...string) string {
	return lastClient + "      - name: more\n        " + name + ":\n          " + strings.Join(lines, "\n          ") + "\n"
}

func TestEveryMistakeAboutHAProxyIsNamedWithItsLine(t *testing.T) {
	const at = "systems.orders.clients[1].haproxy"
	lines := []string{"backend: orders", "servers: {east: a, west: b}", "proxies: [{host: third, socket: /run/haproxy.sock}]", "release: 30s"}
	with := func(i int, line string) string {
		l := append([]string(nil), lines...)
		l[i] = line
		return kind("haproxy", l...)
	}
	require.Empty(t, complaints(t, strings.Replace(string(good(t)), lastClient, kind("haproxy", lines...), 1)))
	testMistakes(t, []mistake{
		{lastClient, with(0, "backend: or/ders"), "backend:", at + `.backend is "or/ders", not the name of a backend of HAProxy`},
		{lastClient, with(0, "backend: orders\n          drain: 25s"), "release: 30s", at + ".release is 30s; it must be at least 10s longer than drain, which is 25s"},
		{lastClient, with(1, "servers: {east: a}"), "servers:", at + ".servers has no server for the site west"},
		{lastClient, with(1, "servers: {east: a, west: a}"), "servers:", at + ".servers.west is a, which is the server of east already"},
		{lastClient, with(1, "servers: {east: a, west: \"b; quit\"}"), "servers:", at + `.servers.west is "b; quit", not the name of a server of HAProxy`},
		{lastClient, with(2, "proxies: []"), "haproxy:", at + " has no proxies"},
		{lastClient, with(2, "proxies: [{host: third}]"), "proxies:", at + ".proxies[0] must have either socket: PATH or address: HOST:PORT"},
		{lastClient, with(2, "proxies: [{host: third, socket: \"/a b\"}]"), "proxies:", at + `.proxies[0].socket is "/a b", not an absolute path of letters, digits and ._-`},
		{lastClient, with(2, "proxies: [{host: third, address: \"lb1\"}]"), "proxies:", at + `.proxies[0].address is "lb1", not HOST:PORT`},
		{lastClient, with(2, "proxies: [{host: nobody, socket: /s}]"), "proxies:", at + `.proxies[0].host names the host "nobody", which is not under hosts; known: app1, bastion, db1, db2, spare, third`},
		{lastClient, with(2, "proxies: [{host: third, socket: /s, site: north}]"), "proxies:", at + `.proxies[0].site names the site "north", which orders does not have; known: east, west`},
		{lastClient, with(3, "release: 2h"), "release:", at + ".release is 2h0m0s; at most 1h0m0s"},
		{lastClient, with(3, "relaese: 30s"), "relaese:", at + ` has no field "relaese"; did you mean "release"?`},
		{lastClient, with(3, "release: 30s") + "        host: db1\n", "haproxy:", "systems.orders.clients[1] has both a haproxy and commands; write two clients"},
		{lastClient, with(3, "release: 30s") + "        pgbouncer: {}\n", "haproxy:", "systems.orders.clients[1] has both a haproxy and pgbouncer; write two clients"},
	})
}

func TestEveryMistakeAboutPgBouncerIsNamedWithItsLine(t *testing.T) {
	const at = "systems.orders.clients[1].pgbouncer"
	lines := []string{
		"databases: {orders: dbname=orders pool_size=20}", "sites: {east: {address: db1.example.com}, west: {address: db2.example.com, port: 5433}}",
		"consoles: [{host: third, file: /etc/pgbouncer/orders.ini}]", "release: 60s",
	}
	with := func(i int, line string) string {
		l := append([]string(nil), lines...)
		l[i] = line
		return kind("pgbouncer", l...)
	}
	require.Empty(t, complaints(t, strings.Replace(string(good(t)), lastClient, kind("pgbouncer", lines...), 1)))
	testMistakes(t, []mistake{
		{lastClient, with(0, "databases: {}"), "pgbouncer:", at + " has no databases"},
		{lastClient, with(0, "databases: {orders: dbname=orders host=db3}"), "databases:", at + ".databases.orders must not have host: host and port come from the site, secrets never stand here"},
		{lastClient, with(0, "databases: {orders: dbname=orders password=hunter2}"), "databases:", at + ".databases.orders must not have password: host and port come from the site, secrets never stand here"},
		{lastClient, with(0, "databases: {orders: \"dbname='a b'\"}"), "databases:", at + ".databases.orders must be connection parameters such as dbname=orders pool_size=20"},
		{lastClient, with(0, "databases: {pgbouncer: dbname=x}"), "databases:", at + `.databases.pgbouncer: "pgbouncer" is not the name of a database of PgBouncer that can be paused`},
		{lastClient, with(1, "sites: {east: {address: db1.example.com}}"), "sites: {east: {address", at + ".sites has no address for the site west"},
		{lastClient, with(1, "sites: {east: {address: db1.example.com}, west: {address: \"a b\"}}"), "sites: {east: {address", at + ".sites.west must have the address of PostgreSQL and may have its port"},
		{lastClient, with(2, "consoles: []"), "pgbouncer:", at + " has no consoles"},
		{lastClient, with(2, "consoles: [{host: third}]"), "consoles:", at + `.consoles[0].file is "", not an absolute path of the file that PgBouncer includes`},
		{lastClient, with(2, "consoles: [{host: third, file: /f, password: hunter2}]"), "consoles:", at + ".consoles[0].password is not the name of a credential under credentials"},
		{lastClient, with(2, "consoles: [{host: third, file: /f, user: \"a b\"}]"), "consoles:", at + `.consoles[0].user is "a b", not a user's name`},
		{lastClient, with(2, "consoles: [{host: third, file: /f, socket: \"a b\"}]"), "consoles:", at + `.consoles[0].socket is "a b", neither a directory of sockets nor an address`},
		{lastClient, with(2, "consoles: [{host: third, file: /f, psql: bin/psql}]"), "consoles:", at + `.consoles[0].psql is "bin/psql", neither psql nor an absolute path`},
		{lastClient, with(2, "consoles: [{host: third, file: /f, port: 0}]"), "consoles:", at + ".consoles[0].port is 0, not between 1 and 65535"},
		{lastClient, with(3, "pause: 55s"), "pgbouncer:", at + ".release is 1m0s; it must be at least 10s longer than pause of all databases, which is 55s"},
		{lastClient, with(3, "pause: 0s"), "pause:", at + ".pause is zero; no database could come to rest in time"},
	})
}
