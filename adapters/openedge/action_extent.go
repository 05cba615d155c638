package openedge

import (
	"context"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// extentArgs apply one AI extent of the lost source.
type extentArgs struct {
	On   Place  `json:"on"`
	Old  Place  `json:"old"`
	Path string `json:"path"`
	// Sequence is the after-image file that the extent holds.
	Sequence int64  `json:"sequence"`
	Run      string `json:"run"`
}

func (a extentArgs) out() string {
	return a.On.Spool + "/" + a.On.base() + "-" + a.Run + "-" + strings.ReplaceAll(strings.TrimPrefix(a.Path, "/"), "/", "_") + ".applied"
}

// applyExtent brings what the old source wrote and its server had not sent.
var applyExtent = kit.Spec[extentArgs]{
	Name: "openedge.apply_extent",
	Kind: dr.KindChange,
	Doc: "dsrutil -C applyextent PATH: a target in pre-transition applies an after-image extent of the lost source that it can read; in the order of their numbers. " +
		"Only with transition=manual. Manual: \"DSRUTIL applyextent\".",
	Check: func(a extentArgs) error {
		return kit.Checks(a.On.Check(), a.Old.Check(), pathOK(a.Path), kit.Match(kit.RunID, "run", a.Run))
	},
	Commands: func(a extentArgs) []dr.Command {
		return []dr.Command{a.On.kept(a.out(), a.On.dsrutil("applyextent", a.Path)...)}
	},
	Probe: func(ctx context.Context, env kit.Env, a extentArgs) kit.Effect {
		return probeOn(ctx, env, look{On: a.On, Files: []string{a.out(), a.out() + ".part"}}, func(r Reading) kit.Effect {
			f := r.Files[a.out()]
			switch {
			case r.Role() != roleTarget || r.Status.Exit != 0:
				return kit.NotKnown("%s: %s", a.On.Site, summary(r))
			case r.Status.Code == codeApplyingExtent:
				return kit.NotDone("%s is applying an extent", a.On.Site)
			case f.Exists && !endedWell(f.Lines):
				return kit.NotDone("%s was not applied: %s", a.Path, lastOf(f.Lines[:max(len(f.Lines)-1, 0)]...))
			case f.Exists:
				return kit.Done("%s was applied on %s; it says %s", a.Path, a.On.Site, r.Status.Code)
			}
			return kit.NotDone("%s was not applied yet", a.Path)
		})
	},
	Guard: func(ctx context.Context, env kit.Env, a extentArgs) (kit.HostTime, error) {
		octx, cancel := context.WithTimeout(ctx, peerPatience)
		defer cancel()
		rs, ts, errs := readEach(octx, env, look{On: a.On}, look{On: a.Old})
		if errs[0] != nil {
			return 0, errs[0]
		}
		if errs[1] == nil && rs[1].AcceptsWrites() != dr.No {
			return 0, kit.No("%s may take updates: %s", a.Old.Site, summary(rs[1]))
		}
		if !rs[0].Status.Code.pre() {
			return 0, kit.No("%s is not in pre-transition: %s", a.On.Site, summary(rs[0]))
		}
		return ts[0], a.On.isTarget(rs[0])
	},
	ProofText: func(a extentArgs) string { return a.out() + " ends with \"exit 0\"" },
	GuardText: func(a extentArgs) string {
		return a.On.Site + " is a target in pre-transition; " + a.Old.Site + " takes no updates"
	},
	Settle: 10 * time.Minute,
}
