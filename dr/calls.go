package dr

import (
	"time"
)

// Task queues: procedures and watches never wait for one another.
const (
	TaskQueue      = "dr"
	WatchTaskQueue = "dr-watch"
)

// Workflow type names, public contracts.
const (
	WorkflowTakeover = "Takeover"
	WorkflowFailback = "Failback"
	WorkflowReseed   = "Reseed"
	WorkflowWatch    = "Watch"
	// WorkflowOnce ends at once; its ID can be used only once, which makes a
	// signed start good only once.
	WorkflowOnce = "Once"
)

// WorkflowType gives the workflow type of a procedure.
func (p Procedure) WorkflowType() string {
	switch p {
	case ProcTakeover:
		return WorkflowTakeover
	case ProcFailback:
		return WorkflowFailback
	case ProcReseed:
		return WorkflowReseed
	}
	return ""
}

// Query names.
const (
	QueryStatus = "status"
	QueryPlan   = "plan"
	QueryReport = "report"
	QueryMemory = "memory"
)

// SignalTold is the watch's signal with something that only a procedure knows.
const SignalTold = "told"

// Search attributes, all of type Keyword.
const (
	AttrSystem    = "DrSystem"
	AttrProcedure = "DrProcedure"
	AttrPhase     = "DrPhase"
	AttrGate      = "DrGate"
)

// SearchAttributes lists the search attributes to register.
func SearchAttributes() []string {
	return []string{AttrSystem, AttrProcedure, AttrPhase, AttrGate}
}

// Activity names, public contracts. A step's activity is named by its action.
const (
	ActBegin     = "dr.begin"
	ActPlan      = "dr.plan"
	ActRecheck   = "dr.recheck"
	ActJudge     = "dr.judge"
	ActObserve   = "dr.observe"
	ActReport    = "dr.report"
	ActTellWatch = "dr.tell_watch"
	ActListJobs  = "dr.list_jobs"
	ActWatch     = "dr.watch"
)

// BeginInput asks for what a run must know before it plans.
type BeginInput struct {
	Request  Request `json:"request"`
	Workflow string  `json:"workflow"`
}

// Begun is what a run is pinned to.
type Begun struct {
	Product string   `json:"product"`
	Sites   []string `json:"sites"`
	// Requester is the person who signed the start; "" when unknown.
	Requester string `json:"requester,omitempty"`
	// RequesterWhy says why the requester is unknown.
	RequesterWhy string   `json:"requester_why,omitempty"`
	Policies     Policies `json:"policies"`
	// Attributes says that the search attributes are registered.
	Attributes bool `json:"attributes"`
}

// PlanCall asks for a plan.
type PlanCall struct {
	Request    Request        `json:"request"`
	Gate       Gate           `json:"gate"`
	Occurrence int            `json:"occurrence"`
	Finished   []FinishedStep `json:"finished,omitempty"`
	From       Phase          `json:"from,omitempty"`
	// OriginalRun is the run ID that survives resets. The run itself is read
	// by the activity, from its own info.
	OriginalRun string `json:"original_run"`
	// Baseline is this run's, from its first plan on.
	Baseline *Baseline `json:"baseline,omitempty"`
}

// FinishedStep is a step of this run that is done.
type FinishedStep struct {
	Phase  Phase     `json:"phase"`
	ID     string    `json:"id"`
	Action string    `json:"action"`
	State  StepState `json:"state"`
}

// Planned is the answer to a PlanCall.
type Planned struct {
	Plan Plan `json:"plan"`
	// Baseline is how the system is now, for the next failback.
	Baseline *Baseline `json:"baseline,omitempty"`
}

// RecheckCall asks whether an approved plan still stands.
type RecheckCall struct {
	Request  Request        `json:"request"`
	Plan     Plan           `json:"plan"`
	From     Phase          `json:"from"`
	Finished []FinishedStep `json:"finished,omitempty"`
	Baseline *Baseline      `json:"baseline,omitempty"`
	// Approval is what passed the gate: keys and roles are read once more
	// before the first change.
	Approval *Approval `json:"approval,omitempty"`
}

// Approval is the decisions that passed a gate, as they came.
type Approval struct {
	Policy    DecisionPolicy `json:"policy"`
	Requester string         `json:"requester,omitempty"`
	Votes     []Cast         `json:"votes"`
}

// Cast is a decision that counted, with the time at which it did.
type Cast struct {
	Decision Decision  `json:"decision"`
	At       time.Time `json:"at"`
	Attested string    `json:"attested,omitempty"`
}

// Rechecked is the answer to a RecheckCall.
type Rechecked struct {
	Stands bool `json:"stands"`
	// Why is one sentence: the difference, when the plan does not stand.
	Why string    `json:"why,omitempty"`
	At  time.Time `json:"at"`
}

// JudgeCall asks what a decision is worth.
type JudgeCall struct {
	System    string         `json:"system"`
	Decision  Decision       `json:"decision"`
	Policy    DecisionPolicy `json:"policy"`
	Requester string         `json:"requester,omitempty"`
	// PlanRun is the run that made the plan that the decision is about; ""
	// for decisions about no plan.
	PlanRun string `json:"plan_run,omitempty"`
}

// Verdict is what a decision is worth.
type Verdict struct {
	Person string `json:"person"`
	Signed bool   `json:"signed"`
	Counts bool   `json:"counts"`
	Why    string `json:"why,omitempty"`
	// Gateway and Account are set when the gateway's signature is good.
	Gateway string `json:"gateway,omitempty"`
	Account string `json:"account,omitempty"`
	// Attested is the caller as Temporal's server authenticated it.
	Attested string   `json:"attested,omitempty"`
	Meets    []string `json:"meets,omitempty"`
}

// StepCall asks for one attempt at one step.
type StepCall struct {
	System          string            `json:"system"`
	Product         string            `json:"product"`
	Envelope        Envelope          `json:"envelope"`
	Pins            []HostPin         `json:"pins"`
	InventoryDigest string            `json:"inventory_digest"`
	InventoryFields map[string]string `json:"inventory_fields,omitempty"`
	Step            Step              `json:"step"`
	Attempt         int               `json:"attempt"`
}

// StepResult is what became of one attempt at a step.
type StepResult struct {
	State    StepState  `json:"state"`
	Text     string     `json:"text"`
	Output   string     `json:"output,omitempty"`
	Evidence []Evidence `json:"evidence,omitempty"`
	Loss     *LossFound `json:"loss,omitempty"`
	// Sent says that a command was sent in this attempt.
	Sent bool     `json:"sent,omitempty"`
	Took Duration `json:"took"`
}

// ReportCall asks for a report to be written.
type ReportCall struct {
	Report Report `json:"report"`
}

// Written says where a report is.
type Written struct {
	Path   string `json:"path"`
	SHA256 string `json:"sha256"`
}

// Told is what a procedure tells the watch.
type Told struct {
	System   string    `json:"system"`
	Baseline *Baseline `json:"baseline,omitempty"`
	// Unprotected replaces what the watch knew when Protection is set.
	Protection  bool         `json:"protection,omitempty"`
	Unprotected *Unprotected `json:"unprotected,omitempty"`
	// FollowUp is a broken glass that must be acknowledged.
	FollowUp *FollowUp `json:"follow_up,omitempty"`
}

// ObserveCall asks for the situation of a system.
type ObserveCall struct {
	System string `json:"system"`
}

// JobsCall asks which of the run's jobs still run.
type JobsCall struct {
	System string `json:"system"`
}

// WatchInput is the argument of the watch and of its activity.
type WatchInput struct {
	System string  `json:"system"`
	Memory *Memory `json:"memory,omitempty"`
}
