package instance

// Confidence says how well a text is known.
type Confidence string

// Confidences.
const (
	// Seen: the text stands in a public transcript or program.
	Seen Confidence = "seen"
	// Meaning: that it is refused is public; the words are the lab's own.
	Meaning Confidence = "meaning"
)

// Wording is one text with its confidence and where it is from.
type Wording struct {
	Text       string
	Confidence Confidence
	Source     string
}

// Wordings are all texts of refusals and details that the simulated programs
// print. Nothing outside this table words a refusal of HANA's.
var Wordings = map[string]Wording{
	"no-backup": {
		"error: system replication prerequisite check failed;exception 3000302: Backup has not yet been executed on primary system! Please backup primary system.\n;", Seen,
		"transcripts of an installation; the exit code is not known",
	},
	"must-be-shut-down": {"error: system must be shut down before it can be registered as secondary site; ", Seen, "yast-hana-update, exit 128"},
	"trace-file":        {"failed. trace file nameserver_%s.00000.000.trc may contain more error details.", Seen, "yast-hana-update"},
	"register-ssfs":     {"error: secure store in file system (SSFS) of this site differs from the primary's;", Meaning, "exit 149 is public, its text differs by revision"},
	"unable-to-contact": {"unable to contact primary site host %s:%d. connection refused", Seen, "community.sap_install issue 679"},
	"old-style-port":    {"Trying old-style port (port offset +100)...", Seen, "community.sap_install issue 679"},
	"register-hosts":    {"each site must have a unique set of logical hostnames", Seen, "SAP Note 2710211 as cited"},
	"remote-host":       {"remoteHost does not match with any host of the source site", Seen, "SAP Note 2710211 as cited"},
	"register-name":     {"error: the site name is used by another site;", Meaning, "that names are unique is public"},
	"register-sid":      {"error: SID and instance number must be equal on all sites;", Meaning, "System Replication Guide, prerequisites"},
	"source-not-ready":  {"error: the source site is not ready;", Meaning, "a register directly after a takeover fails"},
	"source-not-enabled": {
		"error: the source site is not enabled for system replication;", Meaning,
		"System Replication Guide, enable before register",
	},
	"site-name":              {"error: the site name is not valid;", Meaning, "naming rule of the administration guide"},
	"enable-again":           {"error: the system is a system replication primary already;", Meaning, "not published"},
	"not-primary":            {"error: this system is not a system replication primary;", Meaning, "not published"},
	"not-secondary":          {"error: this system is not a system replication secondary;", Meaning, "not published"},
	"secondary-attached":     {"error: there are secondary sites attached;", Meaning, "disable only without a secondary is public"},
	"unregister-unknown":     {"error: there is no such secondary site;", Meaning, "not published"},
	"register-arguments":     {"error: the arguments of -sr_register are not complete or not valid;", Meaning, "not published"},
	"takeover-not-secondary": {"error: takeover is only possible on a system replication secondary;", Meaning, "not published"},
	"takeover-starting":      {"error: the system is not ready for a takeover;", Meaning, "not published"},
	"takeover-uninitialised": {"error: not all volumes are initialized;", Meaning, "parameter enable_takeover_with_uninitialized_volumes is public"},
	"takeover-blocked":       {"error: takeover was blocked by HA/DR provider, rc=50277;", Meaning, "susTkOver: the output holds rc=50277"},
	"takeover-refused":       {"error: preTakeover of a HA/DR provider failed, rc=%d;", Meaning, "a non-zero answer of preTakeover aborts the takeover: System Replication Guide, hook methods"},
	"start-waits":            {"waiting for the primary site: connection refused", Meaning, "ha-sap-terraform-deployments issue 863: a secondary that does not start without its primary"},
	"handshake-unreachable":  {"error: takeover with handshake: the primary site cannot be reached;", Meaning, "that it aborts and changes nothing is public"},
	"handshake-not-in-sync":  {"error: takeover with handshake: not all services are in sync;", Meaning, "that it aborts and changes nothing is public"},
	"handshake-open-writes":  {"error: takeover with handshake: open write transactions did not end in time;", Meaning, "maxWriteTransactionWaitTime is public"},
	"resume-not-suspended":   {"error: the system is not suspended;", Meaning, "not published"},
	"still-running":          {"error: the system must be stopped;", Meaning, "cleanup and unregister want an offline system"},
	"not-running":            {"error: the system is not running;", Meaning, "not published"},
	"full-replica":           {"Full Replica: %d %% (%d/%d MB)", Seen, "REPLICATION_STATUS_DETAILS in SAP's and IBM's documents"},
	"channel-closed":         {"Communication channel closed", Seen, "REPLICATION_STATUS_DETAILS"},
	"log-shipping-timeout":   {"Log shipping timeout occurred", Seen, "REPLICATION_STATUS_DETAILS"},
	"secondary-read-only":    {"feature not supported: write operation on a system replication secondary", Meaning, "not published"},
	"primary-suspended":      {"transaction rolled back by an internal error: primary is suspended", Meaning, "that writes are stopped is public"},
	"backup-secondary":       {"backup could not be completed: not possible on a system replication secondary", Meaning, "general knowledge"},
	"backup-failed":          {"backup could not be completed: [110507] Backint/file error: cannot create %s", Meaning, "code 447 is public"},
	"nirawconnect":           {"FAIL: NIECONN_REFUSED (Connection refused), NiRawConnect failed in plugin_fopen()", Seen, "sapcontrol transcripts"},
}

// Text gives a text by its name.
func Text(name string) string {
	w, known := Wordings[name]
	if !known {
		panic("the lab has no text " + name)
	}
	return w.Text
}
