package dr

import "time"

// State is what a run is doing.
type State string

// The states of a run.
const (
	StateStarting  State = "starting"
	StateAssessing State = "assessing"
	StateGate      State = "waiting for approval"
	StateRunning   State = "running"
	StatePaused    State = "paused"
	StateHold      State = "on hold"
	StateUndoing   State = "undoing"
	StateEnded     State = "ended"
)

// StepState is what became of a step.
type StepState string

// The states of a step.
const (
	StepPending StepState = "pending"
	StepRunning StepState = "running"
	StepDone    StepState = "done"
	// StepAlready was found done by its first probe: nothing was sent.
	StepAlready StepState = "already done"
	StepSkipped StepState = "skipped"
	StepHeld    StepState = "on hold"
	StepUndone  StepState = "undone"
	// StepFailed: a step without a veto failed, and the walk went on.
	StepFailed StepState = "failed"
)

// StepStatus is a step in a status or report.
type StepStatus struct {
	ID      string     `json:"id"`
	Title   string     `json:"title"`
	State   StepState  `json:"state"`
	Attempt int        `json:"attempt,omitempty"`
	Started *time.Time `json:"started,omitempty"`
	Ended   *time.Time `json:"ended,omitempty"`
	Text    string     `json:"text,omitempty"`
}

// PhaseStatus is a phase in a status.
type PhaseStatus struct {
	Phase Phase        `json:"phase"`
	State StepState    `json:"state"`
	Empty string       `json:"empty,omitempty"`
	Steps []StepStatus `json:"steps,omitempty"`
}

// GateStatus is an open gate.
type GateStatus struct {
	Gate       Gate   `json:"gate"`
	Occurrence int    `json:"occurrence"`
	Digest     string `json:"digest"`
	// Again says why the gate opened again; empty the first time.
	Again    string    `json:"again,omitempty"`
	OpenedAt time.Time `json:"opened_at"`
	// ExpiresAt is when the request for approval ends.
	ExpiresAt time.Time `json:"expires_at"`
	// UsableUntil is when the approval, once complete, must have begun to be
	// carried out.
	UsableUntil *time.Time `json:"usable_until,omitempty"`
	Quorum      int        `json:"quorum"`
	Roles       []string   `json:"roles,omitempty"`
	Votes       []Vote     `json:"votes,omitempty"`
	Loss        string     `json:"loss"`
	// Also are policies that must be satisfied beside the gate's own, and Lacks
	// says which approvals are missing now.
	Also  []Need `json:"also,omitempty"`
	Lacks string `json:"lacks,omitempty"`
	// NeedsReason: an approval must give a reason.
	NeedsReason bool `json:"needs_reason,omitempty"`
	// BreakGlass are the roles that may pass the gate alone.
	BreakGlass []string `json:"break_glass,omitempty"`
	// RemindEvery, EscalateAt and EscalateTo are for gateways: when people are
	// reminded, and who is asked next.
	RemindEvery Duration   `json:"remind_every,omitempty"`
	EscalateAt  *time.Time `json:"escalate_at,omitempty"`
	EscalateTo  Asked      `json:"escalate_to,omitzero"`
	// ClosedAt and Outcome are set when the gate is closed.
	ClosedAt *time.Time `json:"closed_at,omitempty"`
	Outcome  string     `json:"outcome,omitempty"`
}

// MaxClosedGates bounds the closed gates that a status lists.
const MaxClosedGates = 20

// FollowUp is what a broken glass leaves behind: somebody else must acknowledge
// it. The watch keeps it, because it outlives the run.
type FollowUp struct {
	Workflow    string    `json:"workflow"`
	OriginalRun string    `json:"original_run"`
	Run         string    `json:"run"`
	Gate        Gate      `json:"gate"`
	Digest      string    `json:"digest"`
	Person      string    `json:"person"`
	Reason      string    `json:"reason"`
	At          time.Time `json:"at"`
	// Policy says who may acknowledge; the person who broke the glass may not.
	Policy DecisionPolicy `json:"policy"`
	// Acknowledged is the decision that acknowledged it.
	Acknowledged *Vote `json:"acknowledged,omitempty"`
}

// HoldStatus is a step that needs a person.
type HoldStatus struct {
	Step    string    `json:"step"`
	Attempt int       `json:"attempt"`
	Title   string    `json:"title"`
	Text    string    `json:"text"`
	Next    string    `json:"next,omitempty"`
	Unknown bool      `json:"unknown,omitempty"`
	Options []Verb    `json:"options"`
	Since   time.Time `json:"since"`
}

// Status is the answer of the query "status".
type Status struct {
	Schema      int       `json:"schema"`
	Workflow    string    `json:"workflow"`
	OriginalRun string    `json:"original_run"`
	Run         string    `json:"run"`
	System      string    `json:"system"`
	Procedure   Procedure `json:"procedure"`
	Mode        Mode      `json:"mode,omitempty"`
	From        string    `json:"from,omitempty"`
	To          string    `json:"to,omitempty"`
	State       State     `json:"state"`
	// Sentence is what the run does or waits for, now.
	Sentence string    `json:"sentence"`
	Since    time.Time `json:"since"`
	// Requester is who signed the start, "" when unknown; Reason is theirs.
	Requester string      `json:"requester,omitempty"`
	Reason    string      `json:"reason,omitempty"`
	Phase     Phase       `json:"phase,omitempty"`
	Gate      *GateStatus `json:"gate,omitempty"`
	// Closed are the gates that are over, with their outcome, oldest first.
	Closed []GateStatus `json:"closed,omitempty"`
	// Glass are the gates that one person passed alone.
	Glass  []FollowUp    `json:"glass,omitempty"`
	Hold   *HoldStatus   `json:"hold,omitempty"`
	Phases []PhaseStatus `json:"phases,omitempty"`
	// NoReturn is set from the point of no return to the next gate.
	NoReturn bool `json:"no_return,omitempty"`
	// RestoredAt is when the service was announced as restored.
	RestoredAt  *time.Time   `json:"restored_at,omitempty"`
	Unprotected *Unprotected `json:"unprotected,omitempty"`
	Refused     []Refusal    `json:"refused,omitempty"`
	RefusedMore int          `json:"refused_more,omitempty"`
	Ending      *Ending      `json:"ending,omitempty"`
}

// StatusSchema is the schema number of Status.
const StatusSchema = 1

// EndingKind is how a run ended.
type EndingKind string

// The endings.
const (
	EndDone     EndingKind = "done"
	EndNothing  EndingKind = "nothing to do"
	EndRejected EndingKind = "rejected"
	EndExpired  EndingKind = "expired"
	// EndSafeStop is the end at cutover: in sync, not handed back.
	EndSafeStop  EndingKind = "in sync, not handed back"
	EndAborted   EndingKind = "aborted"
	EndAbandoned EndingKind = "abandoned"
	EndRefused   EndingKind = "refused"
)

// Ending is how and why a run ended.
type Ending struct {
	Kind EndingKind `json:"kind"`
	// Text is one sentence.
	Text string    `json:"text"`
	At   time.Time `json:"at"`
	// Roles are the roles as last read.
	Roles []SiteRole `json:"roles,omitempty"`
	// RunningJobs are commands that still run on hosts.
	RunningJobs []string     `json:"running_jobs,omitempty"`
	Unprotected *Unprotected `json:"unprotected,omitempty"`
}

// SiteRole is a site with its role.
type SiteRole struct {
	Site string `json:"site"`
	Role Role   `json:"role"`
	Text string `json:"text,omitempty"`
}

// Result is what a procedure's workflow returns.
type Result struct {
	Schema int    `json:"schema"`
	Ending Ending `json:"ending"`
	// Report is where the report was written.
	Report string `json:"report,omitempty"`
	// ReportDigest is its SHA-256.
	ReportDigest string `json:"report_digest,omitempty"`
}
