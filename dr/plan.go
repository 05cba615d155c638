package dr

import (
	"encoding/json"
	"time"
)

// Procedure is what a run does.
type Procedure string

// The procedures.
const (
	ProcTakeover Procedure = "takeover"
	ProcFailback Procedure = "failback"
	ProcReseed   Procedure = "reseed"
)

// Mode tells a planned takeover from an unplanned one.
type Mode string

// The modes of a takeover.
const (
	ModePlanned   Mode = "planned"
	ModeUnplanned Mode = "unplanned"
)

// Phase is one of the closed set of phases that the workflows name.
type Phase string

// The phases of the three procedures, in their order within each.
const (
	PhasePrepare          Phase = "prepare"
	PhaseIsolate          Phase = "isolate"
	PhasePromote          Phase = "promote"
	PhaseRedirect         Phase = "redirect"
	PhaseVerify           Phase = "verify"
	PhaseProtect          Phase = "protect"
	PhaseConvert          Phase = "convert"
	PhaseResynchronise    Phase = "resynchronise"
	PhaseQuiesce          Phase = "quiesce"
	PhaseCatchUp          Phase = "catch-up"
	PhaseHandBack         Phase = "hand-back"
	PhaseBackup           Phase = "backup"
	PhaseTransfer         Phase = "transfer"
	PhaseRestore          Phase = "restore"
	PhaseTransition       Phase = "transition"
	PhaseStartReplication Phase = "start-replication"
	// PhaseSafeStop is walked only when the cutover gate is rejected or
	// expires: it removes temporary objects, so that the run can end "in
	// sync, not handed back". It is approved with the gate before.
	PhaseSafeStop Phase = "safe-stop"
)

// Destroying says whether a phase can destroy data or make a second primary:
// a recheck stands before it.
func (p Phase) Destroying() bool {
	switch p {
	case PhaseConvert, PhasePromote, PhaseRestore, PhaseHandBack:
		return true
	default:
		return false
	}
}

// Gate is a place between phases where people decide.
type Gate string

// The gates.
const (
	GateDecide    Gate = "decide"
	GateConvert   Gate = "convert"
	GateOverwrite Gate = "overwrite"
	GateCutover   Gate = "cutover"
	// GateUndo opens when an undo cannot be proven safe.
	GateUndo Gate = "undo"
)

// PhasesAfter lists the phases that an approval of the gate covers, in order.
// It is the only place where the order of phases is written as data; the
// workflows spell the same order in code and a test compares the two.
func PhasesAfter(p Procedure, g Gate) []Phase {
	switch {
	case p == ProcTakeover && g == GateDecide:
		return []Phase{PhasePrepare, PhaseIsolate, PhasePromote, PhaseRedirect, PhaseVerify, PhaseProtect}
	case p == ProcFailback && g == GateConvert:
		return []Phase{PhasePrepare, PhaseConvert, PhaseResynchronise, PhaseSafeStop}
	case p == ProcFailback && g == GateOverwrite:
		return []Phase{PhaseBackup, PhaseTransfer, PhaseRestore, PhaseTransition, PhaseStartReplication, PhaseSafeStop}
	case p == ProcFailback && g == GateCutover:
		return []Phase{PhaseQuiesce, PhaseCatchUp, PhaseHandBack, PhaseRedirect, PhaseVerify, PhaseProtect}
	case p == ProcReseed && g == GateOverwrite:
		return []Phase{PhaseBackup, PhaseTransfer, PhaseRestore, PhaseTransition, PhaseStartReplication, PhaseVerify}
	}
	return nil
}

// Kind says what a step does to the world.
type Kind string

// The kinds of steps.
const (
	// KindRead changes nothing: a proof, a wait, a check.
	KindRead Kind = "read"
	// KindChange can be undone or repeated.
	KindChange Kind = "change"
	// KindIrreversible is a point of no return.
	KindIrreversible Kind = "irreversible"
)

// Skip says whether people may skip a step that is on hold.
type Skip string

// The skip rules. Fences, proofs, guards, promotions and overwrites are never
// SkipFree.
const (
	SkipNever    Skip = "never"
	SkipDecision Skip = "decision"
	SkipFree     Skip = "free"
)

// Step is one command or statement of a plan, as data. The code behind it is
// the action of the same name.
type Step struct {
	// ID is unique in the plan and stable for equal facts, for example
	// "promote.1-postgres-promote".
	ID string `json:"id"`
	// Action is the registered name of the code, a public contract.
	Action string `json:"action"`
	// Title is a short sentence, verb first: "Promote west".
	Title string `json:"title"`
	// Site and Host say where it acts.
	Site string `json:"site,omitempty"`
	Host string `json:"host,omitempty"`
	// Args are the action's typed arguments.
	Args json.RawMessage `json:"args"`
	// Commands is what is shown: the rendering of the same arguments.
	Commands []string `json:"commands"`
	Kind     Kind     `json:"kind"`
	// Timeout bounds the whole step, waiting included.
	Timeout Duration `json:"timeout"`
	// Undo takes the step back; it has no undo itself.
	Undo *Step `json:"undo,omitempty"`
	Skip Skip  `json:"skip"`
	// Interruptible marks a step whose job may be ended by an abort.
	Interruptible bool `json:"interruptible,omitempty"`
	// StopsClients marks a step after which clients cannot write any more:
	// from there no observation lengthens the outage.
	StopsClients bool `json:"stops_clients,omitempty"`
	// NoVeto marks a step whose failure is recorded and does not stop the
	// procedure: the walk goes on behind it.
	NoVeto bool `json:"no_veto,omitempty"`
	// Why is one sentence: why this step stands here.
	Why string `json:"why,omitempty"`
	// Proof says how one sees that the step's effect is there, and Guard what
	// must still be true immediately before it; both are complete enough for
	// a person who carries out the plan by hand.
	Proof string `json:"proof,omitempty"`
	Guard string `json:"guard,omitempty"`
}

// PhasePlan is one phase of a plan: its steps, or why it has none.
type PhasePlan struct {
	Phase Phase  `json:"phase"`
	Steps []Step `json:"steps,omitempty"`
	// Empty says why there are no steps; set exactly when Steps is empty.
	Empty string `json:"empty,omitempty"`
}

// HostPin nails a host of the plan: a worker whose inventory differs refuses
// the step.
type HostPin struct {
	Name        string `json:"name"`
	Address     string `json:"address"`
	Port        int    `json:"port"`
	User        string `json:"user"`
	Fingerprint string `json:"fingerprint"`
}

// Waiver is a statement that people make themselves by approving, where the
// program has no proof.
type Waiver struct {
	// ID is stable: "fence:east".
	ID string `json:"id"`
	// Text is the statement, complete, in the approver's words.
	Text string `json:"text"`
}

// Envelope ties a plan to one run, gate and occurrence.
type Envelope struct {
	Workflow    string `json:"workflow"`
	OriginalRun string `json:"original_run"`
	// Run is the run that made the plan. A reset changes the run: a plan of
	// another run is never carried out.
	Run        string `json:"run"`
	Gate       Gate   `json:"gate"`
	Occurrence int    `json:"occurrence"`
	// Request is random, so that two plans are never the same request.
	Request string `json:"request"`
}

// PlanSchema is the schema number of Plan that this release writes.
const PlanSchema = 1

// Plan is the phases and steps of one procedure for one situation, up to the
// next gate, as data.
type Plan struct {
	Schema    int       `json:"schema"`
	Envelope  Envelope  `json:"envelope"`
	Procedure Procedure `json:"procedure"`
	System    string    `json:"system"`
	Product   string    `json:"product"`
	Mode      Mode      `json:"mode,omitempty"`
	// From is the site that gives up the primary role, To the one that gets
	// it. For reseed: From is copied, To is overwritten.
	From string `json:"from"`
	To   string `json:"to"`
	// Reason is the requester's.
	Reason string      `json:"reason,omitempty"`
	Phases []PhasePlan `json:"phases"`
	Pins   []HostPin   `json:"pins"`
	// InventoryDigest is the digest of the system's inventory entry.
	InventoryDigest string `json:"inventory_digest"`
	Loss            Loss   `json:"loss"`
	// Waivers are part of what is approved.
	Waivers []Waiver `json:"waivers,omitempty"`
	// Consequences are sentences that people must know before they decide:
	// what ends, what cannot be undone, what stays unprotected.
	Consequences []string `json:"consequences,omitempty"`
	// Nothing is set when every probe said done: "nothing to do", with why.
	Nothing string `json:"nothing,omitempty"`

	// What follows is shown and recorded but not under the digest: measured
	// values move between the plan and its approval.

	Situation Situation `json:"situation"`
	// InventoryFields has a short digest for every field of the inventory
	// entry, so that a worker with another entry can name the field.
	InventoryFields map[string]string `json:"inventory_fields,omitempty"`
	// Leaves is set when the procedure will end with the system unprotected;
	// its Since is filled in at the end.
	Leaves *Unprotected `json:"leaves,omitempty"`
	// Watch is a read step that is carried out while the gate is open: when it
	// finds that the plan cannot wait any longer, the gate is closed and
	// planned anew. It never decides anything else.
	Watch *Step `json:"watch,omitempty"`
	// BackTo is the earliest phase from which people's replan of a hold starts:
	// what is done of it already is found done by its probes. "" means the
	// phase of the held step.
	BackTo Phase `json:"back_to,omitempty"`
	// Outage is how long clients are expected to be unable to write; "" when
	// nobody can say.
	Outage string    `json:"outage,omitempty"`
	MadeAt time.Time `json:"made_at"`
	// Digest is the SHA-256 over everything above the line.
	Digest string `json:"digest"`
}

// digestView is what a plan's digest covers.
type digestView struct {
	Schema          int         `json:"schema"`
	Envelope        Envelope    `json:"envelope"`
	Procedure       Procedure   `json:"procedure"`
	System          string      `json:"system"`
	Product         string      `json:"product"`
	Mode            Mode        `json:"mode"`
	From            string      `json:"from"`
	To              string      `json:"to"`
	Reason          string      `json:"reason"`
	Phases          []PhasePlan `json:"phases"`
	Pins            []HostPin   `json:"pins"`
	InventoryDigest string      `json:"inventory_digest"`
	Loss            lossBound   `json:"loss"`
	Waivers         []Waiver    `json:"waivers"`
	Consequences    []string    `json:"consequences"`
	Nothing         string      `json:"nothing"`
}

// lossBound is the part of a loss that is approved.
type lossBound struct {
	Kind    LossKind `json:"kind"`
	Certain Amount   `json:"certain"`
	Proof   *Proof   `json:"proof"`
}

// ComputeDigest gives the digest of the plan as it stands.
func (p Plan) ComputeDigest() (string, error) {
	return Digest(digestView{
		Schema: p.Schema, Envelope: p.Envelope, Procedure: p.Procedure, System: p.System, Product: p.Product,
		Mode: p.Mode, From: p.From, To: p.To, Reason: p.Reason, Phases: p.Phases, Pins: p.Pins,
		InventoryDigest: p.InventoryDigest,
		Loss:            lossBound{Kind: p.Loss.Kind, Certain: p.Loss.Certain, Proof: p.Loss.Proof},
		Waivers:         p.Waivers, Consequences: p.Consequences, Nothing: p.Nothing,
	})
}

// Phase finds a phase of the plan.
func (p Plan) Phase(ph Phase) (PhasePlan, bool) {
	for _, v := range p.Phases {
		if v.Phase == ph {
			return v, true
		}
	}
	return PhasePlan{Phase: ph}, false
}

// Steps counts the steps of the plan.
func (p Plan) Steps() int {
	n := 0
	for _, ph := range p.Phases {
		n += len(ph.Steps)
	}
	return n
}

// Changes says whether any step changes anything. A gate with no change
// behind it is not asked.
func (p Plan) Changes() bool {
	for _, ph := range p.Phases {
		for _, s := range ph.Steps {
			if s.Kind != KindRead {
				return true
			}
		}
	}
	return false
}
