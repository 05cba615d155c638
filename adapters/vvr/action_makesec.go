package vvr

import (
	"context"
	"fmt"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// makesecArgs turn a returned original Primary into a Secondary.
type makesecArgs struct {
	On      Place `json:"on"`
	Primary Place `json:"primary"`
	// Name is the new Primary as VVR's configuration error shows it.
	Name string `json:"name"`
	// Force throws away what never left On.
	Force bool   `json:"force,omitempty"`
	Run   string `json:"run"`
	// DiscardKB and DiscardWrites are what Force throws away, as vxrlink
	// status on On showed it for the plan; -1 when it was not known.
	DiscardKB     int64 `json:"discard_kb,omitempty"`
	DiscardWrites int64 `json:"discard_writes,omitempty"`
}

func (a makesecArgs) check() error {
	return kit.Checks(a.On.Check(), a.Primary.Check(), kit.Match(hostName, "host name", a.Name), kit.Match(kit.RunID, "run", a.Run))
}

// tryScript runs a command and keeps what it said when it failed, so that the
// next plan knows of the refusal. $1 is the mark's name.
const tryScript = `m=$HOME/.switchback/vvr/$1; shift
out=$("$@" </dev/null 2>&1); rc=$?; [ -z "$out" ] || printf '%s\n' "$out" >&2
if [ $rc != 0 ]; then mkdir -p "${m%/*}" && printf '%s\n' "$out" >"$m"; fi
exit $rc`

// refusedMark names the mark of a makesec that VVR refused.
func refusedMark(system, run string) string { return system + "-" + run + "-makesec" }

// makesec is Example 3's first command.
var makesec = kit.Spec[makesecArgs]{
	Name: "vvr.makesec",
	Kind: dr.KindIrreversible,
	Doc: "vradmin makesec on the original Primary, with the new Primary's name as printrvg shows it beside the Primary-Primary configuration error " +
		"(guide, Failing back using difference-based synchronization). Wants its data volumes closed, also with -f. -f throws away the writes that never left this host; " +
		"it is planned only after a refusal, behind a gate of its own.",
	Check: makesecArgs.check,
	Commands: func(a makesecArgs) []dr.Command {
		var opt []string
		if a.Force {
			opt = []string{"-f"}
		}
		c := a.On.tool("vradmin", append(opt, "makesec", a.On.RVG, a.Name)...)
		return []dr.Command{a.On.script(tryScript, append([]string{refusedMark(a.On.System, a.Run)}, c.Argv...)...)}
	},
	Probe: func(ctx context.Context, env kit.Env, a makesecArgs) kit.Effect {
		r, _, err := a.On.read(ctx, env, brief)
		switch {
		case err != nil:
			return kit.NotRead(a.On.Site, err)
		case r.IsSecondary():
			e := kit.Done("%s is Secondary", a.On.Site)
			if a.Force {
				e.Loss = a.discarded()
			}
			return e
		case r.IsPrimary():
			return kit.NotDone("%s is still Primary", a.On.Site)
		case r.Acting():
			e := kit.NotKnown("%s is an acting Secondary: fast failback is on", a.On.Site)
			e.Never = dr.HoldReplan("acting_secondary", "%s is an acting Secondary: makesec is not for it", a.On.Site).WithNext("replan: fbsync leads back")
			return e
		}
		return kit.NotKnown("%s: %s", a.On.Site, summary(r))
	},
	Guard:     guardMakesec,
	Interpret: interpretMakesec,
	ProofText: func(a makesecArgs) string {
		return fmt.Sprintf("vxprint -g %s -l %s on %s shows the flag secondary", a.On.DG, a.On.RVG, a.On.Host)
	},
	GuardText: func(a makesecArgs) string {
		return fmt.Sprintf("all data volumes of %s are closed; vradmin -l printrvg there shows a Primary-Primary configuration with exactly the name %s; %s is the Primary that takes I/O, without failback_logging",
			a.On.Site, a.Name, a.Primary.Site)
	},
}

// discarded tells what -f threw away.
func (a makesecArgs) discarded() *dr.LossFound {
	l := &dr.LossFound{Amount: dr.UnknownAmount(), Text: "the writes of " + a.On.Site + " that never reached " + a.Primary.Site + " are discarded; their number was not known"}
	if a.DiscardKB >= 0 {
		l.Amount = dr.Bytes(a.DiscardKB * 1024)
		l.Text = fmt.Sprintf("%s of %s (%s in its SRL) that never reached %s are discarded", dr.Count(a.DiscardWrites, "write"), a.On.Site, dr.ByteText(a.DiscardKB*1024), a.Primary.Site)
	}
	return l
}

func guardMakesec(ctx context.Context, env kit.Env, a makesecArgs) (kit.HostTime, error) {
	return guardOn(ctx, env, conf, func(r []Reading) error {
		if err := kit.Checks(a.On.usable(r[0]), a.Primary.isPrimary(r[1]), a.On.hasVradmin(r[0]), a.On.isClosed(r[0])); err != nil {
			return err
		}
		if !r[0].IsPrimary() {
			return kit.No("%s is no original Primary: %s", a.On.Site, summary(r[0]))
		}
		if r[1].RVG.Has(flagFailback) {
			return kit.No("%s logs for a fast failback: makesec is not allowed then, fbsync is", a.Primary.Site)
		}
		if name, ok := r[0].PrimaryPrimary(); !ok || name != a.Name {
			return kit.No("printrvg of %s shows no Primary-Primary configuration with the name %s: %s", a.On.Site, a.Name, configErrors(r[0]))
		}
		return nil
	}, a.On, a.Primary)
}

func configErrors(r Reading) string {
	if r.RDS == nil {
		return kit.OrNotRead(r.Text["rds"])
	}
	if len(r.RDS.Errors) == 0 {
		return "it shows no configuration error"
	}
	out := ""
	for i, e := range r.RDS.Errors {
		if i > 0 {
			out += "; "
		}
		out += e.Host + ": " + e.Text
	}
	return dr.Clip(out, 300)
}

func interpretMakesec(a makesecArgs, j kit.Job) error {
	text := said(j)
	switch {
	case j.Exit == 0 || saysUnreachable.MatchString(text):
		return nil
	case saysOpen.MatchString(text):
		return dr.Hold("volumes_open", "makesec was refused because data volumes are open at %s: %s", a.On.Site, lastSaid(j)).
			WithNext("stop what holds them and see that it does not start by itself, then retry; -f does not help with open volumes")
	case saysNotUpToDate.MatchString(text):
		if a.Force {
			return dr.Hold("not_up_to_date", "makesec -f was refused: %s", lastSaid(j)).WithNext("look at %s by hand", a.On.Site)
		}
		return dr.HoldReplan("not_up_to_date", "makesec was refused because %s holds writes that never reached %s: %s", a.On.Site, a.Primary.Site, lastSaid(j)).
			WithNext("replan: the gate opens again and says which writes makesec -f throws away")
	case saysWrongRole.MatchString(text):
		return dr.HoldReplan("wrong_name", "makesec was refused for the name %s: %s", a.Name, lastSaid(j)).
			WithNext("look at vradmin -l printrvg on %s for the name beside the Primary-Primary configuration, then replan", a.On.Site)
	}
	return nil
}
