package oceanbase

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/adapters/adaptertest"
	"github.com/switchback-dr/switchback/adapters/kit"
)

func TestMistakesInTheInventoryAreToldAndNamed(t *testing.T) {
	for _, c := range []struct{ set, east, want string }{
		{"tenant: 'a b'\n", "", "no plain identifier"},
		{"tenant: orders`\n", "", "no plain identifier"},
		{"login: root\n", "", "sys or tenant"},
		{"source: cloud\n", "", "network or archive"},
		{"rebuild: magic\n", "", "auto or create or restore"},
		{"old_tenant: forget\n", "", "rename or drop"},
		{"max_lag: fast\n", "", "max_lag"},
		{"statement_timeout: 1h\n", "", "statement_timeout"},
		{"storage_key: nobody\n", "", "storage_key"},
		{"unknown: 1\n", "", "unknown"},
		{"", strings.Replace(eastSite, "10.0.1.1:2881", "10.0.1.1", 1), "host:port"},
		{"", strings.Replace(eastSite, "10.0.1.1:2881", "10.0.2.1:2881", 1), "same address"},
		{"", strings.Replace(eastSite, "east-sys", "nobody", 1), "password"},
		{"", eastSite + "user: root'--\n", "user"},
		{"", eastSite + "cluster: 'a#b'\n", "cluster"},
		{"", eastSite + "primary_zone: z1'\n", "primary_zone"},
		{"", eastSite + "locality: F@z1'\n", "locality"},
		{"", strings.Replace(eastSite, "file:///backup/east/data", "file:///backup/east/archive", 1), "two paths"},
		{"", strings.Replace(eastSite, "file:///backup/east/data", "'file:///b&access_key=x'", 1), "without keys"},
		{"source: archive\n", strings.Replace(eastSite, "archive_dest: file:///backup/east/archive\n", "", 1), "archive_dest"},
	} {
		if c.east == "" {
			c.east = eastSite
		}
		set := settings + c.set
		if strings.HasPrefix(c.set, "tenant:") {
			set = strings.Replace(settings, "tenant: orders\n", c.set, 1)
		}
		e := kit.Entry{Name: "orders", Node: adaptertest.YAML(set), Credentials: func(n string) bool { return n != "nobody" }, Sites: []kit.SiteEntry{
			{Name: "east", Node: adaptertest.YAML(c.east)}, {Name: "west", Node: adaptertest.YAML(westSite)},
		}}
		_, err := Adapter{}.Decode(e)
		require.ErrorContains(t, err, c.want, "%s%s", c.set, c.east)
	}
}

func TestOnlyOneSiteIsNoSystem(t *testing.T) {
	_, err := Adapter{}.Decode(kit.Entry{Name: "orders", Node: adaptertest.YAML(settings), Sites: []kit.SiteEntry{{Name: "east", Node: adaptertest.YAML(eastSite)}}})
	require.ErrorContains(t, err, "two sites")
}

func TestTheLoginCarriesTheTenantAndTheCluster(t *testing.T) {
	s := decode(t, settings, map[string]string{"east": eastSite + "cluster: obeast\nuser: dba\n", "west": westSite})
	require.Equal(t, "dba@sys#obeast", s.sites[0].Place.Login)
	require.Equal(t, "root@sys", s.sites[1].Place.Login)
	require.NoError(t, s.sites[0].Place.Check())
	require.Empty(t, s.Needs(), "everything goes by SQL")
	for _, f := range s.Files() {
		require.NotContains(t, f.Body, "hunter2")
		require.NotEmpty(t, f.Where)
	}
}
