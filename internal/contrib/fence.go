package contrib

import (
	"context"
	"strings"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/inventory"
)

// Fences makes a site unable to take writes from a third place, where the
// adapter cannot prove it on the site itself.
type Fences struct{ List []inventory.Fence }

// fenced compares the first line of the proof with the text that proves it.
func fenced(ctx context.Context, env kit.Env, a argvArgs) (dr.Tri, string) {
	out, err := ask(ctx, env, a.Host, a.Proof)
	if err != nil {
		return dr.Unknown, "the fence's proof could not be asked for: " + dr.AsError(err, "fence").Text
	}
	first, _, _ := strings.Cut(strings.TrimSpace(out.Stdout), "\n")
	first = strings.TrimSpace(first)
	switch {
	case out.Exit != 0 || out.Truncated || first == "":
		return dr.Unknown, "the fence's proof gave no usable answer"
	case first == a.Want:
		return dr.Yes, "the fence's proof says " + dr.Clip(first, 80)
	}
	return dr.No, "the fence's proof says " + dr.Clip(first, 80) + ", not " + a.Want
}

var fenceOn = kit.Spec[argvArgs]{
	Name: "fence.on", Kind: dr.KindChange, Check: argvArgs.check, Commands: argvArgs.command,
	Doc:       "Takes a site out from a third place (power, hypervisor, storage, network) and proves it.",
	Probe:     proven(fenced, dr.Yes),
	Guard:     answers,
	ProofText: func(a argvArgs) string { return a.proofLine() + " prints " + a.Want },
}

var fenceOff = kit.Spec[argvArgs]{
	Name: "fence.off", Kind: dr.KindChange, Check: argvArgs.check, Commands: argvArgs.command,
	Doc:       "Releases a fence after the site behind it cannot be a primary any more.",
	Probe:     proven(fenced, dr.No),
	Guard:     answers,
	ProofText: func(a argvArgs) string { return a.proofLine() + " prints anything but " + a.Want },
}

// Plan adds a fence for every need that the adapter cannot meet, and releases
// the returning site's fences in a failback once it has been converted. What
// stays unmet becomes a waiver: a statement that people make by approving.
func (c Fences) Plan(in kit.PlanInput, d *kit.Draft) error {
	if in.Gate == dr.GateConvert || in.Gate == dr.GateOverwrite {
		c.release(in, d)
		return nil
	}
	for _, need := range d.Fences() {
		if need.ByAdapter {
			continue
		}
		c.meet(d, need)
	}
	for _, need := range d.Fences() {
		if need.ByAdapter {
			continue
		}
		d.Waive(dr.Waiver{ID: "fence:" + need.Site, Text: "Nothing proves that " + need.Site + " cannot take writes (" + need.Why +
			"). By approving I state that I have made sure of it by other means, and that it stays so when its hosts start again."})
	}
	return nil
}

func (c Fences) meet(d *kit.Draft, need kit.FenceNeed) {
	for _, f := range c.List {
		if f.Site != need.Site {
			continue
		}
		args := argvArgs{Name: f.Name, Host: f.Host, Run: f.On, Proof: f.Proof, Want: f.Proven}
		back := fenceOff.Step(kit.At{
			Phase: dr.PhaseIsolate, Slug: "fence-" + f.Name + ".undo", Title: "Release the fence " + f.Name,
			Site: f.Site, Timeout: f.Timeout.D(), Skip: dr.SkipDecision,
		}, argvArgs{Name: f.Name, Host: f.Host, Run: f.Off, Proof: f.Proof, Want: f.Proven})
		at := kit.At{
			Phase: dr.PhaseIsolate, Slug: "fence-" + f.Name, Title: "Fence " + f.Site + " by " + f.Name, Site: f.Site,
			Timeout: f.Timeout.D(), Why: need.Why, StopsClients: true,
		}
		if len(f.Off) > 0 {
			at.Undo = &back
		}
		d.Add(dr.PhaseIsolate, kit.PlaceFence, fenceOn.Step(at, args))
		d.Fenced(f.Site, "fenced from "+f.Host+" by "+f.Name)
		if !f.SurvivesReboot {
			d.Consequence("The fence %s does not survive a restart of the hosts of %s: keep them off until the failback.", f.Name, f.Site)
		}
		return
	}
}

// release lets the returning site go, after its conversion.
func (c Fences) release(in kit.PlanInput, d *kit.Draft) {
	ph := dr.PhaseResynchronise
	if in.Gate == dr.GateOverwrite {
		ph = dr.PhaseStartReplication
	}
	for _, f := range c.List {
		if f.Site != d.To || len(f.Off) == 0 {
			continue
		}
		d.Add(ph, kit.PlaceHookBefore, fenceOff.Step(kit.At{
			Phase: ph, Slug: "unfence-" + f.Name, Title: "Release the fence " + f.Name, Site: f.Site,
			Timeout: f.Timeout.D(), Skip: dr.SkipDecision, Why: f.Site + " is no primary any more and must be reachable for replication",
		},
			argvArgs{Name: f.Name, Host: f.Host, Run: f.Off, Proof: f.Proof, Want: f.Proven}))
	}
}
