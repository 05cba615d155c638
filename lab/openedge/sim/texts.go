package sim

// This file is the one table of what the programs say. The number decides; the
// words of a message changed from release to release, and those marked
// unconfirmed are in no public source at all.

// Tools.
var (
	msgNoDLC        = text{0, "The DLC environment variable is not set correctly - Please set your DLC variable.", unconfirmed}
	msgBanner       = text{0, "OpenEdge Release %s as of Wed Jan 10 18:00:00 EST 2024", unconfirmed}
	msgUsage        = text{0, "Usage: %s", unconfirmed}
	msgSystemError  = text{0, "SYSTEM ERROR: %s", unconfirmed}
	msgCannotOpen   = text{43, "** Cannot find or open file %s, errno = %d.", unconfirmed}
	msgCannotCreate = text{0, "** Cannot create extent %s, errno = %d.", unconfirmed}
	msgNoDatabase   = text{1432, "Database %s not found.", unconfirmed}
	msgMultiUser    = text{276, "** The database %s is in use in multi-user mode.", observed}
	msgSingleUser   = text{263, "** The database %s is in use in single-user mode.", observed}
	msgNoServer     = text{1423, "There is no server for database %s.", unconfirmed}
	msgVoid         = text{0, "Database %s is void: restore a backup into it.", unconfirmed}
	msgWrongBlock   = text{1124, "SYSTEM ERROR: Wrong dbkey in block. Found dbkey %d, should be %d in area %d.", unconfirmed}
	msgShuttingDown = text{0, "The database is shutting down.", unconfirmed}
	msgGap          = text{0, "The next transaction is %d, not %d.", unconfirmed}
	msgRedoBegin    = text{0, "Begin Physical Redo Phase: %d notes.", unconfirmed}
	msgRedoEnd      = text{0, "Physical Redo Phase Completed.", unconfirmed}
)

// Backup and restore.
var (
	msgActiveBlocks         = text{6686, "%d active blocks out of %d blocks in %s will be dumped.", observed}
	msgBIBlocks             = text{6688, "%d bi blocks will be dumped.", observed}
	msgBackupNeeds          = text{9285, "Backup requires an estimated %s of media.", observed}
	msgRestoreNeeds         = text{9286, "Restore would require an estimated %d db blocks using %s of media.", observed}
	msgEstimateDone         = text{3739, "Backup estimate complete.", observed}
	msgBackupProgress       = text{0, "Backed up %d of %d blocks in %s", unconfirmed}
	msgBackedUp             = text{0, "Backed up %d blocks in %s", observed}
	msgWrote                = text{13625, "Wrote a total of %d backup blocks using %s of media.", observed}
	msgBackupComplete       = text{3740, "Backup complete.", observed}
	msgBackupRunning        = text{0, "An online backup is running already.", unconfirmed}
	msgDiskFull             = text{0, "Insufficient disk space during backup, device %s", unconfirmed}
	msgBackupStarted        = text{1362, "Full backup started.", observed}
	msgBackupEnded          = text{1364, "Full backup successfully completed.", observed}
	msgIncrStarted          = text{1361, "Incremental backup started.", observed}
	msgIncrEnded            = text{1363, "Incremental backup successfully completed.", observed}
	msgBackupBIBegin        = text{5459, "Begin backup of Before Image file(s).", observed}
	msgBackupBIEnd          = text{5460, "End backup of Before Image file(s).", observed}
	msgBackupDBBegin        = text{5461, "Begin backup of Data file(s).", observed}
	msgBackupDBEnd          = text{5462, "End backup of Data file(s).", observed}
	msgBackupTo             = text{12850, "Backup blocks will be written to %s.", observed}
	msgNotABackup           = text{0, "The file %s is no backup of a database.", unconfirmed}
	msgVolumeOf             = text{6759, "This is %s of %s.", observed}
	msgVolumeTaken          = text{6760, "This backup was taken %s.", observed}
	msgVolumeNeeds          = text{6763, "It will require a minimum of %d blocks to restore.", observed}
	msgVolumeEnds           = text{0, "Unexpected end of volume: the backup is not whole.", unconfirmed}
	msgBadCRC               = text{0, "CRC error in the backup at block %d.", unconfirmed}
	msgVerifyStarted        = text{3751, "Verify pass started.", observed}
	msgVerifyDiffers        = text{0, "Block %d of area %d differs from the database.", unconfirmed}
	msgFullVerifyDone       = text{3758, "Full verify successful.", observed}
	msgVerifiedOK           = text{6758, "Backup for %s verified ok.", observed}
	msgRead                 = text{0, "Read %d blocks in %s", observed}
	msgExtending            = text{15681, "Restore is extending Storage Area %d by %d blocks.", observed}
	msgExtendFailed         = text{6743, "Unable to extend data files enough to proceed.", documented}
	msgRestoreFailed        = text{1618, "Restore failed.", documented}
	msgRestoreUtilityFailed = text{8564, "!!! ERROR - Database restore utility FAILED !!!", documented}
	msgRestoreStarted       = text{1368, "Full restore started from %s.", observed}
	msgRestoreEnded         = text{1369, "Full restore completed.", observed}
	msgRestoreReplicated    = text{0, "The database %s is enabled for OpenEdge Replication as %s: it cannot be restored.", unconfirmed}
	msgOverwrite            = text{0, "%s already exists. Do you want to over write it? [y/n]: ", unconfirmed}
	msgNotOverwritten       = text{0, "The database was not overwritten.", unconfirmed}
	msgIncrFirst            = text{0, "An incremental backup cannot be restored before its full backup.", unconfirmed}
	msgWrongRelease         = text{0, "The backup is of release %s, this is %s.", unconfirmed}
	msgBlockSize            = text{0, "The database has the block size %d, the backup %d.", unconfirmed}
	msgAreaMissing          = text{0, "The structure has no area %d (%s) of the backup.", unconfirmed}
	msgAreaDiffers          = text{0, "The area %d (%s) of the structure differs from the backup's.", unconfirmed}
	msgDelete               = text{0, "prodel: delete the database %s? [y/n]: ", unconfirmed}
	msgNotDeleted           = text{0, "The database was not deleted.", unconfirmed}
	msgDeleted              = text{0, "The database %s was deleted.", unconfirmed}
	msgBadStructure         = text{0, "Line %d of the structure file is not valid: %s", unconfirmed}
	msgExistsAlready        = text{0, "%s already exists.", unconfirmed}
)

// After-imaging.
var (
	msgAISwitched      = text{3777, "Switched to ai extent %s.", observed}
	msgAIFile          = text{3778, "This is after-image file number %d since the last AIMAGE BEGIN.", observed}
	msgAIEmptied       = text{3789, "Marked after-image extent %s EMPTY.", observed}
	msgAIArchived      = text{13154, "Marked after-image extent %s ARCHIVED.", observed}
	msgAICopied        = text{13199, "After-image extent %s has been copied to %s.", observed}
	msgAIUnlocked      = text{11805, "Unlocking after-image extent %d and locking all FULL extents from %d.", observed}
	msgAINotEmpty      = text{0, "Cannot switch to after-image extent %s: it is not empty.", unconfirmed}
	msgAIStall         = text{0, "Database activity is stalled: no after-image extent is empty.", unconfirmed}
	msgAIOnAlready     = text{0, "After-imaging is enabled already.", unconfirmed}
	msgAIOff           = text{0, "After-imaging is not enabled.", unconfirmed}
	msgNotMarked       = text{0, "The database must be backed up before after-imaging can begin.", unconfirmed}
	msgNoAIExtents     = text{0, "The database has no after-image extents.", unconfirmed}
	msgMarked          = text{0, "The database was marked as backed up.", unconfirmed}
	msgAIBegun         = text{0, "After-imaging was enabled.", unconfirmed}
	msgAIEnded         = text{0, "After-imaging was disabled.", unconfirmed}
	msgAINew           = text{0, "The after-image extent was switched.", unconfirmed}
	msgAIEmptyDone     = text{0, "The after-image extent was emptied.", unconfirmed}
	msgArchiverOn      = text{0, "After-image file management was enabled.", unconfirmed}
	msgArchiverOff     = text{0, "After-image file management was disabled.", unconfirmed}
	msgInterval        = text{0, "The archive interval was set.", unconfirmed}
	msgArchiverManages = text{0, "Extents cannot be emptied while after-image file management is on.", unconfirmed}
	msgAIIsLocked      = text{0, "The after-image extent %s is LOCKED: replication still needs it.", unconfirmed}
	msgNoFullExtent    = text{0, "No after-image extent is full.", unconfirmed}
)

// Broker.
var (
	msgSessionBegin     = text{333, "Multi-user session begin.", observed}
	msgSessionEnd       = text{334, "Multi-user session end.", observed}
	msgNormalShutdown   = text{2248, "Begin normal shutdown.", observed}
	msgAbnormal         = text{2249, "Begin ABNORMAL shutdown code 2.", observed}
	msgEmergency        = text{5316, "Emergency shutdown initiated.", observed}
	msgShutdownBy       = text{542, "Server shutdown started by %s.", observed}
	msgConnectionsOpen  = text{10471, "Database connections have been enabled.", observed}
	msgNotYet           = text{10545, "Database connections are not allowed until database services initialise.", observed}
	msgNotNow           = text{10836, "Database connections are not allowed at this time.", observed}
	msgReadOnly         = text{10535, "Enhanced read-only mode has been enabled.", observed}
	msgServices         = text{13869, "The following database services will be started: %s.", observed}
	msgPica             = text{13870, "Database service manager queue size (-pica): %d.", observed}
	msgEnabledAs        = text{13875, "The database is enabled for OpenEdge Replication as %s.", observed}
	msgServiceMismatch  = text{0, "The service %s cannot be started: the database is %s.", unconfirmed}
	msgSourceNeedsAI    = text{0, "The source database %s must have after-imaging enabled.", unconfirmed}
	msgPortTaken        = text{0, "The port %s cannot be used.", unconfirmed}
	msgNoBroker         = text{0, "The server for %s did not start.", unconfirmed}
	msgNoEnd            = text{0, "The server for %s did not end.", unconfirmed}
	msgBrokerStarts     = text{0, ": Multi-user server started for %s.", unconfirmed}
	msgShutdownMenu     = text{0, "1  Disconnect a User\n2  Unconditional Shutdown\n3  Emergency Shutdown (Kill All)\nx  Exit\n\nEnter choice> ", unconfirmed}
	msgShutdownDone     = text{1614, "Shutdown complete.", unconfirmed}
	msgAllSent          = text{20258, "All after-image blocks have been sent to the targets.", observed}
	msgAllTargetsSynced = text{20257, "All connected targets are synchronised.", observed}
	msgSyncTimeout      = text{0, "The time for synchronisation is over. Extend it (e) or force the shutdown (f)? ", unconfirmed}
	msgSyncAbandoned    = text{0, "Source and target are not synchronised; the database goes on.", unconfirmed}
)

// Replication.
var (
	msgEnabledAlready    = text{0, "The database %s is enabled for OpenEdge Replication already, as %s.", unconfirmed}
	msgEnabled           = text{0, "The database %s was enabled for OpenEdge Replication as %s.", unconfirmed}
	msgDisabled          = text{0, "OpenEdge Replication was disabled for the database %s as %s.", unconfirmed}
	msgDisabledShort     = text{0, "OpenEdge Replication was disabled.", unconfirmed}
	msgNotEnabled        = text{0, "The database %s is not enabled for OpenEdge Replication as %s.", unconfirmed}
	msgNotReplicated     = text{0, "The database %s is not enabled for OpenEdge Replication.", unconfirmed}
	msgNotOpened         = text{0, "The database %s could not be opened.", unconfirmed}
	msgNoProperties      = text{0, "The properties file %s cannot be read.", unconfirmed}
	msgBadProperty       = text{0, "Line %d of %s is no property.", unconfirmed}
	msgNoSection         = text{0, "The properties file has no section [%s].", unconfirmed}
	msgNoProperty        = text{0, "The property %s is missing in the section [%s].", unconfirmed}
	msgNoAgents          = text{0, "The property control-agents names no agent.", unconfirmed}
	msgTooManyAgents     = text{0, "At most two agents are allowed, not %d.", unconfirmed}
	msgBadAgent          = text{0, "The agent name %s is not allowed.", unconfirmed}
	msgNoAgentSection    = text{0, "The control agent %s is not configured.", unconfirmed}
	msgAutoNeedsCritical = text{0, "transition=auto needs critical=1.", unconfirmed}
	msgPropertiesRead    = text{10819, "The properties file has been processed.", observed}
	msgRecoveryStale     = text{0, "The recovery information in %s belongs to another database.", unconfirmed}
	msgNoRecovery        = text{0, "There is no %s recovery information for %s.", unconfirmed}
	msgServerStarted     = text{10500, "The Replication Server started as PID %d.", observed}
	msgServerRunning     = text{0, "The Replication Server is running already.", unconfirmed}
	msgServerNotRunning  = text{0, "The Replication Server of %s is not running.", unconfirmed}
	msgConnecting        = text{10842, "Connecting to Replication Agent %s at %s.", observed}
	msgConnected         = text{10507, "The Replication Server connected to the Replication Agent %s on host %s.", observed}
	msgAllConnected      = text{11251, "The Replication Server connected to all configured Replication Agents.", observed}
	msgSyncBegin         = text{10508, "Beginning synchronisation with agent %s.", observed}
	msgSynchronised      = text{10436, "The source and target databases on %s are synchronised.", observed}
	msgRecovering        = text{10661, "The Replication Server is beginning recovery for agent %s.", observed}
	msgAgentGone         = text{0, "The agent %s was not reached in time.", unconfirmed}
	msgAgentTerminated   = text{10700, "The agent %s is being terminated.", observed}
	msgAllAgentsEnded    = text{10702, "All agents have been terminated or have ended.", observed}
	msgSourceStaysActive = text{10698, "The Replication Server will be shut down but the source database will remain active.", observed}
	msgServerEnding      = text{10505, "The Replication Server is ending.", observed}
	msgServerShutting    = text{10485, "The Replication Server is shutting down.", observed}
	msgServerShut        = text{10486, "The Replication Server shutdown is complete.", observed}
	msgAgentStarted      = text{10501, "The Replication Agent started as PID %d.", observed}
	msgAgentRunning      = text{0, "The Replication Agent is running already.", unconfirmed}
	msgAgentNotRunning   = text{0, "The Replication Agent of %s is not running.", unconfirmed}
	msgReplicatedFrom    = text{10392, "The database is being replicated from the database on host %s.", observed}
	msgAgentSync         = text{10489, "The agent is beginning startup synchronisation at block %d.", observed}
	msgAgentNormal       = text{10490, "The agent is beginning normal processing at block %d.", observed}
	msgAgentSynced       = text{10668, "The agent is synchronised with the source.", observed}
	msgServerGone        = text{12688, "The Replication Server was terminated or the source database was shut down. The agents will enter PRE-TRANSITION.", observed}
	msgAgentShutting     = text{10482, "The Replication Agent is shutting down.", observed}
	msgAgentShut         = text{10483, "The Replication Agent shutdown is complete.", observed}
	msgAgentEnding       = text{10506, "The Replication Agent is ending.", observed}
	msgUnexpected        = text{10504, "Unexpected error: %s", observed}
	msgTargetBackup      = text{14256, "The replication server has been notified of the online backup.", observed}
	msgTargetBackupEnded = text{14258, "The online backup completed normally.", observed}
	msgBISaved           = text{15108, "The before-image was saved: the agent begins recovery synchronisation.", observed}
	msgSeedSpoiled       = text{10440, "The target of agent %s was not made from the last backup of the source.", documented}
	msgSeedCounter       = text{11696, "Another backup or quiet point came after the one for agent %s.", documented}
	msgAgentMismatch     = text{0, "The agent %s has another name.", unconfirmed}
	msgFormMismatch      = text{0, "The target of agent %s differs in areas, block size or release.", unconfirmed}
	msgEmergencyTarget   = text{0, "The target of agent %s was stopped by an emergency shutdown and cannot be resynchronised.", unconfirmed}
	msgDiverged          = text{0, "The target of agent %s has transactions that the source does not have.", unconfirmed}
	msgNewBaseline       = text{0, "The target of agent %s needs a new baseline: replication-set is 0.", unconfirmed}
	msgSmaller           = text{0, "The start argument %s of the target is smaller than the source's.", unconfirmed}
	msgNextVolume        = text{0, "\nThe volume is full. Enter the next device or file name, or quit: ", unconfirmed}
	msgOneVolume         = text{0, "The backup was abandoned.", unconfirmed}
	msgNotesGone         = text{0, "The after-image notes from transaction %d on are gone.", unconfirmed}
	msgNotesGoneFor      = text{0, "The after-image notes that agent %s needs are gone.", unconfirmed}
	msgRunsAlready       = text{0, "The replication %s is running already; it was not restarted.", unconfirmed}
	msgRestarted         = text{0, "The replication %s was restarted.", unconfirmed}
	msgTerminateAsked    = text{0, "The termination was requested.", unconfirmed}
	msgConnectAsked      = text{0, "The connection was requested.", unconfirmed}
	msgUnreachable       = text{0, "The agent %s at %s cannot be reached.", unconfirmed}
	msgVerifyErrors      = text{0, "The verification found %d errors.", unconfirmed}
	msgVerifyGood        = text{0, "The verification found no errors.", unconfirmed}
	msgMonitorTitle      = text{0, "OpenEdge Replication Monitor", unconfirmed}
	msgMonitorPage       = text{0, "RETURN - repeat, U - continue uninterrupted, Q - quit", observed}
)

// Transition.
var (
	msgNotPreTransition  = text{0, "The agent %s is not in PRE-TRANSITION.", unconfirmed}
	msgTalksToServer     = text{0, "The agent %s is communicating with its server.", unconfirmed}
	msgManualOnly        = text{0, "Extents can be applied with transition=manual only.", unconfirmed}
	msgNotAnExtent       = text{0, "The file %s is no after-image extent.", unconfirmed}
	msgForeignExtent     = text{0, "The extent %s belongs to another history of the database.", unconfirmed}
	msgExtentApplied     = text{0, "The after-image extent %s (file number %d) was applied.", unconfirmed}
	msgApplied           = text{0, "The after-image extent was applied.", unconfirmed}
	msgTriggered         = text{0, "The agent is in PRE-TRANSITION.", unconfirmed}
	msgNewlyTransitioned = text{0, "The database %s is newly enabled or newly transitioned.", unconfirmed}
	msgOnlyFailover      = text{0, "The source database %s is online: only a failover transition is possible.", unconfirmed}
	msgNotTalking        = text{0, "The server is not in normal processing with the agent %s.", unconfirmed}
	msgNotReady          = text{0, "The agent %s is not ready to become the source.", unconfirmed}
	msgOutcomeUnknown    = text{0, "The outcome on the side of agent %s is not known.", unconfirmed}
	msgStepFails         = text{0, "The step \"%s\" failed.", unconfirmed}
	msgRoleSwitched      = text{0, "The database role is now %s.", unconfirmed}
	msgTransitionDone    = text{0, "The Transition of this database has completed normally.", documented}
	msgTransitionFailed  = text{0, "The Transition of this database has failed.", unconfirmed}
)
