package oceanbase

import (
	"errors"
	"strings"

	"github.com/switchback-dr/switchback/dr"
)

// meaning is what a server's answer to a role statement means for us.
type meaning int

const (
	// unclear: the statement may have moved the tenant half-way. The view is
	// read, then the same statement is sent again, which resumes.
	unclear meaning = iota
	// busy: another procedure of the server is in the way for a while.
	busy
	// refused: the server checked and said no; nothing was changed by it.
	refused
	// satisfied: what was asked for is so already.
	satisfied
)

// numbers say what an error number means for a statement (error codes of the
// manual's MySQL mode, "Error code" reference). A number that is not here is
// unclear.
var numbers = map[uint16]meaning{
	4179: refused, // operation not allowed
	4012: unclear, // timeout of the query
	4016: unclear, // internal error
	4036: unclear, // need retry: the role's epoch moved
	4023: unclear, // try again
	4109: unclear, // state not match, seen under load
	4038: unclear, // not the master
	4654: unclear, // location leader does not exist
	4770: busy,    // clone, upgrade or transfer in progress
	1235: refused, // not supported
	1210: refused, // incorrect arguments
	1227: refused, // access denied
	1142: refused,
	1044: refused,
	1045: refused,
	1064: refused, // this version does not know the statement
	5157: refused, // unknown tenant
	5156: refused, // tenant exists
	5260: refused, // tenant is locked
	4688: refused, // standby tenant is read only
	4765: refused, // create standby tenant may fail
	4672: refused, // replica num not enough
	9088: refused, // source tenant state not match
	9089: refused, // source LS state not match
	9096: refused, // standby's binary is older
	9097: refused, // primary tenant has been dropped
	9091: satisfied,
	9092: satisfied,
}

// reasons say what to do about a refusal. Wording differs between versions: they
// are matched on keywords, and the server's own text is always shown.
var reasons = []struct {
	keywords []string
	next     string
	replan   bool
}{
	{[]string{"wait tenant sync to latest"}, "the standby has not all log within the time: look at SYNC_STATUS of V$OB_LS_LOG_RESTORE_STATUS and the network to the source; then retry, which resumes", false},
	{[]string{"query primary failed", "-1045"}, "the replication user's password is refused at the source: set LOG_RESTORE_SOURCE anew; then retry", false},
	{[]string{"query primary failed"}, "the source tenant does not answer the standby, or its user lacks grants: look at the replication user there; then retry", false},
	{[]string{"user account is locked"}, "unlock the replication user in the source tenant; then retry", false},
	{[]string{"primary tenant is locked"}, "unlock the source tenant (ALTER TENANT ... UNLOCK); then retry", false},
	{[]string{"switchover status", "match"}, "another change of roles is half-way: read SWITCHOVER_STATUS in DBA_OB_TENANTS and let the statement that was started finish; then replan", true},
	{[]string{"log restore source", "normal switchover"}, "the source tenant is within a change of roles: finish it; then retry", false},
	{[]string{"log restore source is primary"}, "the source is still primary: it must be switched to standby first; replan", true},
	{[]string{"log restore source", "not in normal"}, "the source tenant's status is not NORMAL: see to it; then retry", false},
	{[]string{"source tenant state"}, "the source is not a standby in status NORMAL: switch it first; then retry", false},
	{[]string{"source ls state"}, "a log stream of the source still accepts writes: wait until its switch to standby is complete; then retry", false},
	{[]string{"recovery_until_scn", "changed"}, "RECOVERY_UNTIL_SCN is not unlimited: ALTER SYSTEM RECOVER STANDBY ... UNTIL UNLIMITED; then retry", false},
	{[]string{"recovery_until_scn"}, "RECOVERY_UNTIL_SCN is not unlimited: ALTER SYSTEM RECOVER STANDBY ... UNTIL UNLIMITED; then retry", false},
	{[]string{"temporary offline"}, "start the server again, or wait until server_permanent_offline_time is over for it; then retry", false},
	{[]string{"permanent offline"}, "wait until the server's replicas are removed (at least twice balancer_idle_time), or start it again; then retry", false},
	{[]string{"without leader"}, "a log stream has no leader: bring a majority of its replicas back; then retry", false},
	{[]string{"tenant status", "concurrent"}, "somebody else changes this tenant: find out who; then retry", false},
	{[]string{"tenant status"}, "the tenant's status is not NORMAL: read STATUS in DBA_OB_TENANTS; then retry", false},
	{[]string{"tenant role"}, "the tenant has another role than the plan expects; replan", true},
	{[]string{"recover cancel"}, "the end of recovery could not be set: look at the server's log; then retry", false},
	{[]string{"restore data mode"}, "the tenant was restored without copying its data: it cannot become primary; choose another site", true},
	{[]string{"log restore source", "itself"}, "the source is the tenant itself: correct source_addresses; replan", true},
	{[]string{"same cluster id"}, "both clusters have the same cluster_id: change one", false},
	{[]string{"parse log restore source"}, "correct source_addresses, replication_user and its password in the inventory; replan", true},
	{[]string{"ip list"}, "correct source_addresses in the inventory: addresses, not names; replan", true},
	{[]string{"access the log restore source"}, "the servers do not reach the archive's location: look at the path and its rights; then retry", false},
}

// byNumber is the advice where the text gives none.
var byNumber = map[uint16]string{
	1227: "the login lacks a privilege: use root of sys, or grant it; then retry",
	1142: "the login lacks a privilege: grant SELECT on oceanbase.*; then retry",
	1064: "this version does not know the statement: replan, or use a version that has it",
	1235: "this version or tenant does not support the statement: look at COMPATIBLE in DBA_OB_TENANTS",
	5260: "unlock the tenant (ALTER TENANT ... UNLOCK); then retry",
	5157: "the tenant is not there: correct its name in the inventory; replan",
	5156: "a tenant of this name exists: replan",
	4672: "the resource pool has too few servers for the locality: correct resource_pool or locality; replan",
	9096: "upgrade the standby's cluster to the primary's version; then retry",
	9097: "the primary tenant has been dropped: clear LOG_RESTORE_SOURCE by hand only when you know why; replan",
}

// meaningOf judges the error of a statement.
func meaningOf(err error) meaning {
	var se *serverError
	if err == nil || !errors.As(err, &se) {
		return unclear
	}
	return numbers[se.Number]
}

// refusal makes the hold of a refused statement, with the server's own reason.
func (p Place) refusal(what string, err error) *dr.Error {
	var se *serverError
	if !errors.As(err, &se) {
		return dr.HoldUnknown("answer_lost", "%s: the answer to %s was lost", p.Site, what).Because(err)
	}
	de := dr.Hold("refused", "%s refuses %s: %s", p.Site, what, se.Error())
	de.Next = byNumber[se.Number]
	text := strings.ToLower(se.Text)
	for _, r := range reasons {
		if containsAll(text, r.keywords) {
			de.Next, de.Replan = r.next, r.replan
			break
		}
	}
	if de.Next == "" {
		de.Next = "read the server's reason; then retry, or replan"
	}
	return de.Because(err)
}

// waits says whether a refusal only tells that the log is not all there yet.
func waits(err error) bool {
	var se *serverError
	return errors.As(err, &se) && strings.Contains(strings.ToLower(se.Text), "wait tenant sync to latest")
}

func containsAll(text string, words []string) bool {
	for _, w := range words {
		if !strings.Contains(text, w) {
			return false
		}
	}
	return true
}
