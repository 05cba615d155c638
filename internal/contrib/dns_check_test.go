package contrib_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/contrib"
	"github.com/switchback-dr/switchback/internal/inventory"
	"github.com/switchback-dr/switchback/internal/nameserver/bindtest"
)

func TestACheckOfANameFindsWhatWouldFailAtNightAndChangesNothing(t *testing.T) {
	t.Parallel()
	b := bindtest.Primary(t, "orders 3 IN A 192.0.2.11", "stray 3 IN A 198.51.100.9")
	resolver := bindtest.Resolver(t, b)
	serial := b.Serial()
	env, _ := dnsEnv(bindtest.Secret)
	found := func(change func(*inventory.DNS)) []string {
		c := dnsClient(b)
		c.DNS.Resolvers = []string{resolver.Address}
		change(c.DNS)
		var out []string
		for _, v := range contrib.CheckDNS(t.Context(), env, c) {
			if v.Err != nil {
				out = append(out, v.What+": "+v.Err.Error())
			}
		}
		return out
	}
	require.Empty(t, found(func(*inventory.DNS) {}))
	one := func(want string, change func(*inventory.DNS)) {
		t.Helper()
		out := found(change)
		require.Len(t, out, 1)
		require.Contains(t, out[0], want)
	}
	one("does not know the key nobody", func(d *inventory.DNS) { d.Key.Name = "nobody" })
	one("stray.example.com has 198.51.100.9, which is the record of no site", func(d *inventory.DNS) { d.Name = "stray.example.com" })
	one("is not the authority of the zone example.com", func(d *inventory.DNS) { d.Servers = []string{resolver.Address} })
	one("does not answer", func(d *inventory.DNS) { d.Resolvers = []string{"127.0.0.1:1"} })
	env, _ = dnsEnv(bindtest.OtherSecret)
	one("does not let the key other change orders.example.com", func(d *inventory.DNS) { d.Key.Name = bindtest.OtherKey })
	require.Equal(t, serial, b.Serial(), "the zone is as it was")
}

func TestANameThatLeadsToAnOldSiteIsFoundByTheWatch(t *testing.T) {
	t.Parallel()
	b := dnsPrimary(t)
	env, _ := dnsEnv(bindtest.Secret)
	look := func(primary string) map[string]dr.Tri {
		s := dr.Situation{Sites: []dr.SiteSituation{{Site: "east", AcceptsWrites: dr.TriOf(primary == "east")}, {Site: "west", AcceptsWrites: dr.TriOf(primary == "west")}}}
		out := map[string]dr.Tri{}
		for _, v := range contrib.Strays(t.Context(), env, []inventory.Client{dnsClient(b)}, s) {
			out[v.Alarm] = v.Is
		}
		require.Len(t, out, 2)
		return out
	}
	const east = "orders.example.com leads clients to east, which is not the primary: point it to the primary"
	require.Equal(t, dr.Yes, look("west")[east])
	require.Equal(t, dr.No, look("east")[east])
	require.Equal(t, dr.Unknown, look("")[east], "without a primary nothing can be told")
	b.Stop()
	require.Equal(t, dr.Unknown, look("west")[east])
}
