package inventory

import (
	"slices"
	"time"

	"github.com/switchback-dr/switchback/dr"
)

// policyFields are the fields of a policy; nil means that nothing was said.
type policyFields struct {
	Quorum           *int         `yaml:"quorum"`
	Roles            *[]string    `yaml:"roles"`
	ExcludeRequester *bool        `yaml:"exclude_requester"`
	Unsigned         *string      `yaml:"unsigned"`
	OpenFor          *dr.Duration `yaml:"open_for"`
	UsableFor        *dr.Duration `yaml:"usable_for"`
	ReasonRequired   *bool        `yaml:"reason_required"`
	ReasonFor        *[]string    `yaml:"reason_for"`
	RemindEvery      *dr.Duration `yaml:"remind_every"`
	EscalateAfter    *dr.Duration `yaml:"escalate_after"`
	EscalateTo       *askedFile   `yaml:"escalate_to"`
	BreakGlass       *glassFile   `yaml:"break_glass"`
}

// askedFile names whom a gateway asks next.
type askedFile struct {
	Roles  []string `yaml:"roles"`
	People []string `yaml:"people"`
}

// glassFile says of which roles one person may pass a gate alone.
type glassFile struct {
	Roles []string `yaml:"roles"`
}

// policyFile is a policy as written. Its own fields are for every gate; gates
// overrides them for one gate; hold, run and abandon are for the other
// decisions and take roles, unsigned and the two clocks from the policy's own
// fields, but not quorum, exclusion and the reason: who may stop a procedure
// must not need the quorum of who may start it. Waiver and discard stand beside
// the gate's policy where a plan waives a fence or discards data; they take
// what they do not say from the policy's own fields, but one person is enough.
type policyFile struct {
	policyFields `yaml:",inline"`
	Gates        node `yaml:"gates"`
	Hold         node `yaml:"hold"`
	Run          node `yaml:"run"`
	Abandon      node `yaml:"abandon"`
	Waiver       node `yaml:"waiver"`
	Discard      node `yaml:"discard"`
}

// gates are the gates that can have a policy, in the order of their use.
var gates = []dr.Gate{dr.GateDecide, dr.GateConvert, dr.GateOverwrite, dr.GateCutover, dr.GateUndo}

// gateDefault is the policy of a gate of which nothing is said.
func gateDefault() dr.DecisionPolicy {
	return dr.DecisionPolicy{
		Quorum: 2, ExcludeRequester: true, Unsigned: dr.UnsignedRefuse,
		OpenFor: dr.Duration(4 * time.Hour), UsableFor: dr.Duration(30 * time.Minute),
		ReasonFor:   []string{string(dr.VerbReject), string(dr.VerbSkip), dr.ForWaiver, string(dr.VerbBreakGlass)},
		RemindEvery: dr.Duration(15 * time.Minute), EscalateAfter: dr.Duration(30 * time.Minute),
	}
}

// DefaultPolicies are the policies of a system that names none: two persons
// who did not request it approve a gate with signed decisions; one person
// answers a hold, pauses, aborts, or abandons with a reason.
func DefaultPolicies() dr.Policies { return policiesOf(policyFile{}, policyParts{}) }

// policyParts are the decoded sub-entries of a policy.
type policyParts struct {
	gates              map[dr.Gate]policyFields
	hold, run, abandon policyFields
	// waiver and discard are nil when nothing is said.
	waiver, discard *policyFields
}

func (l *loader) loadPolicies(n node) {
	for _, e := range l.section(n, "policy") {
		var f policyFile
		decode(e.value, &f, l.complaints)
		l.checkPolicy(e.value, f.policyFields)
		parts := policyParts{gates: map[dr.Gate]policyFields{}}
		l.gateParts(f.Gates, parts.gates)
		for _, p := range []struct {
			at   node
			into *policyFields
		}{{f.Hold, &parts.hold}, {f.Run, &parts.run}, {f.Abandon, &parts.abandon}} {
			l.policyPart(p.at, p.into)
		}
		parts.waiver, parts.discard = l.optionalPart(f.Waiver), l.optionalPart(f.Discard)
		l.policyNames = append(l.policyNames, e.key)
		l.policies[e.key] = namedPolicy{e.value, policiesOf(f, parts)}
	}
	slices.Sort(l.policyNames)
}

// namedPolicy is a complete policy and where it stands.
type namedPolicy struct {
	at  node
	all dr.Policies
}

func (l *loader) gateParts(n node, into map[dr.Gate]policyFields) {
	if n.y == nil {
		return
	}
	if n.entries() == nil {
		l.add(n.line, "%s must be a mapping of gates", n.path)
		return
	}
	for _, g := range n.entries() {
		if !slices.Contains(gates, dr.Gate(g.key)) {
			l.add(g.value.line, "%s has no gate %q; %s", n.path, dr.Clip(g.key, 60), suggest(g.key, texts(gates)))
			continue
		}
		var f policyFields
		l.policyPart(g.value, &f)
		into[dr.Gate(g.key)] = f
	}
}

// optionalPart is policyPart for an entry whose absence means something.
func (l *loader) optionalPart(at node) *policyFields {
	if at.y == nil {
		return nil
	}
	var f policyFields
	l.policyPart(at, &f)
	return &f
}

func (l *loader) policyPart(at node, into *policyFields) {
	if at.y == nil {
		return
	}
	if at.absent() {
		l.add(at.line, "%s is empty; give it a value or remove it", at.path)
		return
	}
	decode(at, into, l.complaints)
	l.checkPolicy(at, *into)
}

func (l *loader) checkPolicy(at node, f policyFields) {
	if f.Quorum != nil && *f.Quorum < 1 {
		l.add(at.at("quorum").line, "%s.quorum is %d; at least one person must decide", at.path, *f.Quorum)
	}
	for field, d := range map[string]*dr.Duration{"open_for": f.OpenFor, "usable_for": f.UsableFor} {
		if d != nil && *d == 0 {
			l.add(at.at(field).line, "%s.%s is zero; no decision could ever be in time", at.path, field)
		}
	}
	l.checkUnsigned(at, f)
	l.checkReasons(at, f)
	if f.Roles != nil {
		l.checkRoles(at, "roles", *f.Roles)
	}
	if f.BreakGlass != nil {
		l.checkRoles(at, "break_glass.roles", f.BreakGlass.Roles)
	}
	l.checkEscalation(at, f)
}

func policiesOf(f policyFile, parts policyParts) dr.Policies {
	all := dr.Policies{Gates: map[dr.Gate]dr.DecisionPolicy{}}
	for _, g := range gates {
		all.Gates[g] = parts.gates[g].over(f.policyFields.over(gateDefault()))
	}
	one := f.policyFields.over(gateDefault())
	one.Quorum, one.ExcludeRequester, one.ReasonRequired = 1, false, false
	all.Hold = parts.hold.over(one)
	all.Run = parts.run.over(one)
	one.ReasonRequired = true
	all.Abandon = parts.abandon.over(one)
	beside := f.policyFields.over(gateDefault())
	beside.Quorum = 1
	all.Waiver, all.Discard = optional(parts.waiver, beside), optional(parts.discard, beside)
	return all
}

func optional(f *policyFields, p dr.DecisionPolicy) *dr.DecisionPolicy {
	if f == nil {
		return nil
	}
	p = f.over(p)
	return &p
}

// over gives p with the fields that were said replaced.
func (f policyFields) over(p dr.DecisionPolicy) dr.DecisionPolicy {
	set(&p.Quorum, f.Quorum)
	set(&p.Roles, f.Roles)
	set(&p.ExcludeRequester, f.ExcludeRequester)
	set(&p.OpenFor, f.OpenFor)
	set(&p.UsableFor, f.UsableFor)
	set(&p.ReasonRequired, f.ReasonRequired)
	set(&p.ReasonFor, f.ReasonFor)
	set(&p.RemindEvery, f.RemindEvery)
	set(&p.EscalateAfter, f.EscalateAfter)
	if f.EscalateTo != nil {
		p.EscalateTo = dr.Asked{Roles: f.EscalateTo.Roles, People: f.EscalateTo.People}
	}
	if f.BreakGlass != nil {
		p.BreakGlass = f.BreakGlass.Roles
	}
	if f.Unsigned != nil {
		p.Unsigned = dr.Unsigned(*f.Unsigned)
	}
	return p
}

func set[T any](into *T, v *T) {
	if v != nil {
		*into = *v
	}
}

func texts[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = string(v)
	}
	return out
}
