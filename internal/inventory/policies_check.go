package inventory

import (
	"fmt"
	"slices"

	"github.com/switchback-dr/switchback/dr"
)

// checkUnsigned: beside a gateway nobody may decide without a signature, or
// whoever reaches Temporal could decide as anybody.
func (l *loader) checkUnsigned(at node, f policyFields) {
	if f.Unsigned == nil {
		return
	}
	known := []dr.Unsigned{dr.UnsignedRefuse, dr.UnsignedCount, dr.UnsignedAttested}
	item := at.at("unsigned")
	switch u := dr.Unsigned(*f.Unsigned); {
	case !slices.Contains(known, u):
		l.add(item.line, "%s.unsigned is %q, not refuse, count or attested", at.path, dr.Clip(*f.Unsigned, 40))
	case u == dr.UnsignedCount && len(l.inv.Gateways) > 0:
		l.add(item.line, "%s.unsigned is count although gateways sign decisions: whoever reaches Temporal could decide as anybody; write refuse", at.path)
	}
}

// reasons are what can need a reason of its own.
var reasons = append(texts(append(dr.Verbs(), dr.VerbAcknowledge)), dr.ForWaiver)

func (l *loader) checkReasons(at node, f policyFields) {
	if f.ReasonFor == nil {
		return
	}
	for i, r := range *f.ReasonFor {
		if !slices.Contains(reasons, r) {
			item := at.at(fmt.Sprintf("reason_for.%d", i))
			l.add(item.line, "%s is %q, which nobody decides; %s", item.path, dr.Clip(r, 40), suggest(r, reasons))
		}
	}
}

// checkRoles complains about roles that nobody has: their decisions would never
// come.
func (l *loader) checkRoles(at node, field string, roles []string) {
	known := map[string]bool{}
	for _, p := range l.inv.People {
		for _, r := range p.Roles {
			known[r] = true
		}
	}
	for i, r := range roles {
		item := at.at(fmt.Sprintf("%s.%d", field, i))
		if l.name(item, "role", r) && !known[r] {
			l.add(item.line, "%s is %q, a role that nobody under people has", item.path, r)
		}
	}
}

func (l *loader) checkEscalation(at node, f policyFields) {
	if f.EscalateTo == nil {
		return
	}
	l.checkRoles(at, "escalate_to.roles", f.EscalateTo.Roles)
	for i, p := range f.EscalateTo.People {
		if _, ok := l.inv.People[p]; !ok && !l.peopleBad {
			item := at.at(fmt.Sprintf("escalate_to.people.%d", i))
			l.add(item.line, "%s is %q, who is not under people", item.path, dr.Clip(p, 60))
		}
	}
}
