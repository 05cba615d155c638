package e2e_test

import (
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/e2e"
	"github.com/switchback-dr/switchback/internal/nameserver/bindtest"
)

// addNameAndProbe gives the lab's system a client that is a name at a real BIND,
// and its own client a probe.
func addNameAndProbe(t *testing.T, s *e2e.Stage, primary, resolver *bindtest.Server) {
	t.Helper()
	raw, err := os.ReadFile(s.Lab.Inventory)
	require.NoError(t, err)
	var all map[string]any
	require.NoError(t, yaml.Unmarshal(raw, &all))
	at := func(name string) *url.URL {
		u, err := url.Parse(s.Lab.Endpoints[name])
		require.NoError(t, err)
		return u
	}
	dir := t.TempDir()
	credential := func(name, value string) map[string]any {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(value+"\n"), 0o600))
		return map[string]any{"file": path}
	}
	client := at("client")
	password, ok := client.User.Password()
	if !ok {
		password = "the lab asks for none"
	}
	all["credentials"] = map[string]any{"name-key": credential("key", bindtest.Secret), "probe": credential("probe", password)}
	system := all["systems"].(map[string]any)[s.Lab.System].(map[string]any)
	clients := system["clients"].([]any)
	clients[0].(map[string]any)["probe"] = map[string]any{
		"kind": "postgres", "address": client.Host, "sites": map[string]any{"east": at("east").Host, "west": at("west").Host},
		"database": client.Path[1:], "user": client.User.Username(), "credential": "probe", "tls": "off",
	}
	system["clients"] = append(clients, map[string]any{"name": "name", "dns": map[string]any{
		"name": "orders." + bindtest.Zone, "zone": bindtest.Zone, "server": primary.Address, "resolvers": []any{resolver.Address},
		"key": map[string]any{"name": bindtest.Key, "credential": "name-key"}, "ttl": "3s", "ttl_moving": "1s",
		"sites": map[string]any{"east": map[string]any{"a": []any{"192.0.2.11"}}, "west": map[string]any{"a": []any{"192.0.2.12"}}},
	}})
	raw, err = yaml.Marshal(all)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(s.Lab.Inventory, raw, 0o644))
}

func TestANameFollowsAPlannedTakeoverAndAProbeProvesThatClientsArrived(t *testing.T) {
	t.Parallel()
	primary := bindtest.Primary(t, "orders 3 IN A 192.0.2.11")
	resolver := bindtest.Resolver(t, primary)
	s := &stage{e2e.NewStageWith(t, "postgres", func(s *e2e.Stage) { addNameAndProbe(t, s, primary, resolver) }, "--no-writer")}
	check := s.program("worker", nil, "check")
	require.Equal(t, 0, check.Exit, "%s%s", check.Stdout, check.Stderr)
	require.Contains(t, check.Stdout, "lets the key switchback change orders.example.com")
	run := s.Start(dr.ProcTakeover, `{"system":"orders","mode":"planned","to":"west","reason":"maintenance"}`)
	s.Approve(dr.GateDecide)
	ended := s.Ended(run, dr.EndDone)
	files, err := filepath.Glob(filepath.Join(ended.Report, "*"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, path := range files {
		raw, err := os.ReadFile(path)
		require.NoError(t, err)
		require.NotContains(t, string(raw), bindtest.Secret, path)
	}
	report := s.Report()
	done := map[string]string{}
	for _, e := range report.Events {
		if e.State == dr.StepDone {
			done[e.Step] = e.Text
		}
	}
	for _, id := range []string{"prepare.dns-ttl-name", "prepare.dns-forget-name", "redirect.dns-point-name", "redirect.dns-arrive-name", "verify.dns-prove-name", "protect.dns-ttl-name"} {
		require.Contains(t, done, id)
	}
	require.Equal(t, "orders.example.com has 192.0.2.12 for 3s", done["protect.dns-ttl-name"])
	var found bool
	for _, p := range dr.OutageOf(report) {
		if p.Name == "clients" {
			found = true
			require.Equal(t, dr.Yes, p.Known, p.Text)
			require.Less(t, p.Took(), time.Hour)
		}
	}
	require.True(t, found, "the report tells the parts of the outage")
}
