package hana_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchback-dr/switchback/lab/labkit"
)

// with gives the command register with one option replaced.
func with(option, value string) string {
	words := strings.Fields(register)
	for i, w := range words {
		if strings.HasPrefix(w, "--"+option+"=") {
			words[i] = "--" + option + "=" + value
		}
	}
	return strings.Join(words, " ")
}

func TestARegisterIsRefusedAsTheRealOneRefusesIt(t *testing.T) {
	b := up(t, labkit.Options{})
	r := b.try("east", register)
	require.Equal(t, 128, r.code)
	require.Contains(t, r.out, "error: system must be shut down before it can be registered as secondary site; \nfailed. trace file nameserver_east.00000.000.trc may contain more error details.")
	b.sh("west", "hdbnsutil -sr_takeover --suspendPrimary")
	b.sh("east", "sapcontrol -nr $TINSTANCE -function StopSystem HDB; sapcontrol -nr $TINSTANCE -function WaitforStopped 20 1")
	for text, command := range map[string]string{
		"the site name is not valid":                                  with("name", ""),
		"the site name is used by another site":                       with("name", "WEST"),
		"the arguments of -sr_register are not complete or not valid": with("replicationMode", "often"),
		"remoteHost does not match with any host of the source site":  with("remoteHost", "moon"),
		"each site must have a unique set of logical hostnames":       with("remoteHost", "east"),
		"SID and instance number must be equal on all sites":          with("remoteInstance", "77"),
	} {
		r := b.try("east", command)
		require.NotZero(t, r.code, command)
		require.Contains(t, r.out, text)
	}
	b.Fault("ssfs-differs", "east")
	require.Equal(t, 149, b.try("east", register).code)
	b.Repair("ssfs-differs", "east")
	b.Fault("link-cut", "west")
	r = b.try("east", register)
	require.Equal(t, 1, r.code)
	require.Contains(t, r.out, "unable to contact primary site host west:4")
	require.Contains(t, r.out, ". connection refused\nTrying old-style port (port offset +100)...\n")
	b.Repair("link-cut", "west")
	require.Contains(t, b.sh("east", "hdbnsutil -sr_state"), "mode: primary\n", "what was refused changed nothing")
	require.Contains(t, b.sh("east", register+" --force_full_replica"), "registered at ")
	require.Contains(t, b.sh("east", "cat $DIR_INSTANCE/../SYS/global/hdb/custom/config/global.ini"), "[system_replication_site_masters]\n1 = west:3")
	b.sh("east", "HDB start")
	b.Until("east must be in sync", func() bool { return b.status("west") == 15 })
	require.Equal(t, "2", b.one("west-admin", "SELECT SUM(SHIPPED_FULL_REPLICA_COUNT) FROM SYS_DATABASES.M_SERVICE_REPLICATION"))
}

func TestAnOnlineRegisterRestartsTheDatabaseUnlessAFaultKeepsIt(t *testing.T) {
	b := up(t, labkit.Options{})
	b.sh("west", "hdbnsutil -sr_takeover --suspendPrimary")
	b.Fault("online-register-without-restart", "east")
	before := b.sh("east", "HDB info | grep hdb.sap")
	b.sh("east", register+" --online")
	require.Equal(t, before, b.sh("east", "HDB info | grep hdb.sap"))
	require.NotEqual(t, 15, b.status("west"))
	b.Repair("online-register-without-restart", "east")
	b.sh("east", register+" --online")
	b.Until("east must be in sync", func() bool { return b.status("west") == 15 })
	require.NotEqual(t, before, b.sh("east", "HDB info | grep hdb.sap"))
}

func TestEnableNeedsABackupAndDisableNoSecondary(t *testing.T) {
	b := up(t, labkit.Options{WriteEvery: -1})
	r := b.try("east", "hdbnsutil -sr_disable")
	require.NotZero(t, r.code)
	require.Contains(t, r.out, "there are secondary sites attached")
	b.sh("east", "hdbnsutil -sr_unregister --name=WEST")
	require.Equal(t, 10, b.status("east"))
	require.Contains(t, b.sh("west", "hdbnsutil -sr_state"), "mode: sync\n", "the secondary's own files stay")
	b.sh("east", "hdbnsutil -sr_disable")
	require.Regexp(t, "online: true\n\nmode: none\ndone.\n$", b.sh("east", "hdbnsutil -sr_state"))
	require.Contains(t, b.sh("east", "HDBSettings.sh systemReplicationStatus.py; :"), "this system is not a system replication site")
	b.open("east-admin") // a new tenant's backup cannot be taken away; the catalog decides
	_, err := b.open("east-admin").ExecContext(t.Context(), "DELETE FROM SYSTEMTABLES._SYS_BACKUPS")
	require.NoError(t, err)
	r = b.try("east", "hdbnsutil -sr_enable --name=EAST")
	require.NotZero(t, r.code)
	require.Contains(t, r.out, "error: system replication prerequisite check failed;exception 3000302: Backup has not yet been executed on primary system! Please backup primary system.\n;\n")
	_, err = b.open("east-admin").ExecContext(t.Context(), "BACKUP DATA USING FILE ('again')")
	require.NoError(t, err)
	require.Equal(t, "nameserver is active, proceeding ...\nsuccessfully enabled system as system replication source site\ndone.\n", b.sh("east", "hdbnsutil -sr_enable --name=EAST"))
	require.NotZero(t, b.try("west", "hdbnsutil -sr_cleanup --force").code, "cleanup wants a stopped system")
	b.sh("west", "HDB stop")
	require.Contains(t, b.sh("west", "hdbnsutil -sr_cleanup --force"), "clearing local ini files ...\nOpening persistence ...\n")
	require.Contains(t, b.sh("west", "hdbnsutil -sr_state"), "online: false\n\nmode: none\n")
}
