package dr

// Unsigned says what a decision without a signature is worth.
type Unsigned string

// The values of Unsigned.
const (
	// UnsignedRefuse: only signed decisions count. The default.
	UnsignedRefuse Unsigned = "refuse"
	// UnsignedCount: an unsigned decision counts as the person it names.
	UnsignedCount Unsigned = "count"
	// UnsignedAttested: an unsigned decision counts when Temporal's server says
	// who sent it (the principal of the history event) and the person has that
	// principal as account, for example "temporal:jwt/anna".
	UnsignedAttested Unsigned = "attested"
)

// DecisionPolicy says who may decide and how a decision becomes valid. It is
// read by an activity and pinned in the run; nobody can loosen it afterwards.
type DecisionPolicy struct {
	// Roles are the roles of which a person needs one; empty means that every
	// person of the inventory may decide.
	Roles []string `json:"roles,omitempty"`
	// Quorum is how many different persons must approve.
	Quorum int `json:"quorum"`
	// ExcludeRequester: the person who started the run does not count. When
	// the requester is unknown one more approver is asked for.
	ExcludeRequester bool     `json:"exclude_requester"`
	Unsigned         Unsigned `json:"unsigned"`
	// OpenFor is how long a request for approval stays open.
	OpenFor Duration `json:"open_for"`
	// UsableFor is how long a complete approval may wait before the walk
	// begins.
	UsableFor Duration `json:"usable_for"`
	// ReasonRequired: a decision without a reason is refused.
	ReasonRequired bool `json:"reason_required,omitempty"`
	// ReasonFor names what needs a reason beside that: verbs, and ForWaiver for
	// the approval of a plan with waivers.
	ReasonFor []string `json:"reason_for,omitempty"`
	// RemindEvery is how often a gateway reminds people of an open request.
	RemindEvery Duration `json:"remind_every,omitempty"`
	// EscalateAfter is when a gateway asks EscalateTo as well; zero means never.
	EscalateAfter Duration `json:"escalate_after,omitempty"`
	EscalateTo    Asked    `json:"escalate_to,omitzero"`
	// BreakGlass are the roles of which one person may pass the gate alone, with
	// a written reason; empty means that nobody may.
	BreakGlass []string `json:"break_glass,omitempty"`
	// Also are further policies that must be satisfied for the same approval,
	// because the plan waives a fence or discards data.
	Also []Need `json:"also,omitempty"`
}

// Needed is how many approvals the policy asks for, given whether the
// requester is known.
func (p DecisionPolicy) Needed(requesterKnown bool) int {
	n := max(p.Quorum, 1)
	if p.ExcludeRequester && !requesterKnown {
		n++
	}
	return n
}

// ForWaiver is the element of ReasonFor for plans with waivers.
const ForWaiver = "waiver"

// Asked are people who are asked: by ID, or by role.
type Asked struct {
	Roles  []string `json:"roles,omitempty"`
	People []string `json:"people,omitempty"`
}

// Empty says that nobody is asked.
func (a Asked) Empty() bool { return len(a.Roles) == 0 && len(a.People) == 0 }

// What a vote can count towards.
const (
	MeetsGate    = "gate"
	MeetsWaiver  = "waiver"
	MeetsDiscard = "discard"
)

// Need is a policy of its own beside the gate's: so many persons with one of
// these roles. One person may count towards the gate and a need.
type Need struct {
	// For is MeetsWaiver or MeetsDiscard.
	For    string   `json:"for"`
	Roles  []string `json:"roles,omitempty"`
	Quorum int      `json:"quorum"`
}

// Policies are the policies of one system, one for each kind of decision.
type Policies struct {
	// Gates has a policy for every gate.
	Gates map[Gate]DecisionPolicy `json:"gates"`
	// Hold is for retry, skip and replan.
	Hold DecisionPolicy `json:"hold"`
	// Run is for pause, resume and abort.
	Run DecisionPolicy `json:"run"`
	// Abandon is for abandon.
	Abandon DecisionPolicy `json:"abandon"`
	// Waiver and Discard are asked beside the gate's policy when the plan has
	// waivers, or discards data; nil means that the gate's policy is enough.
	Waiver  *DecisionPolicy `json:"waiver,omitempty"`
	Discard *DecisionPolicy `json:"discard,omitempty"`
}

// For gives the policy for a verb at a gate.
func (p Policies) For(v Verb, g Gate) DecisionPolicy {
	switch {
	case v.OnGate():
		return p.Gates[g]
	case v.OnHold():
		return p.Hold
	case v == VerbAbandon:
		return p.Abandon
	default:
		return p.Run
	}
}
