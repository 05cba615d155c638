package nameserver_test

import (
	"bufio"
	"context"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/nameserver"
	"github.com/switchback-dr/switchback/internal/nameserver/bindtest"
	"github.com/switchback-dr/switchback/internal/nettest"
)

const name = "orders.example.com"

var (
	east = nameserver.Records{A: []string{"192.0.2.11"}, AAAA: []string{"2001:db8::11"}}
	west = nameserver.Records{A: []string{"192.0.2.12"}}
	move = nameserver.Update{Zone: bindtest.Zone, Name: name, Before: east, After: west, TTL: 5}
)

func dial(ctx context.Context, network, address string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, network, address)
}

func at(address string) nameserver.Server {
	return nameserver.Server{Dial: dial, Now: time.Now, Address: address, Key: &nameserver.Key{Name: bindtest.Key, Algorithm: bindtest.Algorithm, Secret: bindtest.Secret}}
}

func primary(t *testing.T) *bindtest.Server {
	return bindtest.Primary(t, "orders IN A 192.0.2.11", "orders IN AAAA 2001:db8::11", "orders IN TXT untouched", "alias IN CNAME west.example.com.")
}

func has(t *testing.T, s nameserver.Server) nameserver.Records {
	t.Helper()
	got, err := s.Read(t.Context(), bindtest.Zone, name)
	require.NoError(t, err)
	return got.Records
}

func TestAnUpdateIsMadeOnceAndOnlyOverTheExpectedRecord(t *testing.T) {
	s := at(primary(t).Address)
	require.NoError(t, s.CheckZone(t.Context(), bindtest.Zone))
	require.True(t, has(t, s).Equal(east))
	for _, foreign := range []nameserver.Records{west, {}, {A: east.A}, {CNAME: "x.example.com"}, {A: east.A, AAAA: []string{"2001:db8::12"}}} {
		u := move
		u.Before = foreign
		err := s.Update(t.Context(), u)
		require.True(t, dr.HasCode(err, "dns_unexpected"), "%v", err)
		require.True(t, has(t, s).Equal(east), "nothing is half done")
	}
	require.NoError(t, s.Update(t.Context(), move))
	got, err := s.Read(t.Context(), bindtest.Zone, name)
	require.NoError(t, err)
	require.True(t, got.Records.Equal(west))
	require.Equal(t, 5*time.Second, got.Longest)
	require.True(t, dr.HasCode(s.Update(t.Context(), move), "dns_unexpected"), "a second one finds another record")
}

func TestANameGoesFromAddressesToAnotherNameAndToNothing(t *testing.T) {
	s := at(primary(t).Address)
	alias := nameserver.Update{Zone: bindtest.Zone, Name: "alias." + bindtest.Zone, Before: nameserver.Records{CNAME: "west.example.com"}, TTL: 5}
	for _, next := range []nameserver.Records{{CNAME: "east.example.com"}, {A: []string{"192.0.2.1", "192.0.2.2"}}, {}, {CNAME: "west.example.com"}} {
		alias.After = next
		require.NoError(t, s.Update(t.Context(), alias))
		got, err := s.Read(t.Context(), bindtest.Zone, alias.Name)
		require.NoError(t, err)
		require.True(t, got.Records.Equal(next), "%s", got.Records)
		alias.Before = next
	}
}

func TestTheScriptThatIsShownMakesTheSameUpdate(t *testing.T) {
	b := primary(t)
	s := at(b.Address)
	script := move.Script(b.Address, *s.Key, "<credential dns>")
	require.NotContains(t, script, bindtest.Secret)
	nsupdate := func() ([]byte, error) {
		cmd := exec.CommandContext(t.Context(), "nsupdate")
		cmd.Stdin = strings.NewReader(strings.Replace(script, "<credential dns>", bindtest.Secret, 1) + "\n")
		return cmd.CombinedOutput()
	}
	out, err := nsupdate()
	require.NoError(t, err, "%s", out)
	got, err := s.Read(t.Context(), bindtest.Zone, name)
	require.NoError(t, err)
	require.True(t, got.Records.Equal(west))
	require.Equal(t, 5*time.Second, got.Longest)
	out, err = nsupdate()
	require.Error(t, err)
	require.Contains(t, string(out), "NXRRSET")
}

func TestWhatAServerRefusesIsOneSentenceAndChangesNothing(t *testing.T) {
	b := primary(t)
	good := at(b.Address)
	with := func(change func(*nameserver.Key)) nameserver.Server {
		s, k := good, *good.Key
		change(&k)
		s.Key = &k
		return s
	}
	late := good
	late.Now = func() time.Time { return time.Now().Add(-time.Hour) }
	resolver := bindtest.Resolver(t, b)
	elsewhere := move
	elsewhere.Zone = "example.net"
	elsewhere.Name = "orders.example.net"
	for want, c := range map[string]struct {
		s nameserver.Server
		u nameserver.Update
	}{
		"does not know the key nobody":                 {with(func(k *nameserver.Key) { k.Name = "nobody" }), move},
		"does not accept the secret of the key":        {with(func(k *nameserver.Key) { k.Secret = bindtest.OtherSecret }), move},
		"the DNS key switchback is not in base64":      {with(func(k *nameserver.Key) { k.Secret = "not base64!" }), move},
		"does not know the key switchback":             {with(func(k *nameserver.Key) { k.Algorithm = "hmac-sha512" }), move},
		"its clock and this worker's differ":           {late, move},
		"does not let the key other change orders":     {with(func(k *nameserver.Key) { k.Name, k.Secret = bindtest.OtherKey, bindtest.OtherSecret }), move},
		"is not the authority of the zone example.net": {good, elsewhere},
		"does not know the key":                        {at(resolver.Address), move},
	} {
		err := c.s.Update(t.Context(), c.u)
		require.ErrorContains(t, err, want)
		require.False(t, dr.AsError(err, "").Unknown, "%v", err)
		require.NotContains(t, err.Error(), "\n")
		require.NotContains(t, err.Error(), bindtest.Secret)
		require.True(t, has(t, good).Equal(east), want)
	}
}

func TestAServerThatIsDownIsOneSentence(t *testing.T) {
	b := primary(t)
	b.Stop()
	_, err := at(b.Address).Read(t.Context(), bindtest.Zone, name)
	require.True(t, dr.HasCode(err, "dns_silent"), "%v", err)
	require.ErrorContains(t, err, "connection refused")
	err = at(b.Address).Update(t.Context(), move)
	require.True(t, dr.HasCode(err, "dns_silent"), "%v", err)
	require.False(t, dr.AsError(err, "").Unknown, "without a connection nothing was sent")
}

// liar is a server that answers every question with what the test says.
func liar(t *testing.T, answer func(*dns.Msg) *dns.Msg) string {
	t.Helper()
	return nettest.Serve(t, func(raw net.Conn) {
		c := &dns.Conn{Conn: raw}
		for {
			m, _ := c.ReadMsg() // a signature is not looked at
			if m == nil {
				return
			}
			if m = answer(m); m == nil || c.WriteMsg(m) != nil {
				return
			}
		}
	})
}

func TestAnUpdateWhoseAnswerIsLostIsUnknown(t *testing.T) {
	s := at(liar(t, func(*dns.Msg) *dns.Msg { return nil }))
	err := s.Update(t.Context(), move)
	require.True(t, dr.AsError(err, "").Unknown, "%v", err)
}

func TestAnAnswerThatIsNotSignedOrNotTheQuestionsIsNotBelieved(t *testing.T) {
	unsigned := at(liar(t, func(m *dns.Msg) *dns.Msg { return new(dns.Msg).SetReply(m) }))
	require.ErrorContains(t, unsigned.Update(t.Context(), move), "does not sign its answer")
	other := at(liar(t, func(m *dns.Msg) *dns.Msg {
		r := new(dns.Msg).SetReply(m)
		r.Authoritative = true
		r.Question[0].Name = "other.example.com."
		return r
	}))
	other.Key = nil
	_, err := other.Read(t.Context(), bindtest.Zone, name)
	require.ErrorContains(t, err, "does not answer what was asked")
	_, err = nameserver.Server{Dial: dial, Now: time.Now, Address: garbler(t)}.Read(t.Context(), bindtest.Zone, name)
	require.Equal(t, dr.ClassRetry, dr.ClassOf(err), "%v", err)
}

// garbler answers with bytes that are no message.
func garbler(t *testing.T) string {
	t.Helper()
	return nettest.Serve(t, func(c net.Conn) {
		_, _ = bufio.NewReader(c).Peek(2)
		_, _ = c.Write(append([]byte{0, 40}, []byte(strings.Repeat("\xc0", 40))...))
	})
}

func TestAServerThatIsNoAuthorityIsNotAskedForTheZonesTruth(t *testing.T) {
	r := bindtest.Resolver(t, primary(t))
	s := nameserver.Server{Dial: dial, Now: time.Now, Address: r.Address}
	_, err := s.Read(t.Context(), bindtest.Zone, name)
	require.True(t, dr.HasCode(err, "dns_zone"), "%v", err)
	s.Resolver = true
	require.True(t, has(t, s).Equal(east))
}

func TestNamesAndRecordsThatCannotBeWrittenAreRefused(t *testing.T) {
	for _, bad := range []string{"", "orders", "a..b", "-a.b", "a b.c", "a.b\nupdate add", "*.example.com", strings.Repeat("a.", 130) + "a", "Orders.example.com"} {
		require.Error(t, nameserver.CheckName(bad), "%q", bad)
	}
	for _, bad := range []nameserver.Records{
		{A: []string{"192.0.2.11"}, CNAME: "x.example.com"},
		{A: []string{"2001:db8::1"}},
		{A: []string{"0.0.0.0"}},
		{AAAA: []string{"192.0.2.1"}},
		{AAAA: []string{"2001:DB8::1"}},
		{CNAME: "x y.example.com"},
	} {
		require.Error(t, bad.Check(), "%v", bad)
	}
	for _, bad := range []string{"", "192.0.2.53", "ns.example.com:53", "192.0.2.53:0", "0.0.0.0:53", "[ff02::1]:53"} {
		require.Error(t, nameserver.CheckAddress(bad), "%q", bad)
	}
}
