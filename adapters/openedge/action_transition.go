package openedge

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// How the old source is kept from taking updates.
const (
	heldByFence = "fence" // closed, control area taken away
	heldByRole  = "role"  // it is a target itself
)

// transitionArgs change the role of one database.
type transitionArgs struct {
	On Place `json:"on"`
	// From and Want are the roles before and after.
	From string `json:"from"`
	Want string `json:"want"`
	// Peer is the other database: the old source when a target is
	// transitioned, the new source when the old one is.
	Peer Place `json:"peer"`
	// Held says how a peer that was the source is kept from taking updates.
	Held string `json:"held,omitempty"`
	// Online says that the target is open, in pre-transition.
	Online bool `json:"online,omitempty"`
	// Unfence says that this run's own fence is taken away immediately before.
	Unfence bool   `json:"unfence,omitempty"`
	Run     string `json:"run"`
}

func (a transitionArgs) check() error {
	switch a.Held {
	case heldByFence, heldByRole, kit.HeldByOutside, kit.HeldBySilence:
	default:
		return fmt.Errorf("held is %q", dr.Clip(a.Held, 20))
	}
	return kit.Checks(a.On.Check(), a.Peer.Check(), roleOK(a.From), roleOK(a.Want), kit.Match(kit.RunID, "run", a.Run))
}

func (p Place) transcript(run string) string {
	return p.Spool + "/" + p.base() + "-" + run + "-" + p.Site + ".transition"
}

func (a transitionArgs) out() string { return a.On.transcript(a.Run) }

func (a transitionArgs) look() look {
	return look{On: a.On, Files: []string{a.out(), a.out() + ".part"}}
}

// transitionScript takes an own fence away when $2 is not empty, and keeps the
// transcript. $1 database, $2 "unfence" or "", $3 transcript, then the command.
const transitionScript = `db=$1; if [ "$2" = unfence ] && [ -e "$db.db.switchback-fence" ] && [ ! -e "$db.db" ]; then mv "$db.db.switchback-fence" "$db.db" && rm -f "$db.switchback-fence"; fi
shift 2; ` + keptOutput

// transition changes the role of one database by itself.
var transition = kit.Spec[transitionArgs]{
	Name: "openedge.transition",
	Kind: dr.KindIrreversible,
	Doc: "dsrutil -C transition of one database: a target that has lost its server, or a database that is closed. It is partly irreversible; without recovery-backup-arguments nothing restores " +
		"the database after a failure. Manual: \"Transition command actions\", \"Transition logging\", \"Recovery from transition failures\".",
	Check: transitionArgs.check,
	Commands: func(a transitionArgs) []dr.Command {
		unfence := ""
		if a.Unfence {
			unfence = "unfence"
		}
		return []dr.Command{a.On.script(transitionScript, append([]string{a.On.Database, unfence, a.out()}, a.On.dsrutil("transition")...)...)}
	},
	Probe: func(ctx context.Context, env kit.Env, a transitionArgs) kit.Effect {
		return probeOn(ctx, env, a.look(), func(r Reading) kit.Effect { return a.judge(r, env.Now()) })
	},
	Guard: guardTransition,
	Interpret: func(a transitionArgs, j kit.Job) error {
		return transitionFailure(a.On.Site, j)
	},
	ProofText: func(a transitionArgs) string {
		return "proutil " + a.On.Database + " -C describe on " + a.On.Site + " says " + a.Want + ", no dsrutil runs, and " + a.out() + " ends with: " + transcriptEnd
	},
	GuardText: func(a transitionArgs) string {
		state := "closed"
		if a.Online {
			state = "open, in pre-transition (2080) and without a server"
		}
		return a.On.Site + " is a " + a.From + ", " + state + "; " + a.heldText()
	},
	Poll:   500 * time.Millisecond,
	Settle: 60 * time.Second,
}

func (a transitionArgs) heldText() string {
	switch a.Held {
	case heldByFence:
		return a.Peer.Site + " is closed and fenced"
	case heldByRole:
		return a.Peer.Site + " is as the plan expects it: no second source can come of it"
	default:
		return a.Peer.Site + " does not answer, or takes no updates"
	}
}

// judge reads the role back; a transcript of this run that broke off makes the
// outcome unknown even where the role has changed.
func (a transitionArgs) judge(r Reading, at time.Time) kit.Effect {
	t, running := transcriptOf(r, a.out())
	if r.Transiting() {
		e := kit.NotKnown("a transition of %s is under way: %s", a.On.Site, t.last())
		if running {
			e.State = kit.EffectNotDone
		}
		e.Progress = &kit.Progress{Text: "transition of " + a.On.Site + ": " + t.last(), At: at}
		return e
	}
	if (running && (len(t.Steps) > 0 || r.Role() != a.From)) || (len(t.Steps) > 0 && !t.good() && r.Role() == a.Want) {
		return brokenOff(a.On, t)
	}
	switch {
	case r.Fenced == dr.Yes && r.Exists == dr.No && a.Unfence:
		return kit.NotDone("%s is fenced and not transitioned", a.On.Site)
	case r.Role() == "" || r.HalfRestored() != "":
		return kit.NotKnown("%s: %s", a.On.Site, summary(r))
	case r.Role() == a.Want:
		e := kit.Done("%s is %s", a.On.Site, roleWords(r))
		e.Evidence = []dr.Evidence{{At: at, Name: "role", Text: e.Text}}
		return e
	case r.Role() != a.From:
		return kit.NotKnown("%s is %s; the plan wanted %s from %s", a.On.Site, roleWords(r), a.Want, a.From)
	}
	return kit.NotDone("%s is %s", a.On.Site, roleWords(r))
}

// transcriptOf gives the transcript of this run and whether it never ended.
func transcriptOf(r Reading, out string) (t Transcript, open bool) {
	if f := r.Files[out+".part"]; f.Exists {
		return parseTranscript(f.Lines), true
	}
	return parseTranscript(r.Files[out].Lines), false
}

// brokenOff is the effect of a transition of which nobody knows how far it came.
func brokenOff(p Place, t Transcript) kit.Effect {
	e := kit.NotKnown("the transition of %s broke off after: %s", p.Site, t.last())
	e.Never = dr.HoldReplan("transition_broken", "the transition of %s broke off after: %s", p.Site, t.last()).
		WithNext("read the log of %s and finish the transition by hand (dsrutil -C transition, or restore the recovery backup); then replan", p.Site)
	return e
}

// transitionFailure reads a finished transcript.
func transitionFailure(site string, j kit.Job) error {
	t := parseTranscript(strings.Split(j.Stdout, "\n"))
	if f := t.failed(); f != "" {
		return dr.HoldReplan("transition_failed", "the transition of %s failed at: %s", site, f).
			WithNext("read the log of %s; with recovery-backup-arguments the database is as before, else it must be mended by hand; then replan", site)
	}
	if len(t.Steps) == 0 && j.Exit != 0 {
		return dr.Hold("transition_refused", "the transition of %s was refused: %s", site, lastOf(j.Stdout, j.Stderr)).WithNext("remove the cause, then retry or replan")
	}
	return nil
}

func guardTransition(ctx context.Context, env kit.Env, a transitionArgs) (kit.HostTime, error) {
	octx, cancel := context.WithTimeout(ctx, peerPatience)
	defer cancel()
	rs, ts, errs := readEach(octx, env, look{On: a.On}, look{On: a.Peer})
	if errs[0] != nil {
		return 0, errs[0]
	}
	r := rs[0]
	if !a.Unfence || r.Fenced != dr.Yes {
		if err := a.On.usable(r); err != nil {
			return 0, err
		}
		if r.Role() != a.From {
			return 0, kit.No("%s is %s, not a %s", a.On.Site, roleWords(r), a.From)
		}
	}
	switch {
	case r.Transiting():
		return 0, kit.No("a transition of %s is under way", a.On.Site)
	case a.Online && (r.InUse() != dr.Yes || !r.Status.Code.pre()):
		return 0, kit.No("%s is not in pre-transition: %s", a.On.Site, summary(r))
	case !a.Online:
		if err := a.On.isClosed(r); err != nil {
			return 0, err
		}
	}
	return ts[0], a.peerIsHeld(rs[1], errs[1])
}

// peerIsHeld judges the other database again, directly before the transition.
func (a transitionArgs) peerIsHeld(r Reading, err error) error {
	if kit.HeldFromOutside(a.Held) {
		return kit.StillHeld(a.Held, a.Peer.Site, r.AcceptsWrites(), summary(r), err)
	}
	if err != nil {
		return err
	}
	switch {
	case a.Held == heldByFence && (r.Fenced != dr.Yes || r.Exists != dr.No || r.InUse() != dr.No):
		return kit.No("the fence of %s is gone: %s", a.Peer.Site, summary(r))
	case a.Held == heldByRole && a.From == roleSource && r.Role() != roleSource:
		return kit.No("%s did not become the source: %s", a.Peer.Site, summary(r))
	case a.Held == heldByRole && a.From == roleTarget && r.Role() != roleTarget:
		return kit.No("%s is not a target: %s", a.Peer.Site, summary(r))
	}
	return nil
}

// triggerTransition makes a target leave its server.
var triggerTransition = kit.Spec[triggerArgs]{
	Name: "openedge.trigger_transition",
	Kind: dr.KindChange,
	Doc: "dsrutil -C triggertransition: forces a target into pre-transition when its agent has not gone there by itself. Not while it talks to a server. " +
		"Manual: \"DSRUTIL triggertransition\".",
	Check: func(a triggerArgs) error { return kit.Checks(a.On.Check(), a.Old.Check()) },
	Commands: func(a triggerArgs) []dr.Command {
		return []dr.Command{a.On.run(a.On.dsrutil("triggertransition")...)}
	},
	Probe: func(ctx context.Context, env kit.Env, a triggerArgs) kit.Effect {
		return probeOn(ctx, env, look{On: a.On}, func(r Reading) kit.Effect {
			switch {
			case r.Role() == roleTarget && r.InUse() == dr.Yes && r.Status.Code.pre():
				return kit.Done("%s says %s", a.On.Site, r.Status.Code)
			case r.Role() == roleTarget && r.InUse() == dr.Yes && r.Status.Exit == 0:
				return kit.NotDone("%s says %s", a.On.Site, r.Status.Code)
			}
			return kit.NotKnown("%s: %s", a.On.Site, summary(r))
		})
	},
	Guard: func(ctx context.Context, env kit.Env, a triggerArgs) (kit.HostTime, error) {
		octx, cancel := context.WithTimeout(ctx, peerPatience)
		defer cancel()
		rs, ts, errs := readEach(octx, env, look{On: a.On}, look{On: a.Old})
		if errs[0] != nil {
			return 0, errs[0]
		}
		if errs[1] == nil && rs[1].AcceptsWrites() != dr.No {
			return 0, kit.No("%s may take updates: %s", a.Old.Site, summary(rs[1]))
		}
		return ts[0], a.On.isTarget(rs[0])
	},
	ProofText: func(a triggerArgs) string {
		return "dsrutil " + a.On.Database + " -C status -detail on " + a.On.Site + " says 2080, 2081 or 2083"
	},
	GuardText: func(a triggerArgs) string { return a.On.Site + " is a target; " + a.Old.Site + " takes no updates" },
	Poll:      500 * time.Millisecond,
	Settle:    2 * time.Minute,
}

// triggerArgs name a target and the source that it lost.
type triggerArgs struct {
	On  Place `json:"on"`
	Old Place `json:"old"`
}
