package inventory_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/inventory"
)

func TestTheCompleteExampleIsReadAsWritten(t *testing.T) {
	inv := load(t)
	require.Equal(t, example, inv.Path)
	require.Equal(t, "Anna Ölund", inv.People["anna"].Name)
	require.Equal(t, []string{"dba", "lead"}, inv.People["anna"].Roles)
	require.Len(t, inv.People["anna"].Keys, 1)
	require.Equal(t, []string{"slack:T1/U2", "mattermost:ben"}, inv.People["ben"].Accounts)
	require.Equal(t, inventory.Credential{Name: "orders-db", Env: "ORDERS_DB_PASSWORD"}, inv.Credentials["orders-db"])
	require.Equal(t, inventory.Credential{Name: "bastion", File: abs(t, "testdata/secrets/bastion")}, inv.Credentials["bastion"])
	require.Equal(t, "/var/lib/switchback/reports", inv.Reports.Dir)
	require.Equal(t, inventory.Host{
		Name: "db1", Address: "db1.example.com", Port: 2222, User: "postgres", KeyFiles: []string{abs(t, "testdata/keys/id_ed25519")},
		KnownHosts: []string{abs(t, "testdata/known_hosts")}, Jump: "bastion", JobDir: inventory.DefaultJobDir,
	}, inv.Hosts["db1"])
	require.Equal(t, "/var/lib/switchback/jobs", inv.Hosts["db2"].JobDir)
	require.Empty(t, inv.Hosts["third"].Jump, "a host may switch a default off")
	require.Equal(t, "bastion", inv.Hosts["bastion"].PasswordCredential)

	s, err := inv.System("orders")
	require.NoError(t, err)
	require.Equal(t, "fake", s.Product)
	require.Equal(t, "east", s.Home)
	require.Equal(t, []string{"east", "west"}, s.Sites)
	require.Equal(t, inventory.Limits{Observe: dr.Duration(15 * time.Second)}, s.Limits)
	require.Equal(t, "15", s.Instance.(*fakeSystem).settings.Version)
	require.Equal(t, fakeSite{Host: "db1", Port: 5432}, s.Instance.(*fakeSystem).at["east"])
	require.Equal(t, []string{"bastion", "orders-db"}, s.Credentials())

	require.Equal(t, []inventory.Application{
		{Name: "shop", Hosts: map[string]string{"east": "app1", "west": "app1"}, Unit: "shop.service", Timeout: dr.Duration(inventory.DefaultTimeout)},
		{
			Name: "batch", Hosts: map[string]string{"east": "app1"}, Stop: []string{"/opt/batch/ctl", "stop"}, Start: []string{"/opt/batch/ctl", "start"},
			Running: []string{"/opt/batch/ctl", "status"}, Timeout: dr.Duration(5 * time.Minute),
		},
	}, s.Applications)
	require.Equal(t, []inventory.Client{{
		Name: "address", Host: "third", None: []string{"/opt/vip/point", "none"}, Show: []string{"/opt/vip/show"}, Timeout: dr.Duration(inventory.DefaultTimeout),
		Point: map[string][]string{"east": {"/opt/vip/point", "east"}, "west": {"/opt/vip/point", "west"}},
	}}, s.Clients)
	require.Equal(t, []inventory.Fence{{
		Name: "power-east", Site: "east", Host: "third", On: []string{"/opt/fence/power", "off", "db1"}, Off: []string{"/opt/fence/power", "on", "db1"},
		Proof: []string{"/opt/fence/power", "status", "db1"}, Proven: "Chassis Power is off", SurvivesReboot: true, Timeout: dr.Duration(inventory.DefaultTimeout),
	}}, s.Fences)
	require.Equal(t, []inventory.Hook{{
		Name: "freeze-deploys", Phase: dr.PhasePrepare, When: inventory.Before, Host: "app1", Run: []string{"/opt/deploy/freeze"},
		Check: []string{"/opt/deploy/is-frozen"}, Timeout: dr.Duration(30 * time.Second), Skip: dr.SkipFree,
	}}, s.Hooks)
}

func TestAnUnknownSystemIsRefusedAndTheKnownOnesAreNamed(t *testing.T) {
	_, err := load(t).System("order")
	require.EqualError(t, err, `there is no system "order" in testdata/systems.yaml; next: name one of: orders`)
	require.True(t, dr.HasCode(err, "unknown_system"))
	require.Equal(t, dr.ClassRefuse, dr.ClassOf(err))
}
