package observer

import (
	"fmt"

	"github.com/switchback-dr/switchback/lab/oceanbase/obsql"
)

// confidence says how sure a text is.
type confidence string

const (
	fromSource confidence = "server source"
	fromManual confidence = "vendor documentation"
	unsure     confidence = "no public source: configurable, match by meaning only"
)

// text is one message of the server.
type text struct {
	code  uint16
	state string
	form  string
	from  confidence
}

// The messages of the server: the only place of their texts.
var (
	notAllowed       = text{4179, "HY000", "%s not allowed", fromSource}
	timedOut         = text{4012, "HY000", "Timeout, query has reached the maximum query timeout: %d(us), maybe you can adjust the session variable ob_query_timeout or query_timeout hint, and try again.", fromSource}
	internalError    = text{4016, "HY000", "Internal error", fromSource}
	needRetry        = text{4036, "HY000", "Need retry", fromSource}
	tryAgain         = text{4023, "HY000", "Try again", fromSource}
	stateNotMatch    = text{4109, "HY000", "Server state or role not the same as expected", fromSource}
	notMaster        = text{4038, "HY000", "The observer or zone is not the master", fromSource}
	noLeader         = text{4654, "HY000", "location leader not exist", fromSource}
	entryNotExist    = text{4018, "HY000", "Entry not exist", fromSource}
	entryExist       = text{4017, "HY000", "Entry already exist", fromSource}
	notSupported     = text{1235, "0A000", "%s not supported", fromSource}
	badArguments     = text{1210, "HY000", "Incorrect arguments to %s", fromSource}
	accessDenied     = text{1045, "42000", "Access denied for user '%s'@'%s' (using password: %s)", fromSource}
	noPrivilege      = text{1227, "42501", "Access denied; you need (at least one of) the %s privilege(s) for this operation", fromSource}
	selectDenied     = text{1142, "42000", "SELECT command denied to user '%s'@'%%' for table '%s'", fromSource}
	unknownTenant    = text{5157, "HY000", "Unknown tenant '%s'", fromManual}
	badLoginTenant   = text{5160, "HY000", "invalid tenant name specified in connection string", fromManual}
	tenantExists     = text{5156, "HY000", "tenant '%s' already exist", fromManual}
	tenantLocked     = text{5260, "HY000", "Tenant '%s' is locked", fromManual}
	userLocked       = text{3118, "HY000", "User locked", fromManual}
	clusterNoMatch   = text{4666, "HY000", "cluster name does not match", unsure}
	standbyReadOnly  = text{4688, "HY000", "standby tenant is read only", fromManual}
	createStandby    = text{4765, "HY000", "create standby tenant may fail, %s", fromManual}
	replicaNum       = text{4672, "HY000", "replica num not enough", fromManual}
	sourceNotStandby = text{9088, "HY000", "log restore source tenant state not match, switchover to primary not allowed", fromSource}
	sourceNotRaw     = text{9089, "HY000", "log restore source LS state not match, switchover to primary not allowed", fromSource}
	alreadyArchiving = text{9091, "HY000", "Already in ARCHIVELOG mode", fromManual}
	alreadyNot       = text{9092, "HY000", "Already in NOARCHIVELOG mode", fromManual}
	standbyTooOld    = text{9096, "HY000", "standby binary version is lower than primary", fromManual}
	primaryDropped   = text{9097, "HY000", "primary tenant has been dropped", fromManual}
	inProcedure      = text{4770, "HY000", "Tenant (%d) is in %s procedure, %s not allowed now", fromManual}
	wrongPassword    = text{9040, "HY000", "backup set password is wrong", unsure}
	noBackup         = text{9049, "HY000", "no backup set can be restored from the location", unsure}
	poolMissing      = text{4626, "HY000", "resource pool '%s' not exist", unsure}
	poolUsed         = text{4628, "HY000", "resource pool '%s' has already been granted to a tenant", unsure}
	unitMissing      = text{4625, "HY000", "resource unit '%s' not exist", unsure}
	noTable          = text{1146, "42S02", "Table '%s' doesn't exist", fromSource}
	noDatabase       = text{1049, "42000", "Unknown database '%s'", fromSource}
	noDatabaseNow    = text{1046, "3D000", "No database selected", fromSource}
	noSuchColumn     = text{1054, "42S22", "Unknown column '%s' in 'field list'", fromSource}
	tableThere       = text{1050, "42S01", "Table '%s' already exists", fromSource}
	databaseThere    = text{1007, "HY000", "Can't create database '%s'; database exists", fromSource}
	noSuchUser       = text{1141, "42000", "There is no such grant defined for user '%s' on host '%%'", fromSource}
	parseError       = text{1064, "42000", "You have an error in your SQL syntax; check the manual that corresponds to your OceanBase version for the right syntax to use near '%s'", fromSource}
)

// with fills the message.
func (t text) with(a ...any) *obsql.Error {
	return &obsql.Error{Code: t.code, State: t.state, Text: fmt.Sprintf(t.form, a...)}
}

// Kinds of role changes, as refusals name them. The last word of the text is
// "not allowed"; newer versions put "is" before it.
const (
	intoPrimary = "switchover to primary"
	intoStandby = "switchover to standby"
	failover    = "failover to primary"
)

// refused is the 4179 of a role change: "REASON, switchover to primary is not
// allowed". Texts before 4.2.1 lack the "is".
func refused(v Version, kind, reason string) *obsql.Error {
	is := " is"
	if !v.AtLeast("4.2.1.0") {
		is = ""
	}
	return notAllowed.with(reason + ", " + kind + is)
}

// The reasons of refusals (server source, and the page on switchover errors of
// V4.2.5).
const (
	statusNotNormal    = "tenant status is not normal"
	switchoverNotMatch = "switchover status not match"
	untilInvalid       = "recovery_until_scn is invalid"
	untilNotMax        = "recovery_until_scn is not max_scn"
	untilChanged       = "recovery_until_scn has been changed"
	notPrimary         = "tenant role is not PRIMARY"
	temporarilyOffline = "the tenant has units on temporary offline servers"
	permanentReplica   = "the tenant has LS replicas on at least one of the permanent offline servers"
	leaderless         = "the tenant has LS replicas without leader"
	concurrentChange   = "tenant status changed by concurrent operation"
	sourceIsPrimary    = "log restore source is primary"
	sourceStatus       = "log restore source is not in normal status"
	sourceSwitchover   = "log restore source is not in normal switchover status"
	waitSync           = "wait tenant sync to latest failed(original error code: %d)"
	queryPrimary       = "query primary failed(original error code: %d)"
	accountLocked      = "primary tenant's user account is locked"
	primaryLocked      = "primary tenant is locked"
	remoteData         = "Tenant restore data mode is remote. Operation"
	recoverCancel      = "recover cancel failed"
)

// Reasons are all reasons of a refused role statement, for the fault switch
// that lets a server refuse with one of them.
var Reasons = []string{
	statusNotNormal, switchoverNotMatch, untilInvalid, untilNotMax, untilChanged, notPrimary, temporarilyOffline, permanentReplica, leaderless,
	concurrentChange, sourceIsPrimary, sourceStatus, sourceSwitchover, fmt.Sprintf(waitSync, -4012), fmt.Sprintf(queryPrimary, -2002),
	fmt.Sprintf(queryPrimary, -1045), accountLocked, primaryLocked, remoteData, recoverCancel,
}

// Reasons of refused RECOVER statements (server source; the doubled word is the
// product's).
const (
	notStandby    = "tenant role is not STANDBY"
	recoverTooLow = "recover before tenant sync_scn sync_scn is"
)

// What is wrong with a LOG_RESTORE_SOURCE, as its refusals name it (server
// source of ob_log_restore_config). Which of them a source gets that cannot be
// reached, or that does not let the standby in, no public source says.
const (
	badSourceText     = "parse log restore source config, please check the config parameters"
	badSourceList     = "set ip list config, please check the length and format of ip list"
	badSourceUser     = "set user config, please check the length and format of username, tenant name"
	badSourcePassword = "set password config, please check the length and format of password"
	badSourceLocation = "access the log restore source location"
	sourceItself      = "set standby itself as log restore source"
	tenantItself      = "set tenant itself as log restore source is"
	sameClusterID     = "different cluster with same cluster id is"
)

// Reasons that are documented in substance only: their wording has no public
// source. Match by meaning.
const (
	flashbackSource = "log restore source is not empty"
	flashbackPaused = "tenant sync_scn not equal to recovery_until_scn"
	flashbackTooLow = "flashback_log_scn is smaller than tenant sync_scn"
	archiveNoDest   = "log archive dest is not set, archivelog is"
	archiveForeign  = "the archive destination belongs to another tenant, archivelog is"
	archiveRunning  = "log archive is running, set log_archive_dest is"
	backupNoDest    = "data backup dest is not set, backup is"
	backupNoArchive = "log archive is not doing, start backup is"
	backupRunning   = "another backup of the tenant is running, start backup is"
)
