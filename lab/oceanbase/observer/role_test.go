package observer

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const usual = Version("4.2.5.4")

func TestAPlannedSwitchoverLosesNothingAndRunsTheLogAheadOfTheClock(t *testing.T) {
	a, b := pair(t, usual)
	a.write(1, 20)
	a.sys(toStandby)
	require.Equal(t, "STANDBY/NORMAL", a.role())
	require.Greater(t, a.syncSCN(), time.Now().UnixNano(), "the manual says that the SCN is pushed forward")
	refuses(t, tryWrite(a), 4688, "standby tenant is read only")
	b.sys(toPrimary)
	require.Equal(t, "PRIMARY/NORMAL", b.role())
	require.Equal(t, maxSCN, b.number("SELECT RECOVERY_UNTIL_SCN FROM oceanbase.DBA_OB_TENANTS WHERE TENANT_NAME = 'orders'"))
	require.Equal(t, 20, b.rows())
	b.write(21, 30)
	a.sys("ALTER SYSTEM SET LOG_RESTORE_SOURCE = '" + b.source() + "' TENANT = orders")
	a.until("the old primary follows", func() bool { return a.rows() == 30 })
	require.Equal(t, "NORMAL", a.one("SELECT DISTINCT SYNC_STATUS FROM oceanbase.V$OB_LS_LOG_RESTORE_STATUS"))
}

func tryWrite(s *site) error {
	c := s.as("root@orders", "")
	defer func() { _ = c.Close() }()
	_, err := c.ExecContext(s.t.Context(), "INSERT INTO orders.w (n) VALUES (0)")
	return err
}

func TestARoleStatementOnATenantThatIsThereAlreadyDoesNothing(t *testing.T) {
	a, b := pair(t, usual)
	before := a.one("SELECT SWITCHOVER_EPOCH FROM oceanbase.DBA_OB_TENANTS WHERE TENANT_NAME = 'orders'")
	a.sys(activate)
	a.sys(toPrimary)
	b.sys(toStandby)
	require.Equal(t, before, a.one("SELECT SWITCHOVER_EPOCH FROM oceanbase.DBA_OB_TENANTS WHERE TENANT_NAME = 'orders'"))
	require.Equal(t, "STANDBY/NORMAL", b.role())
}

// The table of the server source: which statement is taken in which state that
// an earlier one left.
func TestAHalfWayTenantTakesTheStatementThatBeganAndRefusesOthers(t *testing.T) {
	const match = "switchover status not match"
	for _, c := range []struct {
		begin, state, role string
		taken              []string
		refused            []string
	}{
		{activate, "PREPARE FLASHBACK", "STANDBY", []string{activate}, []string{toPrimary, toStandby}},
		{activate, "FLASHBACK", "STANDBY", []string{toPrimary}, []string{toStandby}},
		{activate, "SWITCHING TO PRIMARY", "STANDBY", []string{activate}, []string{toStandby}},
		{toPrimary, "PREPARE SWITCHING TO PRIMARY", "STANDBY", []string{toPrimary}, []string{activate, toStandby}},
		{toPrimary, "FLASHBACK", "STANDBY", []string{activate}, []string{toStandby}},
		{toStandby, "PREPARE SWITCHING TO STANDBY", "PRIMARY", []string{toStandby}, []string{activate, toPrimary}},
		{toStandby, "SWITCHING TO STANDBY", "STANDBY", []string{toStandby}, []string{activate, toPrimary}},
	} {
		t.Run(c.begin+" "+c.state, func(t *testing.T) {
			a, b := pair(t, usual)
			on, end := b, "PRIMARY/NORMAL"
			if c.begin == toStandby {
				on, end = a, "STANDBY/NORMAL"
			}
			if c.begin == toPrimary {
				a.sys(toStandby)
			}
			on.turn("timeout-at-"+c.state, "on")
			refuses(t, on.exec(c.begin), 4012, "Timeout, query has reached the maximum query timeout")
			require.Equal(t, c.role+"/"+c.state, on.role())
			on.restart()
			require.Equal(t, c.role+"/"+c.state, on.role(), "the state is on disk")
			for _, q := range c.refused {
				refuses(t, on.exec(q), 4179, match)
			}
			for _, q := range c.taken {
				on.sys(q)
			}
			require.Equal(t, end, on.role())
		})
	}
}

func TestAFailoverCutsEveryStreamToTheSmallestSCN(t *testing.T) {
	a, b := pair(t, usual)
	a.write(1, 10)
	b.until("everything is here", func() bool { return b.rows() == 10 })
	b.turn("lag-stream-orders-1001", "1h")
	a.write(11, 20)
	b.until("the other stream goes on", func() bool {
		return b.number("SELECT MAX(SYNC_SCN) - MIN(SYNC_SCN) FROM oceanbase.CDB_OB_LS WHERE TENANT_ID = 1002") > 0 &&
			b.number("SELECT END_LSN FROM oceanbase.GV$OB_LOG_STAT WHERE TENANT_ID = 1002 AND LS_ID = 1002") == 10
	})
	forecast := b.number("SELECT MIN(SYNC_SCN) FROM oceanbase.CDB_OB_LS WHERE TENANT_ID = 1002")
	b.sys(activate)
	require.Equal(t, 10, b.rows(), "what only one stream had is cut, too")
	b.restart()
	require.Equal(t, 10, b.rows())
	require.GreaterOrEqual(t, b.syncSCN(), forecast)
	require.Equal(t, "0", b.one("SELECT COUNT(*) FROM oceanbase.V$OB_LS_LOG_RESTORE_STATUS"), "a primary has no rows there")
	b.write(21, 25)
	require.Equal(t, 15, b.rows())
}

func TestAnOldPrimaryThatIsAttachedAgainIsFoundNotToMatch(t *testing.T) {
	a, b := pair(t, usual)
	a.write(1, 10)
	b.until("everything is here", func() bool { return b.rows() == 10 })
	b.sys(activate)
	a.write(11, 12)
	b.write(11, 12)
	a.sys(toStandby)
	a.sys("ALTER SYSTEM SET LOG_RESTORE_SOURCE = '" + b.source() + "' TENANT = orders")
	a.until("the divergence shows", func() bool {
		return a.one("SELECT COUNT(*) FROM oceanbase.V$OB_LS_LOG_RESTORE_STATUS WHERE SYNC_STATUS = 'STANDBY LOG NOT MATCH' AND ERR_CODE = -4070") == "3"
	})
	require.Equal(t, "STANDBY/NORMAL", a.role(), "role and status say nothing of it")
	require.Equal(t, 12, a.rows())
}

func TestASwitchoverToPrimaryLooksAtItsSource(t *testing.T) {
	a, b := pair(t, usual)
	refuses(t, b.exec(toPrimary), 4179, "log restore source is primary, switchover to primary is not allowed")
	require.Equal(t, "STANDBY/NORMAL", b.role())
	refuses(t, b.exec(toPrimary+" VERIFY"), 4179, "log restore source is primary")
	a.sys(toStandby + " VERIFY")
	require.Equal(t, "PRIMARY/NORMAL", a.role(), "VERIFY changes nothing")
	require.NoError(t, a.Server.Close())
	refuses(t, b.exec(toPrimary), 4179, "query primary failed(original error code: -2002)")
	a.open()
	b.sys("ALTER SYSTEM SET LOG_RESTORE_SOURCE = '' TENANT = orders")
	b.sys(toPrimary)
	require.Equal(t, "PRIMARY/NORMAL", b.role(), "without a source nothing is checked")
}

func TestAPromotionThatWaitsForADeadPrimaryStaysInItsState(t *testing.T) {
	a, b := pair(t, usual)
	b.turn("lag-orders", "1h")
	b.turn("delay-at-PREPARE SWITCHING TO PRIMARY", "1ms")
	a.write(1, 2)
	a.sys(toStandby)
	refuses(t, b.exec("SET SESSION ob_query_timeout = 400000", toPrimary), 4179, "wait tenant sync to latest failed(original error code: -4012)")
	require.Equal(t, "STANDBY/NORMAL", b.role())
	b.turn("lag-orders", "")
	b.turn("timeout-at-PREPARE SWITCHING TO PRIMARY", "on")
	refuses(t, b.exec(toPrimary), 4012, "Timeout")
	b.turn("lag-orders", "1h")
	require.NoError(t, a.Server.Close())
	b.turn("lag-orders", "")
	refuses(t, b.exec(activate), 4179, "switchover status not match")
	require.Equal(t, "STANDBY/PREPARE SWITCHING TO PRIMARY", b.role())
	a.open()
}

func TestOldServersParseVerifyAndCheckNothing(t *testing.T) {
	for version, checks := range map[Version]bool{"4.2.0.0": false, "4.2.1.8": true, "4.3.1.0": false, "4.3.3.0": true} {
		a, b := pair(t, version)
		b.turn("refuse-orders", "tenant status is not normal")
		err := b.exec(activate + " VERIFY")
		if checks {
			refuses(t, err, 4179, "tenant status is not normal, failover to primary is not allowed")
		} else {
			require.NoError(t, err, version)
		}
		require.Equal(t, "STANDBY/NORMAL", b.role())
		require.Equal(t, "PRIMARY/NORMAL", a.role())
	}
}

func TestTheConnectionMayEndWhileTheStatementGoesOn(t *testing.T) {
	_, b := pair(t, usual)
	b.turn("drop-at-ACCEPTED", "on")
	require.Error(t, b.exec(activate))
	b.until("the statement goes on", func() bool { return b.role() == "PRIMARY/NORMAL" })
}

func TestTwoStatementsAtOnceMakeOneRoleChange(t *testing.T) {
	_, b := pair(t, usual)
	b.turn("delay-at-PREPARE FLASHBACK", "150ms")
	first := make(chan error, 1)
	go func() { first <- b.exec(activate) }()
	b.until("the first has begun", func() bool { return b.role() == "STANDBY/PREPARE FLASHBACK" })
	b.turn("delay-at-PREPARE FLASHBACK", "")
	second := b.exec(activate)
	errs := []error{<-first, second}
	require.Equal(t, "PRIMARY/NORMAL", b.role())
	good := 0
	for _, err := range errs {
		if err == nil {
			good++
			continue
		}
		refuses(t, err, 4036, "Need retry")
	}
	require.GreaterOrEqual(t, good, 1)
	require.Equal(t, "1", b.one("SELECT COUNT(*) FROM oceanbase.CDB_OB_TENANT_EVENT_HISTORY WHERE EVENT = 'FAILOVER TO PRIMARY END' AND RET_CODE = 0"))
}

func TestAStuckStateEndsTheStatementAtItsTimeoutAndNothingElse(t *testing.T) {
	_, b := pair(t, usual)
	b.turn("stuck-at-SWITCHING TO PRIMARY", "on")
	begun := time.Now()
	refuses(t, b.exec("SET SESSION ob_query_timeout = 500000", activate), 4012, "500000(us)")
	require.Less(t, time.Since(begun), 5*time.Second)
	require.Equal(t, "STANDBY/SWITCHING TO PRIMARY", b.role())
	b.turn("stuck-at-SWITCHING TO PRIMARY", "")
	b.sys(activate)
	require.Equal(t, "PRIMARY/NORMAL", b.role())
}

func TestErrorsInAStateLeaveItBehind(t *testing.T) {
	for _, code := range []string{"4016", "4023", "4036", "4109"} {
		_, b := pair(t, usual)
		b.turn("error-at-FLASHBACK", code)
		n := map[string]uint16{"4016": 4016, "4023": 4023, "4036": 4036, "4109": 4109}[code]
		refuses(t, b.exec(activate), n, "")
		require.Equal(t, "STANDBY/FLASHBACK", b.role())
		b.sys(activate)
		require.Equal(t, "PRIMARY/NORMAL", b.role())
	}
}
