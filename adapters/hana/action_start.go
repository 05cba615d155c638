package hana

import (
	"context"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// startSystem starts HANA on every host of a site.
var startSystem = kit.Spec[systemArgs]{
	Name:  "hana.start_system",
	Kind:  dr.KindChange,
	Doc:   "sapcontrol -function StartSystem HDB: starts HANA on every host of the site. It returns at once; the proof is GetProcessList of each host and the nameserver's own state. A secondary starts only while its primary can be reached.",
	Check: func(a systemArgs) error { return a.check(forUndo, forRegister, forPromoted) },
	Commands: func(a systemArgs) []dr.Command {
		return []dr.Command{{Host: a.On.main().Host, Login: true, Argv: []string{"sapcontrol", "-nr", a.On.Instance, "-function", "StartSystem", "HDB"}}}
	},
	Probe: func(ctx context.Context, env kit.Env, a systemArgs) kit.Effect {
		r, _, err := a.On.brief(ctx, env, partProcesses, partState)
		if err != nil {
			return notRead(a.On, err)
		}
		for _, p := range r.Processes {
			if p.Running != dr.Yes {
				e := kit.NotDone("%s does not run completely: %s%s", a.On.Site, processWords(r), a.why(ctx, env))
				e.Progress = &kit.Progress{Text: "waiting for the start of " + a.On.Site + ": " + processWords(r), At: env.Now()}
				return e
			}
		}
		if r.State.Online != dr.Yes {
			return kit.NotDone("the processes of %s run, its nameserver is not online yet%s", a.On.Site, a.why(ctx, env))
		}
		return kit.Done("%s runs on every host: %s", a.On.Site, summary(r))
	},
	Guard:     guardStart,
	Interpret: func(a systemArgs, j kit.Job) error { return serviceDown(a.On, j) },
	ProofText: func(a systemArgs) string {
		return "GetProcessList ends with 3 on every host of " + a.On.Site + ", and hdbnsutil -sr_state says online: true"
	},
	GuardText: func(a systemArgs) string {
		switch a.For {
		case forUndo:
			return a.Other.Site + " is still a secondary and no takeover is going on there"
		case forPromoted:
			return a.On.Site + " is primary by its files, and " + a.Other.Site + " is stopped or does not answer"
		}
		return "the files of " + a.On.Site + " say that it is a secondary, and " + a.Other.Site + " is the primary and open: a start makes no second primary"
	},
	Poll:   500 * time.Millisecond,
	Settle: time.Hour,
}

// why adds what the nameserver's trace says last, and where to look: some
// secondaries do not come up before their primary answers.
func (a systemArgs) why(ctx context.Context, env kit.Env) string {
	text := ""
	if out, err := readOn(ctx, env, a.On.nameserverTrace()); err == nil {
		if last := parseTrace(out.Stdout); last != "" {
			text = "; its nameserver's trace ends: " + last
		}
	}
	if a.For == forRegister {
		text += "; a secondary may not come up while its primary cannot be reached: check the network from " + a.On.Site + " to " + a.Other.Site
	}
	return text
}

func guardStart(ctx context.Context, env kit.Env, a systemArgs) (kit.HostTime, error) {
	r, at, err := a.On.brief(ctx, env, partConfig, partCluster)
	if err != nil {
		return 0, err
	}
	if err := a.On.isMine(r); err != nil {
		return 0, err
	}
	if a.For == forPromoted {
		if r.Config.Mode != "primary" {
			return 0, kit.No("the files of %s say %s, not primary", a.On.Site, r.Config.Mode)
		}
		return at, silentOrStopped(ctx, env, a.Other, kit.HeldByOutside)
	}
	o, _, err := a.Other.brief(ctx, env, partState, partConfig)
	if err != nil {
		return 0, err
	}
	if a.For == forUndo {
		return at, a.Other.isSecondary(o)
	}
	if !replModes[r.Config.Mode] {
		return 0, kit.No("the files of %s say %s: a start would make a second primary", a.On.Site, r.Config.Mode)
	}
	return at, a.Other.isOpen(ctx, env, o)
}

// outsidePatience bounds the look at a site that is expected to be silent.
const outsidePatience = 4 * time.Second

// silentOrStopped wants that an old primary, if it answers at all, is no open
// primary. It is asked shortly: the look lengthens the outage.
func silentOrStopped(ctx context.Context, env kit.Env, p Place, held string) error {
	ctx, cancel := context.WithTimeout(ctx, outsidePatience)
	defer cancel()
	r, _, err := p.brief(ctx, env, partState, partProcesses)
	switch {
	case err != nil && len(r.Gaps) > 0 && r.State == nil:
		return kit.StillHeld(held, p.Site, dr.Unknown, summary(r), err)
	case r.State != nil && r.State.Suspended == dr.Yes:
		return nil
	case r.OnlinePrimary() == dr.Yes || held == kit.HeldBySilence:
		return kit.StillHeld(held, p.Site, r.OnlinePrimary(), summary(r), nil)
	}
	return nil
}
