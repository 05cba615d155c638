package dr

// Unsigned says what a decision without a signature is worth.
type Unsigned string

// The values of Unsigned.
const (
	// UnsignedRefuse: only signed decisions count. The default.
	UnsignedRefuse Unsigned = "refuse"
	// UnsignedCount: an unsigned decision counts as the person it names.
	UnsignedCount Unsigned = "count"
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
