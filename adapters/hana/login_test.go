package hana

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// tenantPorts are the lines of the inventory that tell the tenants' ports.
var tenantPorts = regexp.MustCompile(`(?m)^ *tenant_ports:\n( +DRT: [0-9]+\n)`)

func TestATenantWithoutAPortIsFoundByHANAsOwnRedirection(t *testing.T) {
	w := openWorld(t, func(text string) string { return tenantPorts.ReplaceAllString(text, "") })
	w.inSync()
	require.Zero(t, w.place("west").SQL.Tenants[0].Port)
	w.walk(w.plan(takePlanned("west"), dr.GateDecide))
	w.inSync()
	for _, site := range []string{"west", "east"} {
		got, err := w.place(site).ask(t.Context(), w.Env(), "DRT", queryDatabase)
		if site == "east" {
			require.Error(t, err, "a secondary's ports are closed, whatever the driver remembers")
			continue
		}
		require.NoError(t, err)
		require.Equal(t, "DRT", got[0]["DATABASE_NAME"])
	}
}

func TestDatabasesAreReachedOverTLSAndAnUntrustedCertificateIsSaid(t *testing.T) {
	w := newWorld(t, "--set", "tls=true")
	require.True(t, w.place("east").SQL.TLS)
	w.walk(w.plan(takePlanned("west"), dr.GateDecide))
	w.inSync()

	stranger := openWorld(t, nil, "--set", "tls=true")
	p := w.place("west")
	p.SQL.CA = stranger.place("west").SQL.CA
	_, err := p.ask(t.Context(), w.Env(), systemDB, queryDatabase)
	require.True(t, dr.HasCode(err, "sql_tls"), "%v", err)
	require.Contains(t, dr.AsError(err, "").Next, "tls_ca")
	p = w.place("west")
	p.SQL.ServerName = "another.example.com"
	_, err = p.ask(t.Context(), w.Env(), systemDB, queryDatabase)
	require.True(t, dr.HasCode(err, "sql_tls"), "%v", err)

	plain := w.place("west")
	plain.SQL.TLS = false
	_, err = plain.ask(t.Context(), w.Env(), systemDB, queryDatabase)
	require.NoError(t, err, "a port takes both")
}

func TestALoginShellThatIsCshAndABannerChangeNothing(t *testing.T) {
	w := newWorld(t, "--shell", "/bin/csh", "--banner", "Authorised use only: site name=WEST mode=primary")
	ids := w.walk(w.plan(takePlanned("west"), dr.GateDecide))
	require.True(t, strings.HasPrefix(ids, "prepare.mark-west isolate.autostart-east promote.takeover "), ids)
	w.inSync()
	rs := kit.Details[Reading](w.observe())
	require.Equal(t, "primary", rs["west"].Mode())
	require.Equal(t, "EAST", rs["east"].Name())
}
