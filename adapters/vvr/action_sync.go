package vvr

import (
	"context"
	"fmt"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// syncArgs synchronise a Secondary's volumes with the Primary's.
type syncArgs struct {
	Source Place `json:"source"`
	Target Place `json:"target"`
	// Checkpoint carries the run: one of last week must not count.
	Checkpoint string `json:"checkpoint"`
	// Full copies everything instead of comparing.
	Full bool `json:"full,omitempty"`
	// MaxPercent is how full the SRL may get.
	MaxPercent int64 `json:"max_percent"`
}

func (a syncArgs) check() error {
	if a.MaxPercent < 10 || a.MaxPercent > 95 {
		return fmt.Errorf("max_percent is %d, not 10 to 95", a.MaxPercent)
	}
	if a.Source.Host == a.Target.Host {
		return fmt.Errorf("source and target are the same host")
	}
	return kit.Checks(a.Source.Check(), a.Target.Check(), kit.Match(checkpointName, "checkpoint", a.Checkpoint))
}

// syncScript deletes what an earlier attempt left of its own checkpoint, runs
// the synchronisation and ends it before the checkpoint overflows: whatever
// becomes of the worker, the host itself watches. $1 how full the SRL may get
// in per cent, $2 the checkpoint, $3 "sudo -n" or nothing, $4 vxrvg, $5 disk
// group, $6 RVG, then the command. Exit code 75 means that it was ended.
const syncScript = `max=$1; cp=$2; pre=$3; vxrvg=$4; dg=$5; rvg=$6; shift 6
row() { $pre "$vxrvg" -g "$dg" cplist "$rvg" </dev/null 2>/dev/null | awk -v n="$cp" '$1 == n'; }
if [ -n "$(row)" ]; then $pre "$vxrvg" -g "$dg" -c "$cp" checkdelete "$rvg" </dev/null || exit 1; fi
"$@" </dev/null & pid=$!
n=0
while kill -0 $pid 2>/dev/null || $pre kill -0 $pid 2>/dev/null; do
	n=$((n + 1)); if [ $n -lt 50 ]; then sleep 0.1; else sleep 2; fi
	full=$(row | awk '/[Oo]verflow/ { print 100; exit } { for (i = 2; i < NF; i++) if ($i ~ /^[0-9.]+%?$/) p = $i } END { print int(p) }')
	if [ "${full:-0}" -ge "$max" ]; then
		echo "the SRL is $full % full for checkpoint $cp, the limit is $max %: the synchronisation is ended" >&2
		kill $pid 2>/dev/null || $pre kill $pid 2>/dev/null
		wait $pid; exit 75
	fi
done
wait $pid`

// exitFilled is syncScript's way to say that it ended the synchronisation.
const exitFilled = 75

func (a syncArgs) commands() []dr.Command {
	opt := []string{"-c", a.Checkpoint}
	if a.Full {
		opt = append(opt, "-full")
	}
	p := a.Source
	c := p.tool("vradmin", append(opt, "syncrvg", p.RVG, a.Target.VVRHost)...)
	pre := ""
	if p.Sudo {
		pre = "sudo -n"
	}
	return []dr.Command{p.script(syncScript, append([]string{fmt.Sprint(a.MaxPercent), a.Checkpoint, pre, p.Bin + "/vxrvg", p.DG, p.RVG}, c.Argv...)...)}
}

// syncrvg is Example 3's second command and Example 4's first.
var syncrvg = kit.Spec[syncArgs]{
	Name: "vvr.syncrvg",
	Kind: dr.KindChange,
	Doc: "vradmin -c CHECKPOINT syncrvg: compares the volumes by checksum and sends what differs, or everything with -full, while applications write at the Primary " +
		"(guide, Synchronizing the Secondary using difference-based synchronization). It makes the target equal to the source and destroys what the target had, so the direction is guarded each time. " +
		"The script around it ends it before the SRL overflows, because an overflowed checkpoint is of no use.",
	Check:    syncArgs.check,
	Commands: syncArgs.commands,
	Probe: func(ctx context.Context, env kit.Env, a syncArgs) kit.Effect {
		r, _, err := a.Source.read(ctx, env, brief)
		if err != nil {
			return kit.NotRead(a.Source.Site, err)
		}
		if r.RVG == nil || !r.IsPrimary() {
			return kit.NotKnown("%s: %s", a.Source.Site, summary(r))
		}
		if l, ok := r.LinkTo(a.Target.VVRHost); ok && l.Has(flagAttached) && l.Has("consistent") {
			return kit.Done("replication to %s is started already", a.Target.Site)
		}
		e := checkpointEffect(r, a.Source, a.Checkpoint)
		e.Progress = syncProgress(ctx, env, a)
		if e.State == kit.EffectDone && e.Progress == nil {
			e.Evidence = syncEvidence(ctx, env, a)
		}
		return e
	},
	Guard:     guardSync,
	Interpret: interpretSync,
	ProofText: func(a syncArgs) string {
		return fmt.Sprintf("vxrvg -g %s cplist %s on %s shows %s as Completed and below 100 %%", a.Source.DG, a.Source.RVG, a.Source.Host, a.Checkpoint)
	},
	GuardText: func(a syncArgs) string {
		return fmt.Sprintf("%s is the Primary that takes I/O and %s a Secondary with closed volumes, their RLINK is detached, sizes of the volumes are equal, fewer than %d checkpoints, the SRL is less than %d %% full",
			a.Source.Site, a.Target.Site, maxCheckpoints, a.MaxPercent)
	},
	Settle: 5 * time.Second,
}

// checkpointEffect says whether a checkpoint can be started from.
func checkpointEffect(r Reading, on Place, name string) kit.Effect {
	c, found, read := r.Checkpoint(name)
	switch {
	case !read:
		return kit.NotKnown("the checkpoints of %s were not read: %s", on.Site, kit.OrNotRead(r.Text["cp"]))
	case !found:
		return kit.NotDone("%s has no checkpoint %s", on.Site, name)
	case c.State == cpCompleted:
		return kit.Done("the checkpoint %s of %s is completed, the SRL holds %d %% since its start", name, on.Site, c.Percent)
	case c.State == cpOverflowed:
		return kit.NotDone("the checkpoint %s of %s has overflowed", name, on.Site)
	case c.State == cpStarted:
		return kit.NotDone("the checkpoint %s of %s is started and not completed", name, on.Site)
	}
	return kit.NotKnown("the state of the checkpoint %s of %s was not recognised", name, on.Site)
}

// maxCheckpoints is how many checkpoints an RVG can have (guide, Displaying
// checkpoints).
const maxCheckpoints = 46

func guardSync(ctx context.Context, env kit.Env, a syncArgs) (kit.HostTime, error) {
	return guardOn(ctx, env, volumes, func(r []Reading) error {
		s, t := r[0], r[1]
		err := kit.Checks(a.Source.isPrimary(s), a.Target.isSecondary(t), a.Source.hasVradmin(s), a.Target.hasVradmin(t),
			a.Source.detached(s, a.Target), a.Target.allDetached(t), a.Target.isClosed(t))
		if err != nil {
			return err
		}
		if !s.names(a.Target.VVRHost) {
			return kit.No("the RDS of %s has no Secondary %s", a.Source.Site, a.Target.VVRHost)
		}
		if err := a.Source.sameSizes(s, a.Target); err != nil {
			return err
		}
		if s.Checkpoints == nil {
			return kit.No("the checkpoints of %s could not be read: %s", a.Source.Site, kit.OrNotRead(s.Text["cp"]))
		}
		if n := len(*s.Checkpoints); n >= maxCheckpoints {
			return kit.No("%s has %d checkpoints and takes no more", a.Source.Site, n)
		}
		for _, c := range *s.Checkpoints {
			if c.State == cpStarted && c.Name != a.Checkpoint {
				return kit.No("the checkpoint %s of %s is started and not ended: another synchronisation may be running", c.Name, a.Source.Site)
			}
		}
		if p := s.SRLPercent(a.Checkpoint); p >= a.MaxPercent {
			return kit.No("the SRL of %s is %d %% full already", a.Source.Site, p)
		}
		return nil
	}, a.Source, a.Target)
}

// names says whether the RDS has a Secondary of this name.
func (r Reading) names(host string) bool {
	if r.RDS == nil {
		return false
	}
	for _, h := range r.RDS.Hosts {
		if h.Name == host && !h.Primary {
			return true
		}
	}
	return false
}

func interpretSync(a syncArgs, j kit.Job) error {
	text := said(j)
	switch {
	case j.Exit == 0:
		return nil
	case j.Exit == exitFilled || saysCheckpoint.MatchString(text):
		return dr.HoldReplan("srl_fill", "the synchronisation of %s was ended because the SRL of %s fills up: %s", a.Target.Site, a.Source.Site, lastSaid(j)).
			WithNext("lower the write rate or enlarge the SRL (vradmin resizesrl), then retry or replan: both delete the checkpoint and begin again")
	case saysTooMany.MatchString(text):
		return dr.Hold("checkpoints", "%s takes no more checkpoints: %s", a.Source.Site, lastSaid(j)).
			WithNext("vxrvg -g %s cplist %s; delete those that nobody needs (vxrvg -c NAME checkdelete), then retry", a.Source.DG, a.Source.RVG)
	case saysAttached.MatchString(text):
		return dr.HoldReplan("attached", "the synchronisation of %s was refused: %s", a.Target.Site, lastSaid(j)).WithNext("replan: the RLINK must be detached and the target's volumes usable")
	case saysUnreachable.MatchString(text):
		return dr.Hold("lost_contact", "the synchronisation of %s lost contact: %s", a.Target.Site, lastSaid(j)).
			WithNext("see that vradmind runs at both sites and the link is up; retry deletes the checkpoint and begins again by difference")
	}
	return nil
}
