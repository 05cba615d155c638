package contrib_test

import (
	"context"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/contrib"
	"github.com/switchback-dr/switchback/internal/inventory"
	"github.com/switchback-dr/switchback/internal/nameserver"
	"github.com/switchback-dr/switchback/internal/nameserver/bindtest"
)

const dnsRecord = "orders." + bindtest.Zone

// dnsTold collects what steps say while they wait.
type dnsTold struct {
	mu    sync.Mutex
	texts []string
}

func (p *dnsTold) note(v kit.Progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.texts = append(p.texts, v.Text)
}

func (p *dnsTold) all() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.texts, "\n")
}

func dnsEnv(secret string) (kit.Env, *dnsTold) {
	p := &dnsTold{}
	return kit.Env{
		Now: time.Now, Progress: p.note,
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, address)
		},
		Secret: func(context.Context, string) (string, error) { return secret, nil },
		Sleep: func(ctx context.Context, d time.Duration) error {
			select {
			case <-time.After(d):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		},
	}, p
}

// dnsClient is a name at east, with times to live that a test can wait for.
func dnsClient(primary *bindtest.Server) inventory.Client {
	return inventory.Client{Name: "orders", Timeout: dr.Duration(20 * time.Second), DNS: &inventory.DNS{
		Name: dnsRecord, Zone: bindtest.Zone, Server: primary.Address, Servers: []string{primary.Address},
		Key: inventory.DNSKey{Name: bindtest.Key, Algorithm: bindtest.Algorithm, Credential: "dns"},
		TTL: dr.Duration(3 * time.Second), TTLMoving: dr.Duration(time.Second),
		Sites: map[string]nameserver.Records{"east": {A: []string{"192.0.2.11"}}, "west": {A: []string{"192.0.2.12"}, AAAA: []string{"2001:db8::12"}}},
	}}
}

func dnsPrimary(t *testing.T) *bindtest.Server {
	t.Helper()
	return bindtest.Primary(t, "orders 3 IN A 192.0.2.11", "orders 3 IN TXT other")
}

func dnsTakeover() (kit.PlanInput, *kit.Draft) {
	in, d := takeover()
	in.Request.Mode = dr.ModePlanned
	return in, d
}

// dnsPlan gives the steps of a planned takeover by ID.
func dnsPlan(t *testing.T, c inventory.Client) map[string]dr.Step {
	t.Helper()
	in, d := dnsTakeover()
	require.NoError(t, contrib.DNS{List: []inventory.Client{c}}.Plan(in, d))
	phases, err := d.Phases(dr.PhasesAfter(dr.ProcTakeover, dr.GateDecide))
	require.NoError(t, err)
	out := map[string]dr.Step{}
	for _, ph := range phases {
		for _, st := range ph.Steps {
			out[st.ID] = st
		}
	}
	return out
}

// dnsHas reads what the primary server has, with its time to live.
func dnsHas(t *testing.T, b *bindtest.Server) (nameserver.Records, time.Duration) {
	t.Helper()
	env, _ := dnsEnv("")
	got, err := nameserver.Server{Dial: env.Dial, Now: time.Now, Address: b.Address}.Read(t.Context(), bindtest.Zone, dnsRecord)
	require.NoError(t, err)
	return got.Records, got.Longest
}

func dnsExecute(t *testing.T, env kit.Env, st dr.Step) (kit.StepResult, error) {
	t.Helper()
	require.NotContains(t, strings.Join(st.Commands, "\n"), bindtest.Secret)
	return kit.Execute(t.Context(), env, action(t, st.Action), st)
}

func TestANameMovesWithItsTimeToLiveLoweredAheadAndEveryServerFollows(t *testing.T) {
	t.Parallel()
	b := dnsPrimary(t)
	secondary, resolver := bindtest.Secondary(t, b), bindtest.Resolver(t, b)
	c := dnsClient(b)
	c.DNS.Servers, c.DNS.Resolvers = []string{b.Address, secondary.Address}, []string{resolver.Address}
	steps := dnsPlan(t, c)
	env, said := dnsEnv(bindtest.Secret)
	_, err := nameserver.Server{Dial: env.Dial, Now: time.Now, Address: resolver.Address, Resolver: true}.Read(t.Context(), bindtest.Zone, dnsRecord)
	require.NoError(t, err, "a client of the resolver has asked: it keeps the old record")

	do := func(id string) {
		t.Helper()
		res, err := dnsExecute(t, env, steps[id])
		require.NoError(t, err, "%s: %s", id, said.all())
		require.Equal(t, dr.StepDone, res.State, "%s: %s", id, res.Text)
		if steps[id].Kind == dr.KindRead {
			return
		}
		res, err = dnsExecute(t, env, steps[id])
		require.NoError(t, err)
		require.Equal(t, dr.StepAlready, res.State, "a second time nothing is sent")
		secondary.Transfer(b)
	}
	do("prepare.dns-ttl-orders")
	_, ttl := dnsHas(t, b)
	require.Equal(t, time.Second, ttl)
	do("prepare.dns-forget-orders")
	do("redirect.dns-point-orders")
	now, ttl := dnsHas(t, b)
	require.True(t, now.Equal(c.DNS.Sites["west"]))
	require.Equal(t, time.Second, ttl)
	do("redirect.dns-arrive-orders")
	do("verify.dns-prove-orders")
	do("protect.dns-ttl-orders")
	_, ttl = dnsHas(t, b)
	require.Equal(t, 3*time.Second, ttl)
	require.Regexp(t, `127\.0\.0\.1:\d+ still keeps 192\.0\.2\.11 for [23]s`, said.all(), "people see who keeps the old one")
}

func TestWhatWasDoneToANameBeforeThePointOfNoReturnIsTakenBack(t *testing.T) {
	t.Parallel()
	b := dnsPrimary(t)
	c := dnsClient(b)
	c.DNS.Withdraw = true
	steps := dnsPlan(t, c)
	env, _ := dnsEnv(bindtest.Secret)
	for _, id := range []string{"prepare.dns-ttl-orders", "isolate.dns-withdraw-orders"} {
		_, err := dnsExecute(t, env, steps[id])
		require.NoError(t, err)
	}
	now, _ := dnsHas(t, b)
	require.True(t, now.Empty(), "withdrawn: %s", now)
	for _, id := range []string{"isolate.dns-withdraw-orders", "prepare.dns-ttl-orders"} {
		_, err := dnsExecute(t, env, *steps[id].Undo)
		require.NoError(t, err)
	}
	now, ttl := dnsHas(t, b)
	require.True(t, now.Equal(c.DNS.Sites["east"]))
	require.Equal(t, 3*time.Second, ttl)
}

func TestAWithdrawnNameIsPointedFromNothing(t *testing.T) {
	t.Parallel()
	b := dnsPrimary(t)
	c := dnsClient(b)
	c.DNS.Withdraw = true
	steps := dnsPlan(t, c)
	env, _ := dnsEnv(bindtest.Secret)
	_, err := dnsExecute(t, env, steps["redirect.dns-point-orders"])
	require.ErrorContains(t, err, "nothing was sent", "the plan withdrew it, and it is there")
	for _, id := range []string{"isolate.dns-withdraw-orders", "redirect.dns-point-orders"} {
		_, err := dnsExecute(t, env, steps[id])
		require.NoError(t, err)
	}
	now, _ := dnsHas(t, b)
	require.True(t, now.Equal(c.DNS.Sites["west"]))
}

func TestASecondaryThatLagsIsNamedWhileItIsWaitedFor(t *testing.T) {
	t.Parallel()
	b := dnsPrimary(t)
	secondary := bindtest.Secondary(t, b)
	c := dnsClient(b)
	c.DNS.Servers = append(c.DNS.Servers, secondary.Address)
	steps := dnsPlan(t, c)
	env, said := dnsEnv(bindtest.Secret)
	_, err := dnsExecute(t, env, steps["redirect.dns-point-orders"])
	require.NoError(t, err)
	wait := steps["redirect.dns-arrive-orders"]
	wait.Timeout = dr.Duration(1500 * time.Millisecond)
	_, err = dnsExecute(t, env, wait)
	require.True(t, dr.HasCode(err, "deadline"), "%v", err)
	require.ErrorContains(t, err, "last answer: "+secondary.Address+" still answers 192.0.2.11; next:")
	require.Contains(t, said.all(), "waiting for orders.example.com to be 192.0.2.12, 2001:db8::12 everywhere: "+secondary.Address)
	secondary.Transfer(b)
	_, err = dnsExecute(t, env, wait)
	require.NoError(t, err)
}

func TestAResolverThatKeepsTheOldRecordIsNamedWithItsRemainingTime(t *testing.T) {
	t.Parallel()
	b := bindtest.Primary(t, "orders 600 IN A 192.0.2.11")
	resolver := bindtest.Resolver(t, b)
	c := dnsClient(b)
	c.DNS.Resolvers, c.DNS.TTL = []string{resolver.Address}, dr.Duration(600*time.Second)
	in, d := takeover()
	in.Request.Mode = dr.ModeUnplanned
	point := planned(t, contrib.DNS{List: []inventory.Client{c}}, in, d, "dns.point")
	require.Contains(t, strings.Join(d.Consequences(), "\n"), "for up to 10m0s after the change")
	env, _ := dnsEnv(bindtest.Secret)
	in, d = takeover()
	wait := planned(t, contrib.DNS{List: []inventory.Client{c}}, in, d, "dns.known")
	require.Equal(t, kit.EffectNotDone, action(t, wait.Action).Probe(t.Context(), env, wait.Args).State)
	_, err := dnsExecute(t, env, point)
	require.NoError(t, err)
	e := action(t, wait.Action).Probe(t.Context(), env, wait.Args)
	require.Equal(t, kit.EffectNotDone, e.State)
	require.Regexp(t, `^127\.0\.0\.1:\d+ still answers 192\.0\.2\.11, for another (10m0s|9m\d+s)$`, e.Text)
	require.Greater(t, e.Progress.Left.D(), 9*time.Minute)
	require.EqualValues(t, 1, e.Progress.Done)
}

// dnsRefused runs the pointing step and wants one sentence and nothing changed.
func dnsRefused(t *testing.T, b *bindtest.Server, c inventory.Client, secret, want string) {
	t.Helper()
	before, _ := dnsHas(t, b)
	env, _ := dnsEnv(secret)
	// Waiting is not what is tested: the clock goes on by itself.
	var slept atomic.Int64
	env.Now = func() time.Time { return time.Now().Add(time.Duration(slept.Load())) }
	env.Sleep = func(_ context.Context, d time.Duration) error { slept.Add(int64(d)); return nil }
	_, err := dnsExecute(t, env, dnsPlan(t, c)["redirect.dns-point-orders"])
	de := dr.AsError(err, "")
	require.NotNil(t, de)
	require.Contains(t, de.Text, want)
	require.Contains(t, de.Text, "nothing was sent")
	require.True(t, de.NotSent)
	require.NotEmpty(t, de.Next)
	require.NotContains(t, err.Error(), "\n")
	after, _ := dnsHas(t, b)
	require.True(t, after.Equal(before), "nothing is half done")
}

func TestWhatKeepsANameFromMovingIsOneSentence(t *testing.T) {
	t.Parallel()
	b := bindtest.Primary(t, "orders 3 IN A 192.0.2.11", "stolen 3 IN A 198.51.100.9", "half 3 IN A 192.0.2.11", "half 3 IN A 198.51.100.9")
	change := func(f func(*inventory.DNS)) inventory.Client {
		c := dnsClient(b)
		f(c.DNS)
		return c
	}
	named := func(n string) inventory.Client {
		return change(func(d *inventory.DNS) { d.Name = n + "." + bindtest.Zone })
	}
	dnsRefused(t, b, named("stolen"), bindtest.Secret, "stolen.example.com has 198.51.100.9 for 3s, and the plan expects 192.0.2.11")
	dnsRefused(t, b, named("half"), bindtest.Secret, "and the plan expects 192.0.2.11: a record that nobody expects is not overwritten")
	dnsRefused(t, b, named("absent"), bindtest.Secret, "absent.example.com has no record, and the plan expects 192.0.2.11")
	dnsRefused(t, b, dnsClient(b), bindtest.OtherSecret, "does not accept the secret of the key switchback")
	dnsRefused(t, b, change(func(d *inventory.DNS) { d.Key.Name = "nobody" }), bindtest.Secret, "does not know the key nobody")
	dnsRefused(t, b, change(func(d *inventory.DNS) { d.Zone, d.Name = "example.net", "orders.example.net" }), bindtest.Secret, "is not the authority of the zone example.net")
	dnsRefused(t, b, change(func(d *inventory.DNS) { d.Zone, d.Name = "orders.example.com", "orders.example.com" }), bindtest.Secret, "is not the authority of the zone orders.example.com")
	gone := bindtest.Primary(t, "orders 3 IN A 192.0.2.11")
	gone.Stop()
	dnsRefused(t, b, change(func(d *inventory.DNS) { d.Server = gone.Address }), bindtest.Secret, "does not answer (connection refused)")
}

func TestAKeyWithoutTheRightToChangeTheNameIsOneSentenceAndChangesNothing(t *testing.T) {
	t.Parallel()
	b := dnsPrimary(t)
	c := dnsClient(b)
	c.DNS.Key.Name = bindtest.OtherKey
	env, _ := dnsEnv(bindtest.OtherSecret)
	_, err := dnsExecute(t, env, dnsPlan(t, c)["redirect.dns-point-orders"])
	require.True(t, dr.HasCode(err, "dns_refused"), "%v", err)
	require.ErrorContains(t, err, "does not let the key other change orders.example.com")
	now, _ := dnsHas(t, b)
	require.True(t, now.Equal(c.DNS.Sites["east"]))
}

func TestATimeToLiveThatTheInventoryDoesNotKnowIsNotLowered(t *testing.T) {
	t.Parallel()
	b := bindtest.Primary(t, "orders 900 IN A 192.0.2.11")
	env, _ := dnsEnv(bindtest.Secret)
	_, err := dnsExecute(t, env, dnsPlan(t, dnsClient(b))["prepare.dns-ttl-orders"])
	require.ErrorContains(t, err, "orders.example.com has 192.0.2.11 for 15m0s, and the inventory says 3s: it could not be restored")
	_, ttl := dnsHas(t, b)
	require.Equal(t, 900*time.Second, ttl)
}

func TestAFailbackLowersTheTimeToLiveBeforeTheCutoverAndRestoresItWhenThereIsNone(t *testing.T) {
	c := inventory.Client{Name: "orders", Timeout: dr.Duration(time.Minute), DNS: dnsClient(&bindtest.Server{Address: "192.0.2.53:53"}).DNS}
	for gate, ph := range map[dr.Gate]dr.Phase{dr.GateConvert: dr.PhaseResynchronise, dr.GateOverwrite: dr.PhaseStartReplication} {
		in, d := takeover()
		in.Request.Procedure, in.Gate = dr.ProcFailback, gate
		require.NoError(t, contrib.DNS{List: []inventory.Client{c}}.Plan(in, d))
		phases, err := d.Phases(dr.PhasesAfter(dr.ProcFailback, gate))
		require.NoError(t, err)
		var ids []string
		for _, p := range phases {
			for _, st := range p.Steps {
				ids = append(ids, st.ID)
			}
		}
		require.Equal(t, []string{string(ph) + ".dns-ttl-orders", string(ph) + ".dns-forget-orders", "safe-stop.dns-ttl-orders"}, ids)
	}
	in, d := takeover()
	in.Request.Procedure, in.Gate = dr.ProcReseed, dr.GateOverwrite
	require.NoError(t, contrib.DNS{List: []inventory.Client{c}}.Plan(in, d))
	phases, err := d.Phases(dr.PhasesAfter(dr.ProcReseed, dr.GateOverwrite))
	require.NoError(t, err)
	for _, p := range phases {
		require.Empty(t, p.Steps, "a reseed moves no clients")
	}
}
