package texts

// table is every message. Keys are the simulator's own words.
var table = map[string]Text{
	"other": {"ERROR", 0, "%s", Unknown},
	"usage": {"ERROR", 0, "Usage error: %s", Unknown},

	// Reaching hosts and daemons.
	"daemon-down":    {"ERROR", 0, "Cannot connect to vradmind server; vradmind server might not be running.", Known},
	"kernel-down":    {"ERROR", 0, "Cannot connect to the configuration daemon.", Unknown},
	"unreachable":    {"ERROR", 479, "Host %s not reachable.", Known},
	"lost":           {"ERROR", 803, "Lost connection to host %s; terminating command execution.", Known},
	"unknown-host":   {"ERROR", 0, "Host %s is not part of the RDS of RVG %s.", Unknown},
	"busy":           {"ERROR", 0, "Another vradmin command is in progress for RVG %s.", Unknown},
	"not-simulated":  {"ERROR", 0, "The lab does not simulate the command %s.", Unknown},
	"config-error":   {"ERROR", 0, "RDS has a configuration error: host %s: %s", Unknown},
	"prompt-refused": {"ERROR", 0, "The command was not confirmed; nothing was changed.", Unknown},

	// Objects.
	"no-rvg":        {"ERROR", 0, "RVG %s does not exist in disk group %s.", Unknown},
	"no-dg":         {"ERROR", 0, "Disk group %s: No such disk group is imported.", Unknown},
	"no-volume":     {"ERROR", 0, "Volume %s does not exist.", Unknown},
	"no-rlink":      {"ERROR", 0, "RLINK %s does not exist.", Unknown},
	"rlink-exists":  {"ERROR", 0, "An RLINK to host %s already exists.", Unknown},
	"size-mismatch": {"ERROR", 0, "Data volume %s has different sizes on the Primary and on host %s.", Unknown},

	// Reading and writing volumes.
	"write-secondary": {"ERROR", 0, "Volume %s cannot be written: RVG %s is a Secondary.", Unknown},
	"write-acting":    {"ERROR", 0, "Volume %s cannot be written: RVG %s is an acting secondary.", Unknown},
	"write-stopped":   {"ERROR", 0, "Volume %s cannot be written: RVG %s is disabled for I/O.", Unknown},
	"write-closed":    {"ERROR", 0, "Volume %s is not open.", Unknown},
	"write-range":     {"ERROR", 0, "The write lies outside of volume %s.", Unknown},
	"srl-too-small":   {"ERROR", 0, "The write is larger than the SRL.", Unknown},

	// Wrong role or state.
	"not-primary":       {"ERROR", 0, "RVG %s is not a Primary RVG on host %s.", Unknown},
	"not-secondary":     {"ERROR", 0, "RVG %s is not a Secondary RVG on host %s.", Unknown},
	"is-primary":        {"ERROR", 0, "Takeover cannot be done on the Primary: RVG %s is already a Primary RVG.", Unknown},
	"primary-up":        {"ERROR", 0, "Cannot take over: the Primary on host %s is reachable.", Unknown},
	"inconsistent":      {"ERROR", 0, "The data of the Secondary RVG %s is inconsistent; it cannot take over.", Unknown},
	"no-dcm":            {"ERROR", 0, "Fast failback needs a DCM on every data volume; volume %s has none.", Unknown},
	"volumes-open":      {"ERROR", 0, "One or more data volumes of RVG %s are open on host %s.", Unknown},
	"target-open":       {"ERROR", 0, "Data volumes of RVG %s on host %s are open; the volumes of a target must be closed.", Unknown},
	"no-primaryprimary": {"ERROR", 0, "RVG %s has no Primary-Primary configuration error with host %s.", Unknown},
	"fast-failback":     {"ERROR", 0, "RVG %s was taken over with fast failback; use vradmin fbsync on the new Primary.", Unknown},
	"not-up-to-date":    {"ERROR", 0, "The RLINK of RVG %s to host %s is not up-to-date.", Unknown},
	"not-connected":     {"ERROR", 0, "The RLINK of RVG %s to host %s is not connected.", Unknown},
	"migrate-resync":    {"ERROR", 0, "The RLINK of RVG %s to host %s is logging to DCM; it is not up-to-date.", Unknown},
	"migrate-remote":    {"ERROR", 0, "Migrate failed on host %s; the original configuration was restored.", Unknown},
	"not-failback":      {"ERROR", 0, "RVG %s has no Secondary that needs failback synchronization.", Unknown},
	"not-acting":        {"ERROR", 0, "RVG %s on host %s is not an acting secondary, or has not been heard of yet.", Unknown},
	"not-overflow":      {"ERROR", 0, "RVG %s has no Secondary that needs DCM resynchronization.", Unknown},
	"already-primary":   {"ERROR", 0, "RVG %s is a Primary; it cannot be synchronized as a target.", Unknown},

	// Replication on and off.
	"attached":     {"ERROR", 0, "RLINK %s is already attached.", Unknown},
	"detached":     {"ERROR", 0, "Replication is not started: RLINK %s is detached.", Unknown},
	"other-active": {"ERROR", 0, "RLINK %s cannot be attached: another RLINK of the Secondary RVG is active.", Unknown},
	"paused":       {"ERROR", 0, "RLINK %s is already paused.", Unknown},
	"not-paused":   {"ERROR", 0, "RLINK %s is not paused.", Unknown},
	"still-on":     {"ERROR", 0, "Replication to host %s must be stopped first.", Unknown},
	"bad-source":   {"ERROR", 0, "The update does not come from the Primary that RLINK %s follows.", Unknown},
	"att-force":    {"WARNING", 12397, "This command should only be used if primary and all secondaries are already synchronized.", Known},
	"detected":     {"INFO", 3614, "Secondary data volumes detected with rvg %s as parent:", Published},
	"detected-vol": {"INFO", 0, "%s: len=%s primary_datavol=%s", Published},

	// Checkpoints.
	"cp-missing":    {"ERROR", 0, "Checkpoint %s does not exist.", Unknown},
	"cp-overflowed": {"ERROR", 0, "Checkpoint %s is invalid: Checkpoint overflowed.", Unknown},
	"cp-not-ended":  {"ERROR", 0, "Checkpoint %s is invalid: it has no end.", Unknown},
	"cp-exists":     {"ERROR", 0, "Checkpoint %s already exists.", Unknown},
	"cp-long":       {"ERROR", 0, "Checkpoint name %s is too long: at most 19 characters are allowed.", Unknown},
	"cp-full":       {"ERROR", 0, "Maximum number of checkpoints (46) exceeded for RVG %s; delete old checkpoints.", Unknown},
	"cp-none-open":  {"ERROR", 0, "RVG %s has no started checkpoint.", Unknown},
	"cp-in-use":     {"ERROR", 0, "Checkpoint %s is in use by RLINK %s.", Unknown},

	// vxrlink status.
	"up-to-date":  {"INFO", 4467, "Rlink %s is up to date", Known},
	"outstanding": {"INFO", 4640, "Rlink %s has %s outstanding writes, occupying %s Kbytes (%s%%) on the SRL", Published},
	"autosync":    {"INFO", 4464, "Rlink %s is in AUTOSYNC. %s Kbytes remaining.", Published},
	"dcm-in-use":  {"INFO", 4348, "DCM is in use on Rlink %s. DCM contains %s Kbytes.", Published},
	"stale":       {"INFO", 0, "Rlink %s is detached: the Secondary is stale.", Unknown},
	"updates":     {"INFO", 0, "Rlink %s: update ID %s", Unknown},

	// Synchronisation. The layout of the lines between is in the program.
	"sync-begin":      {"INFO", 2208, "Starting volume synchronization to remote", Known},
	"verify-begin":    {"INFO", 0, "Starting volume verification to remote", Unknown},
	"sync-source":     {"INFO", 2211, "    Source host:         %s", Known},
	"sync-hosts":      {"INFO", 2212, "    Destination host(s): %s", Known},
	"sync-volumes":    {"INFO", 2213, "    Total volumes:       %s", Known},
	"sync-size":       {"INFO", 2214, "    Total size:          %s", Known},
	"sync-end":        {"INFO", 2219, "VxRSync operation completed.", Known},
	"sync-time":       {"INFO", 2220, "Total elapsed time: %s", Known},
	"sync-attached":   {"ERROR", 2222, "[from host]: VxVM in.vxrsyncd ERROR V-5-36-2125 Server volume access error during [assign volids] volume path: [%s] reason: [this could be because a target volume is disabled or an rlink associated with a target volume is not detached during sync operation].", Known},
	"sync-cp-over":    {"ERROR", 0, "Checkpoint overflowed during the synchronization; checkpoint %s is invalid. Run the command again.", Unknown},
	"sync-cancelled":  {"ERROR", 0, "The synchronization was interrupted.", Unknown},
	"sync-other":      {"ERROR", 0, "Another synchronization writes to the volumes of RVG %s on host %s.", Unknown},
	"verify-running":  {"ERROR", 0, "Volumes cannot be verified while replication to host %s is running; pause or stop it.", Unknown},
	"verify-same":     {"INFO", 0, "The volumes are verified as identical.", Known},
	"verify-differ":   {"INFO", 0, "Verification of the remote volumes found differences.", Known},
	"fault-migration": {"ERROR", 0, "The RVG %s on host %s could not be converted.", Unknown},
}
