package contrib_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/contrib"
	"github.com/switchback-dr/switchback/internal/inventory"
)

func TestAnUnboundAddressIsBoundAgainWhenTheTakeoverIsAborted(t *testing.T) {
	if !inNamespaces(t) {
		return
	}
	hosts, env := network(t)
	in, d := takeover()
	unbind := planned(t, contrib.VIPs{List: []inventory.Client{vipClient(vip4)}}, in, d, "vip.unbind")
	out, err := hosts["east"].Read(t.Context(), dr.Command{Argv: []string{"ip", "address", "add", vip4, "dev", "eth0"}})
	require.NoError(t, err)
	require.Zero(t, out.Exit, out.Stderr)
	require.Equal(t, "east", reached(t, hosts, "192.0.2.50"))
	for _, st := range []dr.Step{unbind, *unbind.Undo} {
		res, err := kit.Execute(t.Context(), env, action(t, st.Action), st)
		require.NoError(t, err, "%s", res.Output)
		require.Equal(t, dr.StepDone, res.State)
	}
	require.Equal(t, "east", reached(t, hosts, "192.0.2.50"))
}

// silent is a host that does not answer until it returns.
type silent struct {
	*netHost
	gone bool
}

func (s *silent) Read(ctx context.Context, c dr.Command) (kit.Output, error) {
	if s.gone {
		return kit.Output{}, dr.Retry("unreachable", "%s does not answer", s.name)
	}
	return s.netHost.Read(ctx, c)
}

func TestAnOldSiteThatDoesNotAnswerIsLeftWithItsAddressAndLookedAtWhenItReturns(t *testing.T) {
	if !inNamespaces(t) {
		return
	}
	hosts, env := network(t)
	out, err := hosts["east"].Read(t.Context(), dr.Command{Argv: []string{"ip", "address", "add", vip4, "dev", "eth0"}})
	require.NoError(t, err)
	require.Zero(t, out.Exit, out.Stderr)
	old := &silent{hosts["east"], true}
	env.Hosts = only{old}
	in, d := takeover()
	in.Situation.Sites = []dr.SiteSituation{{Site: "east", Reachable: dr.No}, {Site: "west", Reachable: dr.Yes, AcceptsWrites: dr.Yes}}
	clients := []inventory.Client{vipClient(vip4)}
	left := planned(t, contrib.VIPs{List: clients}, in, d, "vip.left")
	require.Contains(t, d.Consequences()[0], "when it returns it may have the address a second time")
	res, err := kit.Execute(t.Context(), env, action(t, left.Action), left)
	require.NoError(t, err)
	require.Contains(t, res.Text, "192.0.2.50 could not be unbound at east, whose host east cannot be asked (east does not answer): when it returns")

	look := func(reachable dr.Tri) dr.Tri {
		s := in.Situation
		s.Sites[0].Reachable = reachable
		found := contrib.Strays(t.Context(), env, clients, s)
		require.Len(t, found, 1, "the primary may have it")
		require.Contains(t, found[0].Alarm, "east, which is not the primary, has the address 192.0.2.50")
		return found[0].Is
	}
	require.Equal(t, dr.Unknown, look(dr.No))
	require.Equal(t, dr.Unknown, look(dr.Yes), "it answered the observation and not this question")
	old.gone = false
	require.Equal(t, dr.Yes, look(dr.Yes), "it is back with the address")
	_, err = kit.Execute(t.Context(), env, action(t, left.Action), left)
	require.True(t, dr.HasCode(err, "vip_twice"), "%v", err)
	_, err = hosts["east"].Read(t.Context(), dr.Command{Argv: []string{"ip", "address", "del", vip4, "dev", "eth0"}})
	require.NoError(t, err)
	require.Equal(t, dr.No, look(dr.Yes))
	res, err = kit.Execute(t.Context(), env, action(t, left.Action), left)
	require.NoError(t, err)
	require.Contains(t, res.Text, "does not have 192.0.2.50")
}
