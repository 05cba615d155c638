package inventory_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/internal/inventory"
)

// digestOf gives the digest of orders in the good file with one text replaced.
func digestOf(t *testing.T, from, to string) (string, map[string]string) {
	t.Helper()
	raw := strings.Replace(string(good(t)), from, to, 1)
	require.True(t, from == to || raw != string(good(t)), "%q must be in the file", from)
	inv, err := inventory.Parse("systems.yaml", []byte(raw), products)
	require.NoError(t, err)
	s, err := inv.System("orders")
	require.NoError(t, err)
	digest, fields, err := s.Digest()
	require.NoError(t, err)
	require.Len(t, digest, 64)
	for path, d := range fields {
		require.Regexp(t, `^[0-9a-f]{8}$`, d, path)
	}
	return digest, fields
}

func TestADifferenceBetweenTwoInventoriesIsNamedByItsField(t *testing.T) {
	same, fields := digestOf(t, "", "")
	for _, c := range []struct{ from, to, field string }{
		{"port: 5432", "port: 5433", "sites.east.port"},
		{"version: 15", `version: "15"`, "fake.version"},
		{"home: east", "home: west", "home"},
		{"address: db1.example.com", "address: db3.example.com", "hosts.db1.address"},
		{"port: 2222", "port: 22", "hosts.db1.port"},
		{"user: jump", "user: jumper", "hosts.bastion.user"},
		{"job_dir: /var/lib/switchback/jobs", "job_dir: /srv/jobs", "hosts.db2.job_dir"},
		{"[/opt/batch/ctl, stop]", "[/opt/batch/ctl, halt]", "applications[1].stop[1]"},
	} {
		digest, now := digestOf(t, c.from, c.to)
		require.NotEqual(t, same, digest, c.field)
		require.Equal(t, []string{c.field}, inventory.Differences(fields, now))
		require.Equal(t, []string{c.field}, inventory.Differences(now, fields))
	}
}

func TestTheOrderOfSitesIsPartOfTheDigest(t *testing.T) {
	_, fields := digestOf(t, "", "")
	_, turned := digestOf(t, "      east: {host: db1, port: 5432}\n      west: {host: db2}\n", "      west: {host: db2}\n      east: {host: db1, port: 5432}\n")
	require.Equal(t, []string{"sites (order)"}, inventory.Differences(fields, turned))
}

func TestLayoutLoginAndUnusedHostsAreNotPartOfTheDigest(t *testing.T) {
	same, _ := digestOf(t, "", "")
	for from, to := range map[string]string{
		"# A complete example":              "# Another comment",
		"home: east":                        `home:   "east" # at home`,
		"keys: [keys/id_ed25519]":           "keys: [other]",
		"known_hosts: [known_hosts]":        "known_hosts: [other]",
		"address: spare.example.com":        "address: other.example.com",
		"name: Anna Ölund":                  "name: Anna",
		"    product: fake\n    home: east": "    home: east\n    product: fake",
	} {
		digest, _ := digestOf(t, from, to)
		require.Equal(t, same, digest, to)
	}
}
