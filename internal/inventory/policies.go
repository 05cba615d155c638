package inventory

import (
	"fmt"
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
}

// policyFile is a policy as written. Its own fields are for every gate; gates
// overrides them for one gate; hold, run and abandon are for the other
// decisions and take roles, unsigned and the two clocks from the policy's own
// fields, but not quorum, exclusion and the reason: who may stop a procedure
// must not need the quorum of who may start it.
type policyFile struct {
	policyFields `yaml:",inline"`
	Gates        node `yaml:"gates"`
	Hold         node `yaml:"hold"`
	Run          node `yaml:"run"`
	Abandon      node `yaml:"abandon"`
}

// gates are the gates that can have a policy, in the order of their use.
var gates = []dr.Gate{dr.GateDecide, dr.GateConvert, dr.GateOverwrite, dr.GateCutover, dr.GateUndo}

// gateDefault is the policy of a gate of which nothing is said.
func gateDefault() dr.DecisionPolicy {
	return dr.DecisionPolicy{
		Quorum: 2, ExcludeRequester: true, Unsigned: dr.UnsignedRefuse,
		OpenFor: dr.Duration(4 * time.Hour), UsableFor: dr.Duration(30 * time.Minute),
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
	if f.Unsigned != nil && *f.Unsigned != string(dr.UnsignedRefuse) && *f.Unsigned != string(dr.UnsignedCount) {
		l.add(at.at("unsigned").line, "%s.unsigned is %q, not refuse or count", at.path, dr.Clip(*f.Unsigned, 40))
	}
	for field, d := range map[string]*dr.Duration{"open_for": f.OpenFor, "usable_for": f.UsableFor} {
		if d != nil && *d == 0 {
			l.add(at.at(field).line, "%s.%s is zero; no decision could ever be in time", at.path, field)
		}
	}
	if f.Roles == nil {
		return
	}
	known := map[string]bool{}
	for _, p := range l.inv.People {
		for _, r := range p.Roles {
			known[r] = true
		}
	}
	for i, r := range *f.Roles {
		item := at.at(fmt.Sprintf("roles.%d", i))
		if l.name(item, "role", r) && !known[r] {
			l.add(item.line, "%s is %q, a role that nobody under people has", item.path, r)
		}
	}
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
	return all
}

// over gives p with the fields that were said replaced.
func (f policyFields) over(p dr.DecisionPolicy) dr.DecisionPolicy {
	set(&p.Quorum, f.Quorum)
	set(&p.Roles, f.Roles)
	set(&p.ExcludeRequester, f.ExcludeRequester)
	set(&p.OpenFor, f.OpenFor)
	set(&p.UsableFor, f.UsableFor)
	set(&p.ReasonRequired, f.ReasonRequired)
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
