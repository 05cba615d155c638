package planning

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/inventory"
)

// Compare says, in one sentence, why an approved plan does not stand any more
// against one made just now, from the given phase on. "" means that it stands:
// steps, arguments and targets are equal, the loss is within the approved bound
// and no safety fact got worse.
func Compare(approved, now dr.Plan, from dr.Phase) string {
	if now.Nothing != "" && approved.Nothing == "" {
		return "there is nothing left to do: " + now.Nothing
	}
	if approved.Envelope.Gate != now.Envelope.Gate {
		return fmt.Sprintf("the plan now needs the gate %s instead of %s", now.Envelope.Gate, approved.Envelope.Gate)
	}
	if approved.From != now.From || approved.To != now.To {
		return fmt.Sprintf("the plan now goes from %s to %s, not from %s to %s", now.From, now.To, approved.From, approved.To)
	}
	// First what explains differences of steps.
	if approved.InventoryDigest != now.InventoryDigest {
		return "this worker's inventory entry of " + now.System + " is not the plan's; it differs in: " +
			strings.Join(inventory.Differences(now.InventoryFields, approved.InventoryFields), ", ")
	}
	if why := comparePins(approved.Pins, now.Pins); why != "" {
		return why
	}
	if why := comparePhases(approved, now, from); why != "" {
		return why
	}
	if why := now.Loss.Exceeds(approved.Loss); why != "" {
		return why
	}
	if why := newWaiver(approved, now); why != "" {
		return why
	}
	return worse(approved.Situation, now.Situation)
}

// comparePins names the host that is reached in another way, or that has
// another key, than when people approved.
func comparePins(approved, now []dr.HostPin) string {
	for _, p := range now {
		if !slices.Contains(approved, p) {
			return fmt.Sprintf("the address, port, user or host key of %s has changed", p.Name)
		}
	}
	if len(approved) != len(now) {
		return "the plan now needs fewer hosts"
	}
	return ""
}

func comparePhases(approved, now dr.Plan, from dr.Phase) string {
	begun := false
	for _, a := range approved.Phases {
		begun = begun || from == "" || a.Phase == from
		if !begun {
			continue
		}
		n, ok := now.Phase(a.Phase)
		if !ok {
			return fmt.Sprintf("the phase %s is gone from the plan", a.Phase)
		}
		if why := compareSteps(a, n); why != "" {
			return why
		}
	}
	return ""
}

func compareSteps(a, n dr.PhasePlan) string {
	for i := range max(len(a.Steps), len(n.Steps)) {
		switch {
		case i >= len(n.Steps):
			return fmt.Sprintf("in %s the step %q is not needed any more", a.Phase, a.Steps[i].Title)
		case i >= len(a.Steps):
			return fmt.Sprintf("in %s a new step is needed: %s", a.Phase, n.Steps[i].Title)
		}
		x, y := a.Steps[i], n.Steps[i]
		switch {
		case x.ID != y.ID || x.Action != y.Action:
			return fmt.Sprintf("in %s the step %q was approved and %q is needed now", a.Phase, x.Title, y.Title)
		case x.Site != y.Site || x.Host != y.Host:
			return fmt.Sprintf("the step %s would now run on %s instead of %s", x.ID, y.Host, x.Host)
		case !sameArgs(x.Args, y.Args) || !slices.Equal(x.Commands, y.Commands):
			return fmt.Sprintf("the arguments of %s have changed", x.ID)
		}
	}
	return ""
}

// newWaiver: a statement that nobody made voids the approval.
func newWaiver(approved, now dr.Plan) string {
	for _, w := range now.Waivers {
		if !slices.ContainsFunc(approved.Waivers, func(o dr.Waiver) bool { return o.ID == w.ID }) {
			return "something must now be waived that was not: " + w.Text
		}
	}
	return ""
}

// worse looks for a safety fact that was as wanted when people approved and is
// not now. A fact that flaps between two bad values voids nothing.
func worse(approved, now dr.Situation) string {
	if why := worseFacts("the system", approved.Judgement.Facts, now.Judgement.Facts); why != "" {
		return why
	}
	for _, a := range approved.Sites {
		n, _ := now.Site(a.Site)
		if why := worseFacts(a.Site, a.Facts, n.Facts); why != "" {
			return why
		}
	}
	return ""
}

func worseFacts(where string, before, now []dr.Fact) string {
	for _, b := range before {
		if !b.Safety || b.Want == dr.Unknown || b.Truth != b.Want {
			continue
		}
		truth, text := dr.Unknown, "it could not be read"
		for _, n := range now {
			if n.Name == b.Name {
				truth, text = n.Truth, n.Text
			}
		}
		if truth != b.Want {
			return fmt.Sprintf("at %s the fact %s was %q and is now %q: %s", where, b.Name, b.Truth, truth, text)
		}
	}
	return ""
}

// sameArgs compares arguments by what they say: on its way through Temporal a
// plan's JSON is written anew, with other escapes for &, < and >.
func sameArgs(a, b json.RawMessage) bool {
	if bytes.Equal(a, b) {
		return true
	}
	x, errx := dr.Canonical(a)
	y, erry := dr.Canonical(b)
	return errx == nil && erry == nil && bytes.Equal(x, y)
}
