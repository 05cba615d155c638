package planning

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
	"github.com/switchback-dr/switchback/internal/contrib"
	"github.com/switchback-dr/switchback/internal/inventory"
)

// Call is what a plan is made for.
type Call struct {
	System    *inventory.System
	Request   dr.Request
	Situation dr.Situation
	Finished  []dr.FinishedStep
	From      dr.Phase
	// Baseline is the one that this run began with; nil means the
	// situation's.
	Baseline *dr.Baseline
	Envelope dr.Envelope
	// Pin gives a host's pin; an unknown host key is a refusal.
	Pin func(host string) (dr.HostPin, error)
	Now time.Time
}

// Compose makes the plan. It does no I/O but for Pin, which reads known_hosts:
// equal input gives an equal plan.
func Compose(c Call) (dr.Plan, error) {
	if err := precheck(c); err != nil {
		return dr.Plan{}, err
	}
	d, gate, err := draft(c)
	if err != nil {
		return dr.Plan{}, err
	}
	p := dr.Plan{
		Schema: dr.PlanSchema, Envelope: c.Envelope, Procedure: c.Request.Procedure, System: c.System.Name, Product: c.System.Product,
		Mode: c.Request.Mode, From: d.From, To: d.To, Reason: c.Request.Reason, Loss: d.Loss, Waivers: d.Waivers(),
		Consequences: d.Consequences(), Nothing: nothingLeft(d.Nothing, c.Situation), Situation: c.Situation, Leaves: d.Leaves, BackTo: d.BackTo, Watch: d.Watch, Outage: d.Outage, MadeAt: c.Now,
	}
	p.Envelope.Gate = gate
	if p.Nothing == "" {
		if p.Phases, err = d.Phases(dr.PhasesAfter(c.Request.Procedure, gate)); err != nil {
			return dr.Plan{}, dr.Refuse("plan", "the plan is not well formed: %v", err).WithNext("this is a fault of the program: report it; nothing was changed")
		}
	}
	if p.Pins, err = pins(c); err != nil {
		return dr.Plan{}, err
	}
	if p.InventoryDigest, p.InventoryFields, err = c.System.Digest(); err != nil {
		return dr.Plan{}, dr.Refuse("inventory", "the inventory entry of %s has no digest: %v", c.System.Name, err)
	}
	if p.Digest, err = p.ComputeDigest(); err != nil {
		return dr.Plan{}, dr.Refuse("plan", "the plan has no digest: %v", err)
	}
	return p, nil
}

// precheck refuses what no product's plan could mend.
func precheck(c Call) error {
	r := c.Request
	if r.To != "" && !slices.Contains(c.System.Sites, r.To) {
		return dr.Refuse("unknown_site", "the system %s has no site %q", c.System.Name, r.To).WithNext("use one of: %s", strings.Join(c.System.Sites, ", "))
	}
	if err := TwoPrimaries(c.Situation); err != nil {
		return err
	}
	if err := Closed(c.Situation, r); err != nil {
		return err
	}
	if err := ForeignJobs(c.Situation); err != nil {
		return err
	}
	if r.Procedure == dr.ProcFailback && c.baseline() == nil {
		return dr.Refuse("no_baseline", "there is no record of how %s was before its takeover: not with the watch, not in a report, and the inventory has no home", c.System.Name).
			WithNext("write `home: <original primary site>` into the system's inventory entry")
	}
	return nil
}

func (c Call) baseline() *dr.Baseline {
	if c.Baseline != nil {
		return c.Baseline
	}
	return c.Situation.Baseline
}

// draft lets the contributors fill it, the adapter first. When the adapter asks
// for the form with another gate, it is asked again for that one.
func draft(c Call) (*kit.Draft, dr.Gate, error) {
	gate, why := c.Envelope.Gate, ""
	for range 2 {
		d, err := contribute(c, gate)
		if err != nil {
			return nil, "", err
		}
		if d.Instead == "" || d.Instead == gate {
			if why != "" {
				d.Consequence("The form with a copy is needed: %s", why)
			}
			return d, gate, nil
		}
		if len(dr.PhasesAfter(c.Request.Procedure, d.Instead)) == 0 {
			return nil, "", dr.Refuse("plan", "the procedure %s has no gate %s", c.Request.Procedure, d.Instead)
		}
		gate, why = d.Instead, d.InsteadWhy
	}
	return nil, "", dr.Refuse("plan", "the adapter asks for one gate and then for the other").WithNext("this is a fault of the program: report it; nothing was changed")
}

// contribute runs every contributor once, in the fixed order. A panic is a
// programming error in a contributor; it becomes a refusal, so that nothing is
// carried out.
func contribute(c Call, gate dr.Gate) (d *kit.Draft, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = dr.Refuse("plan", "the plan cannot be made: %v", p).WithNext("this is a fault of the program: report it; nothing was changed")
		}
	}()
	in := kit.PlanInput{
		Request: c.Request, Gate: gate, Situation: c.Situation, RunID: dr.ShortID(c.Envelope.OriginalRun),
		Finished: c.Finished, From: c.From, Baseline: c.baseline(),
	}
	d = kit.NewDraft()
	contributors := []kit.Contributor{
		c.System.Instance,
		contrib.Applications{List: c.System.Applications},
		contrib.Clients{List: c.System.Clients},
		contrib.VIPs{List: c.System.Clients},
		contrib.HAProxies{List: c.System.Clients},
		contrib.PgBouncers{List: c.System.Clients},
		contrib.DNS{List: c.System.Clients},
		contrib.Probes{List: c.System.Clients},
		contrib.Fences{List: c.System.Fences},
		contrib.Hooks{List: c.System.Hooks},
	}
	for i, v := range contributors {
		if err := v.Plan(in, d); err != nil {
			return nil, err
		}
		if i == 0 && (d.Nothing != "" || d.Instead != "" && d.Instead != gate) {
			return d, nil
		}
	}
	return d, nil
}

// pins nails every host that the system's steps may touch.
func pins(c Call) ([]dr.HostPin, error) {
	var out []dr.HostPin
	for _, h := range c.System.Hosts() {
		p, err := c.Pin(h.Name)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// CheckPins says, in one sentence, how a worker's inventory differs from the
// plan's; nil when it does not.
func CheckPins(sys *inventory.System, pin func(string) (dr.HostPin, error), call dr.StepCall) error {
	digest, fields, err := sys.Digest()
	if err != nil {
		return dr.Hold("inventory", "the inventory entry of %s has no digest: %v", sys.Name, err)
	}
	if digest != call.InventoryDigest {
		diff := inventory.Differences(fields, call.InventoryFields)
		return dr.HoldReplan("inventory_differs", "this worker's inventory entry of %s is not the plan's; it differs in: %s", sys.Name, dr.Clip(strings.Join(diff, ", "), 300)).
			WithNext("give every worker the same inventory, then retry; or replan")
	}
	for _, want := range call.Pins {
		have, err := pin(want.Name)
		if err != nil {
			return err
		}
		if have != want {
			return dr.HoldReplan("pin", "the host %s is %s here and %s in the plan", want.Name, pinText(have), pinText(want)).
				WithNext("find out who changed it; then retry, or replan")
		}
	}
	return nil
}

func pinText(p dr.HostPin) string {
	return fmt.Sprintf("%s@%s:%d (%s)", p.User, p.Address, p.Port, p.Fingerprint)
}

// nothingLeft says, beside that there is nothing to do, which other sites may
// accept writes for all that is known: a former primary that came back looks
// like the only one while the site that took over is not read.
func nothingLeft(why string, s dr.Situation) string {
	if why == "" {
		return ""
	}
	for _, v := range s.Sites {
		if v.AcceptsWrites == dr.Unknown {
			why += "; whether " + v.Site + " accepts writes is not known (" + dr.Clip(v.Summary, 200) + "): look there before you rely on it"
		}
	}
	return why
}
