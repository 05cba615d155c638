package observer

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// archived starts a primary that archives, and gives the two URIs.
func archiving(t *testing.T, version Version) (a *site, data, logs string) {
	t.Helper()
	a = primary(t, version)
	dir := t.TempDir()
	data, logs = "file://"+dir+"/data", "file://"+dir+"/log"
	a.sys("ALTER SYSTEM SET LOG_ARCHIVE_DEST = 'LOCATION=" + logs + " BINDING=Optional' TENANT = orders")
	a.sys("ALTER SYSTEM ARCHIVELOG TENANT = orders")
	refuses(t, a.exec("ALTER SYSTEM ARCHIVELOG TENANT = orders"), 9091, "Already in ARCHIVELOG mode")
	a.until("the archive works", func() bool { return a.one("SELECT STATUS FROM oceanbase.CDB_OB_ARCHIVELOG") == "DOING" })
	a.sys("ALTER SYSTEM SET DATA_BACKUP_DEST = '" + data + "' TENANT = orders")
	return a, data, logs
}

func (s *site) backedUp(statements ...string) {
	s.t.Helper()
	require.NoError(s.t, s.exec(statements...))
	s.until("the backup ends", func() bool {
		return s.one("SELECT COUNT(*) FROM oceanbase.CDB_OB_BACKUP_JOBS") == "0"
	})
}

func (s *site) restored() string {
	s.t.Helper()
	s.until("the restore ends", func() bool {
		return s.one("SELECT COUNT(*) FROM oceanbase.CDB_OB_RESTORE_HISTORY") == "2"
	})
	return s.one("SELECT STATUS FROM oceanbase.CDB_OB_RESTORE_HISTORY WHERE TENANT_ID = 1")
}

func TestARestoredTenantFollowsTheArchiveOnceItIsTold(t *testing.T) {
	a, data, logs := archiving(t, "4.1.0.0")
	a.write(1, 5)
	a.backedUp("ALTER SYSTEM BACKUP TENANT = orders")
	require.Equal(t, "COMPLETED", a.one("SELECT STATUS FROM oceanbase.CDB_OB_BACKUP_JOB_HISTORY WHERE TENANT_ID = 1002"))
	require.Equal(t, "COMPLETED", a.one("SELECT STATUS FROM oceanbase.CDB_OB_BACKUP_JOB_HISTORY WHERE TENANT_ID = 1"), "sys has a row of its own")
	b := cluster(t, 2, "4.1.0.0")
	b.pools()
	b.turn("slow-jobs", "20ms")
	b.sys("ALTER SYSTEM RESTORE orders FROM '" + data + "," + logs + "' WITH 'pool_list=p1&concurrency=2'")
	require.Equal(t, "2", b.one("SELECT COUNT(*) FROM oceanbase.CDB_OB_RESTORE_PROGRESS"))
	require.Equal(t, "RESTORE", b.one("SELECT STATUS FROM oceanbase.DBA_OB_TENANTS WHERE TENANT_NAME = 'orders'"))
	require.Equal(t, "SUCCESS", b.restored())
	require.Equal(t, "STANDBY/NORMAL", b.role())
	a.write(6, 9)
	require.Equal(t, b.syncSCN(), b.number("SELECT RECOVERY_UNTIL_SCN FROM oceanbase.DBA_OB_TENANTS WHERE TENANT_NAME = 'orders'"))
	b.sys("ALTER SYSTEM RECOVER STANDBY TENANT = orders UNTIL UNLIMITED")
	b.until("the archive is followed", func() bool { return b.rows() == 9 })
	_, err := b.as("root@sys", "").QueryContext(t.Context(), "SELECT * FROM oceanbase.CDB_OB_LOG_RESTORE_SOURCE")
	refuses(t, err, 1146, "doesn't exist")

	a.sys(toStandby)
	a.until("the archive has everything", func() bool {
		return a.one("SELECT SYNCHRONIZED FROM oceanbase.V$OB_ARCHIVE_DEST_STATUS") == "YES"
	})
	b.sys(toPrimary)
	require.Equal(t, 9, b.rows())
	require.Equal(t, "PRIMARY/NORMAL", b.role())
	require.Equal(t, "0", a.one("SELECT COUNT(*) FROM oceanbase.DBA_OB_ROOTSERVICE_EVENT_HISTORY WHERE EVENT LIKE '%switchover to%' AND VALUE2 <> '0'"))
	require.NotEqual(t, "0", a.one("SELECT COUNT(*) FROM oceanbase.DBA_OB_ROOTSERVICE_EVENT_HISTORY WHERE EVENT LIKE '%switchover to%'"))
}

func TestPromotingBeforeTheArchiveIsSynchronizedLosesData(t *testing.T) {
	a, data, logs := archiving(t, usual)
	a.backedUp("ALTER SYSTEM BACKUP TENANT = orders")
	b := cluster(t, 2, usual)
	b.pools()
	b.sys("ALTER SYSTEM RESTORE orders FROM '" + data + "," + logs + "' WITH 'pool_list=p1'")
	require.Equal(t, "SUCCESS", b.restored())
	b.sys("ALTER SYSTEM RECOVER STANDBY TENANT = orders UNTIL UNLIMITED")
	a.write(1, 5)
	b.until("the archive is followed", func() bool { return b.rows() == 5 })
	a.turn("archive-stuck-orders", "on")
	a.write(6, 9)
	a.sys(toStandby)
	require.Equal(t, "NO", a.one("SELECT SYNCHRONIZED FROM oceanbase.V$OB_ARCHIVE_DEST_STATUS"))
	b.until("the standby is promoted", func() bool { return b.exec(toPrimary) == nil })
	require.Equal(t, 5, b.rows())
}

func TestABackupWithoutItsArchiveCanBeRestoredOnlyWithItsOwnLog(t *testing.T) {
	a, data, _ := archiving(t, usual)
	a.write(1, 3)
	a.backedUp("ALTER SYSTEM BACKUP TENANT = orders")
	b := cluster(t, 2, usual)
	b.pools()
	refuses(t, b.exec("ALTER SYSTEM RESTORE orders FROM '"+data+"' WITH 'pool_list=p1'"), 9049, "no backup set")
	a.backedUp("SET ENCRYPTION ON IDENTIFIED BY 'pw' ONLY", "ALTER SYSTEM BACKUP TENANT = orders PLUS ARCHIVELOG")
	refuses(t, b.exec("ALTER SYSTEM RESTORE orders FROM '"+data+"' WITH 'pool_list=p1'"), 9040, "password")
	require.NoError(t, b.exec("SET DECRYPTION IDENTIFIED BY 'pw'", "ALTER SYSTEM RESTORE orders FROM '"+data+"' WITH 'pool_list=p1' DESCRIPTION 'again'"))
	require.Equal(t, "SUCCESS", b.restored())
	require.Equal(t, "0", b.one("SELECT COUNT(*) FROM oceanbase.CDB_OB_LOG_RESTORE_SOURCE"), "without a source")
	require.Equal(t, 3, b.rows())
	require.Positive(t, b.number("SELECT MAX(BEGIN_LSN) FROM oceanbase.GV$OB_LOG_STAT WHERE TENANT_ID = 1002"), "its log is not complete")
}

func TestJobsThatFailSayWhyAndLeaveWhatTheRealOnesLeave(t *testing.T) {
	a, data, logs := archiving(t, usual)
	a.turn("backup-fails-orders", "on")
	a.backedUp("ALTER SYSTEM BACKUP TENANT = orders")
	require.Equal(t, "FAILED", a.one("SELECT STATUS FROM oceanbase.CDB_OB_BACKUP_JOB_HISTORY WHERE TENANT_ID = 1002"))
	a.turn("backup-fails-orders", "")
	a.backedUp("ALTER SYSTEM BACKUP DATABASE")
	b := cluster(t, 2, usual)
	b.pools()
	b.turn("restore-fails-orders", "on")
	b.sys("ALTER SYSTEM RESTORE orders FROM '" + data + "," + logs + "' WITH 'pool_list=p1'")
	require.Equal(t, "FAILED", b.restored())
	require.Equal(t, "RESTORE", b.one("SELECT STATUS FROM oceanbase.DBA_OB_TENANTS WHERE TENANT_NAME = 'orders'"))
	refuses(t, b.exec("ALTER SYSTEM RESTORE other FROM '"+data+","+logs+"' WITH 'pool_list=p1'"), 4628, "pool")
	b.sys("ALTER SYSTEM CANCEL RESTORE orders")
	require.Equal(t, "0", b.one("SELECT COUNT(*) FROM oceanbase.DBA_OB_TENANTS WHERE TENANT_NAME = 'orders'"))
	require.Equal(t, "NULL", b.one("SELECT TENANT_ID FROM oceanbase.DBA_OB_RESOURCE_POOLS WHERE NAME = 'p1'"))
}

func TestAJobGoesOnAfterTheObserverDied(t *testing.T) {
	a, _, _ := archiving(t, usual)
	a.turn("slow-jobs", "1h")
	a.sys("ALTER SYSTEM BACKUP TENANT = orders")
	require.Equal(t, "1", a.one("SELECT COUNT(*) FROM oceanbase.CDB_OB_BACKUP_JOBS WHERE TENANT_ID = 1002"))
	require.NoError(t, a.Close())
	require.NoError(t, os.RemoveAll(knobs{a.conf.Knobs}.path("slow-jobs")))
	a.open()
	a.until("the backup ends", func() bool {
		return a.one("SELECT COUNT(*) FROM oceanbase.CDB_OB_BACKUP_JOB_HISTORY WHERE TENANT_ID = 1002 AND STATUS = 'COMPLETED'") == "1"
	})
}

func TestADroppedTenantFreesItsPoolOrLiesInTheRecycleBin(t *testing.T) {
	a := primary(t, usual)
	a.sys("SET GLOBAL recyclebin = ON")
	a.sys("DROP TENANT orders")
	require.Equal(t, "YES", a.one("SELECT IN_RECYCLEBIN FROM oceanbase.DBA_OB_TENANTS WHERE TENANT_ID = 1002"))
	name := a.one("SELECT TENANT_NAME FROM oceanbase.DBA_OB_TENANTS WHERE TENANT_ID = 1002")
	refuses(t, a.exec("DROP RESOURCE POOL p1"), 4628, "pool")
	a.sys("PURGE TENANT `" + name + "`")
	a.sys("DROP RESOURCE POOL p1")
	refuses(t, a.exec("DROP TENANT orders FORCE"), 5157, "Unknown tenant 'orders'")
	a.sys("DROP TENANT IF EXISTS orders FORCE")
}

func TestAThirdStandbyIsMadeToFitTheNewPrimary(t *testing.T) {
	a, b := pair(t, usual)
	c := cluster(t, 3, usual)
	c.pools()
	c.follow(a, "p1")
	b.turn("lag-orders", "1h")
	at := b.syncSCN()
	a.write(1, 6)
	c.until("the third has more", func() bool { return c.rows() == 6 })
	b.sys(activate)
	require.GreaterOrEqual(t, b.syncSCN(), at)
	c.sys("ALTER SYSTEM SET LOG_RESTORE_SOURCE = '" + b.source() + "' TENANT = orders")
	c.until("the third is past the cut", func() bool {
		return c.one("SELECT COUNT(*) FROM oceanbase.V$OB_LS_LOG_RESTORE_STATUS WHERE SYNC_STATUS = 'STANDBY LOG NOT MATCH'") != "0"
	})
	c.sys("ALTER SYSTEM RECOVER STANDBY TENANT = orders CANCEL")
	const flashback = "ALTER SYSTEM FLASHBACK STANDBY LOG TO SCN = "
	refuses(t, c.exec(flashback+"5 TENANT = 'orders'"), 4179, "log restore source is not empty")
	c.sys("ALTER SYSTEM SET LOG_RESTORE_SOURCE = '' TENANT = orders")
	refuses(t, c.exec(flashback+"5 TENANT = 'orders'"), 4179, "smaller than tenant sync_scn")
}

func TestAThirdStandbyThatIsBehindOnlyInOneStreamIsCutAndFollows(t *testing.T) {
	a, b := pair(t, usual)
	c := cluster(t, 3, usual)
	c.pools()
	c.follow(a, "p1")
	c.turn("lag-stream-orders-1001", "1h")
	a.write(1, 4)
	b.until("the second has everything so far", func() bool { return b.rows() == 4 })
	b.turn("lag-orders", "1h")
	a.write(5, 10)
	const ends = "SELECT END_LSN FROM oceanbase.GV$OB_LOG_STAT WHERE TENANT_ID = 1002 AND LS_ID = 1002"
	c.until("one stream of the third is ahead", func() bool { return c.one(ends) == "5" })
	b.sys(activate)
	at := b.one("SELECT VALUE3 FROM oceanbase.DBA_OB_ROOTSERVICE_EVENT_HISTORY WHERE EVENT = 'flashback end'")
	c.sys("ALTER SYSTEM RECOVER STANDBY TENANT = orders CANCEL")
	c.sys("ALTER SYSTEM SET LOG_RESTORE_SOURCE = '' TENANT = orders")
	c.sys("ALTER SYSTEM FLASHBACK STANDBY LOG TO SCN = " + at + " TENANT = 'orders'")
	require.Equal(t, "STANDBY/NORMAL", c.role())
	require.Equal(t, "2", c.one(ends))
	c.turn("lag-stream-orders-1001", "")
	c.sys("ALTER SYSTEM SET LOG_RESTORE_SOURCE = '" + b.source() + "' TENANT = orders")
	c.sys("ALTER SYSTEM RECOVER STANDBY TENANT = orders UNTIL UNLIMITED")
	b.write(21, 23)
	c.until("the third follows the new primary", func() bool { return c.rows() == 7 })
	require.Equal(t, "NORMAL", c.one("SELECT DISTINCT SYNC_STATUS FROM oceanbase.V$OB_LS_LOG_RESTORE_STATUS"))
}
