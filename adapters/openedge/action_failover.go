package openedge

import (
	"context"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// failoverArgs exchange the roles of two open databases.
type failoverArgs struct {
	Source Place  `json:"source"`
	Target Place  `json:"target"`
	Run    string `json:"run"`
}

func (a failoverArgs) out() string { return a.Source.transcript(a.Run) }

func (a failoverArgs) looks() []look {
	ls := pair(a.Source, a.Target)
	ls[0].Files = []string{a.out(), a.out() + ".part"}
	return ls
}

// failover exchanges the roles in one command of the product.
var failover = kit.Spec[failoverArgs]{
	Name: "openedge.failover",
	Kind: dr.KindIrreversible,
	Doc: "dsrutil SOURCE -C transition failover: both databases must be open and in step; users are thrown out and their open transactions rolled back; all or nothing across both databases. Its output " +
		"says nothing about the target, so that the roles of both are read back. Manual: \"DSRUTIL transition failover\", \"Failback processing using transition failover\".",
	Check: func(a failoverArgs) error {
		return kit.Checks(a.Source.Check(), a.Target.Check(), kit.Match(kit.RunID, "run", a.Run))
	},
	Commands: func(a failoverArgs) []dr.Command {
		return []dr.Command{a.Source.kept(a.out(), a.Source.dsrutil("transition", "failover")...)}
	},
	Probe: func(ctx context.Context, env kit.Env, a failoverArgs) kit.Effect {
		rs, _, err := readAll(ctx, env, a.looks()...)
		if err != nil {
			return kit.NotRead(a.Target.Site, err)
		}
		return a.judge(rs[0], rs[1], env.Now())
	},
	Guard: func(ctx context.Context, env kit.Env, a failoverArgs) (kit.HostTime, error) {
		return guardOn(ctx, env, func(r []Reading) error {
			if r[0].Transiting() || r[1].Transiting() {
				return kit.No("a transition of %s or %s is under way", a.Source.Site, a.Target.Site)
			}
			return isInStep(a.Source, a.Target, r[0], r[1])
		}, pair(a.Source, a.Target)...)
	},
	Interpret: func(a failoverArgs, j kit.Job) error { return transitionFailure(a.Source.Site, j) },
	ProofText: func(a failoverArgs) string {
		return "proutil -C describe says Target database on " + a.Source.Site + " and Source database on " + a.Target.Site + ", and " + a.out() + " ends with: " + transcriptEnd
	},
	GuardText: func(a failoverArgs) string { return inStepText(a.Source, a.Target) },
	Poll:      500 * time.Millisecond,
	Settle:    2 * time.Minute,
}

func (a failoverArgs) judge(s, t Reading, at time.Time) kit.Effect {
	tr, open := transcriptOf(s, a.out())
	if s.Transiting() || t.Transiting() {
		e := kit.NotKnown("the transition is under way: %s", tr.last())
		if open {
			e.State = kit.EffectNotDone
		}
		e.Progress = &kit.Progress{Text: "exchange of the roles: " + tr.last(), At: at}
		return e
	}
	if (open && (len(tr.Steps) > 0 || s.Role() != roleSource)) || (len(tr.Steps) > 0 && !tr.good() && t.Role() != roleTarget) {
		return brokenOff(a.Source, tr)
	}
	switch {
	case s.Role() == roleTarget && t.Role() == roleSource:
		e := kit.Done("%s is a replication source and %s a replication target", a.Target.Site, a.Source.Site)
		e.Evidence = []dr.Evidence{{At: at, Name: "roles", Text: e.Text}}
		if tr.good() {
			e.Loss = &dr.LossFound{Amount: dr.Amount{Bytes: 0, Transactions: 0, Millis: -1}, Text: "no loss: the transition synchronised both databases and completed normally"}
		}
		return e
	case s.Role() == roleSource && t.Role() == roleTarget:
		return kit.NotDone("%s is the source and %s the target", a.Source.Site, a.Target.Site)
	case s.Role() == "" || t.Role() == "":
		return kit.NotKnown("%s: %s; %s: %s", a.Source.Site, summary(s), a.Target.Site, summary(t))
	}
	e := kit.NotKnown("%s is %s and %s is %s", a.Source.Site, roleWords(s), a.Target.Site, roleWords(t))
	e.Never = dr.HoldReplan("roles_mixed", "the roles are not exchanged and not as before: %s is %s, %s is %s", a.Source.Site, roleWords(s), a.Target.Site, roleWords(t)).
		WithNext("read the logs of both; never open two sources; finish the transition by hand, then replan")
	return e
}

// primaryArgs name the database that clients shall find.
type primaryArgs struct {
	On Place `json:"on"`
	// Peers must take no updates.
	Peers []Place `json:"peers,omitempty"`
	Want  string  `json:"want"`
}

func (a primaryArgs) looks() []look {
	ls := []look{{On: a.On}}
	for _, p := range a.Peers {
		ls = append(ls, look{On: p})
	}
	return ls
}

// checkPrimary reads the roles back on both sides.
var checkPrimary = kit.Spec[primaryArgs]{
	Name: "openedge.check_primary",
	Kind: dr.KindRead,
	Doc:  "Reads that the new source is open for updates and that no other site is: a transition's output says nothing about the peer. A peer that does not answer was fenced before.",
	Check: func(a primaryArgs) error {
		for _, p := range a.Peers {
			if err := p.Check(); err != nil {
				return err
			}
		}
		return kit.Checks(a.On.Check(), roleOK(a.Want))
	},
	Commands: func(a primaryArgs) []dr.Command {
		var out []dr.Command
		for _, l := range a.looks() {
			out = append(out, l.command())
		}
		return out
	},
	Probe: func(ctx context.Context, env kit.Env, a primaryArgs) kit.Effect {
		octx, cancel := context.WithTimeout(ctx, peerPatience)
		defer cancel()
		rs, _, errs := readEach(octx, env, a.looks()...)
		if errs[0] != nil {
			return kit.NotRead(a.On.Site, errs[0])
		}
		for i, p := range a.Peers {
			if errs[i+1] == nil && rs[i+1].AcceptsWrites() == dr.Yes {
				err := dr.Hold("two_sources", "%s and %s both take updates", a.On.Site, p.Site).WithNext("stop the clients of one of them now; nothing is resolved automatically")
				return kit.Effect{State: kit.EffectNotDone, Text: err.Text, Never: err}
			}
		}
		switch r := rs[0]; {
		case r.AcceptsWrites() == dr.Yes && r.Role() == a.Want && !r.Transiting():
			return kit.Done("%s is %s and open for updates; status %s", a.On.Site, roleWords(r), r.Status.Code)
		case r.AcceptsWrites() == dr.Unknown:
			return kit.NotKnown("%s: %s", a.On.Site, summary(r))
		default:
			return kit.NotDone("%s: %s", a.On.Site, summary(r))
		}
	},
	ProofText: func(a primaryArgs) string {
		return "proutil " + a.On.Database + " -C describe on " + a.On.Site + " says " + a.Want + " and -C holder ends with 16; no other site takes updates"
	},
	Poll: 500 * time.Millisecond,
}
