package vvr

import (
	"context"
	"fmt"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// migrateArgs are the arguments of a planned change of roles.
type migrateArgs struct {
	Old Place `json:"old"`
	New Place `json:"new"`
}

func (a migrateArgs) check() error { return kit.Checks(a.Old.Check(), a.New.Check()) }

// migrate exchanges the roles with both sides up. VVR restores the original
// configuration when it fails on any host.
var migrate = kit.Spec[migrateArgs]{
	Name: "vvr.migrate",
	Kind: dr.KindIrreversible,
	Doc: "vradmin -s migrate: the planned change of roles (guide, Migrating a Primary). Wants all data volumes closed, every attached RLINK connected " +
		"and every Secondary up to date; replication in the other direction starts by itself.",
	Check: migrateArgs.check,
	Commands: func(a migrateArgs) []dr.Command {
		return []dr.Command{a.Old.tool("vradmin", "-s", "migrate", a.Old.RVG, a.New.VVRHost)}
	},
	Probe: func(ctx context.Context, env kit.Env, a migrateArgs) kit.Effect {
		rs, _, errs := readAll(ctx, env, brief, a.Old, a.New)
		for i, p := range []Place{a.Old, a.New} {
			if errs[i] != nil {
				return kit.NotRead(p.Site, errs[i])
			}
		}
		switch {
		case rs[0].IsSecondary() && rs[1].IsPrimary() && rs[1].RVG.Kernel == kernelEnabled:
			return kit.Done("%s is Primary and %s is Secondary", a.New.Site, a.Old.Site)
		case rs[0].IsPrimary() && rs[1].IsSecondary():
			return kit.NotDone("%s is still Primary and %s Secondary", a.Old.Site, a.New.Site)
		}
		return kit.NotKnown("in between: %s: %s; %s: %s", a.Old.Site, summary(rs[0]), a.New.Site, summary(rs[1]))
	},
	Guard: func(ctx context.Context, env kit.Env, a migrateArgs) (kit.HostTime, error) {
		return guardOn(ctx, env, conf, func(r []Reading) error {
			err := kit.Checks(a.Old.isPrimary(r[0]), a.New.isSecondary(r[1]), a.Old.hasVradmin(r[0]), a.New.hasVradmin(r[1]),
				a.Old.isClosed(r[0]), a.New.isClosed(r[1]), allUpToDate(r[0], a.Old))
			if err != nil {
				return err
			}
			if b := behindOf(r[0], a.New); !b.UpToDate() {
				return kit.No("%s", b.text(a.New))
			}
			return noConfigError(r[0], a.Old, a.New)
		}, a.Old, a.New)
	},
	Interpret: func(a migrateArgs, j kit.Job) error {
		text := said(j)
		switch {
		case j.Exit == 0 || saysUnreachable.MatchString(text):
			return nil
		case saysNotUpToDate.MatchString(text):
			return dr.Hold("not_up_to_date", "migrate was refused because a Secondary is not up to date: %s", lastSaid(j)).
				WithNext("see that no program writes at %s, wait until vxrlink status says up to date, then retry", a.Old.Site)
		case saysOpen.MatchString(text):
			return dr.Hold("volumes_open", "migrate was refused because data volumes are open: %s", lastSaid(j)).
				WithNext("stop what holds them (fuser, mount) at %s and %s, then retry", a.Old.Site, a.New.Site)
		}
		return nil
	},
	ProofText: func(a migrateArgs) string {
		return fmt.Sprintf("vxprint -l shows the flag primary on %s and secondary on %s", a.New.Host, a.Old.Host)
	},
	GuardText: func(a migrateArgs) string {
		return fmt.Sprintf("%s is Primary and %s Secondary, all data volumes of both are closed, every attached RLINK of %s is connected and up to date, no group of VCS is in charge",
			a.Old.Site, a.New.Site, a.Old.Site)
	},
	Settle: 60 * time.Second,
}

// allUpToDate wants what migrate wants of every RLINK that takes part.
func allUpToDate(r Reading, p Place) error {
	if r.Text["rlink"] != "" {
		return kit.No("the RLINKs of %s were not recognised: %s", p.Site, r.Text["rlink"])
	}
	for _, l := range r.RLinks {
		if !l.Has(flagAttached) {
			continue
		}
		b := behindOf(r, Place{Site: l.Remote, VVRHost: l.Remote})
		if !b.UpToDate() {
			return kit.No("migrate wants every Secondary up to date, and %s", b.text(Place{Site: l.Remote}))
		}
	}
	return nil
}

func noConfigError(r Reading, p Place, others ...Place) error {
	names := []string{p.VVRHost}
	for _, o := range others {
		names = append(names, o.VVRHost)
	}
	if e, found := r.ConfigError(names...); found {
		return kit.No("vradmin shows a configuration error of %s: %s: %s", p.Site, e.Host, e.Text)
	}
	return nil
}

// takeoverArgs are the arguments of an unplanned change of roles.
type takeoverArgs struct {
	On  Place `json:"on"`
	Old Place `json:"old"`
	// Fast is "on", "auto" or "off", as fast_failback of the inventory.
	Fast string `json:"fast_failback"`
}

func (a takeoverArgs) check() error {
	if words := oneOf(a.Fast, []string{fastOn, fastAuto, fastOff}); words != "" {
		return fmt.Errorf("fast_failback %q is not %s", dr.Clip(a.Fast, 20), words)
	}
	return kit.Checks(a.On.Check(), a.Old.Check())
}

// takeoverAction makes a Secondary a Primary without the old one.
var takeoverAction = kit.Spec[takeoverArgs]{
	Name: "vvr.takeover",
	Kind: dr.KindIrreversible,
	Doc: "vradmin takeover on the Secondary that takes over, only while the Primary is unreachable from it (guide, Taking over from an original Primary). " +
		"It removes the original Primary from the RDS. -N: no fast failback, -autofb: the way back begins by itself. Never sent again before the role was read.",
	Check: takeoverArgs.check,
	Commands: func(a takeoverArgs) []dr.Command {
		opt := map[string][]string{fastAuto: {"-autofb"}, fastOff: {"-N"}}[a.Fast]
		return []dr.Command{a.On.tool("vradmin", append(opt, "takeover", a.On.RVG)...)}
	},
	Probe: func(ctx context.Context, env kit.Env, a takeoverArgs) kit.Effect {
		r, _, err := a.On.read(ctx, env, brief)
		switch {
		case err != nil:
			return kit.NotRead(a.On.Site, err)
		case r.IsPrimary() && r.RVG.Kernel == kernelEnabled:
			return kit.Done("%s is Primary", a.On.Site)
		case r.IsSecondary():
			return kit.NotDone("%s is still Secondary", a.On.Site)
		}
		return kit.NotKnown("%s: %s", a.On.Site, summary(r))
	},
	Guard: func(ctx context.Context, env kit.Env, a takeoverArgs) (kit.HostTime, error) {
		rs, ts, errs := readAll(ctx, env, conf, a.On, a.Old)
		if errs[0] != nil {
			return 0, errs[0]
		}
		if errs[1] == nil && rs[1].AcceptsWrites() != dr.No {
			return 0, kit.No("the Primary %s answers: %s", a.Old.Site, summary(rs[1]))
		}
		if errs[1] != nil && !dr.HasCode(errs[1], "unreachable") {
			return 0, kit.No("the host of the Primary %s answers and could not be read: %s", a.Old.Site, dr.AsError(errs[1], "read").Text)
		}
		if err := kit.Checks(a.On.isSecondary(rs[0]), a.On.hasVradmin(rs[0])); err != nil {
			return 0, err
		}
		return ts[0], a.guardLink(rs[0])
	},
	Interpret: func(a takeoverArgs, j kit.Job) error {
		if j.Exit != 0 && saysReachable.MatchString(said(j)) {
			return dr.Hold("primary_answers", "takeover was refused because the Primary answers: %s", lastSaid(j)).
				WithNext("find out whether %s is alive; use a planned takeover, or fence it and retry after 20 s", a.Old.Site)
		}
		return nil
	},
	ProofText: func(a takeoverArgs) string {
		return fmt.Sprintf("vxprint -g %s -l %s on %s shows the flag primary", a.On.DG, a.On.RVG, a.On.Host)
	},
	GuardText: func(a takeoverArgs) string {
		return fmt.Sprintf("%s is a consistent Secondary, its RLINK to %s is disconnected, the host of %s does not answer or its RVG takes no I/O, no group of VCS is in charge",
			a.On.Site, a.Old.Site, a.Old.Site)
	},
	Settle: 60 * time.Second,
}

// guardLink wants a consistent copy that has lost its Primary.
func (a takeoverArgs) guardLink(r Reading) error {
	l, ok := r.LinkTo(a.Old.VVRHost)
	switch {
	case !ok || r.Text["rlink"] != "":
		return kit.No("%s has no RLINK to %s that is recognised", a.On.Site, a.Old.Site)
	case !l.Has("consistent"):
		return kit.No("the data of %s is not consistent: %v", a.On.Site, l.Flags)
	case l.Has("connected") || !l.Has("disconnected"):
		return kit.No("the RLINK %s of %s is not disconnected from %s", l.Name, a.On.Site, a.Old.Site)
	}
	return nil
}
