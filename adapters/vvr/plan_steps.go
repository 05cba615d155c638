package vvr

import (
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// adder adds steps of one part of a plan at its own place within a phase.
type adder struct {
	p     *planner
	phase dr.Phase
	place kit.Place
	// tag tells steps of the same kind in one phase apart.
	tag string
}

func (a adder) slug(s string) string {
	if a.tag != "" {
		return s + "-" + a.tag
	}
	return s
}

func (a adder) add(st dr.Step) { a.p.d.Add(a.phase, a.place, st) }

// at adds steps at the product's place of a phase.
func (p *planner) at(ph dr.Phase) adder { return adder{p: p, phase: ph, place: kit.PlaceProduct} }

func (a adder) waitClosed(on string, stops bool) {
	a.add(waitClosed.Step(kit.At{
		Phase: a.phase, Slug: a.slug("wait-closed-" + on), Site: on, Title: "Wait until no program has a data volume open at " + on, Timeout: 10 * time.Minute, StopsClients: stops,
		Why: "VVR refuses to change the role of an RVG whose volumes are open",
	}, onArgs{On: a.p.place(on)}))
}

func (a adder) wait(primary, secondary string, maxKB int64, skip dr.Skip) {
	a.add(waitUpToDate.Step(kit.At{
		Phase: a.phase, Slug: a.slug("wait-" + secondary), Site: primary, Title: "Wait until " + secondary + " has what " + primary + " wrote", Timeout: 12 * time.Hour, Skip: skip,
		Why: "startrep and fbsync end with success before anything is connected; only the RLINK tells",
	}, linkArgs{Primary: a.p.place(primary), Secondary: a.p.place(secondary), MaxKB: maxKB}))
}

func (a adder) migrate(old, now string) {
	a.add(migrate.Step(kit.At{
		Phase: a.phase, Slug: a.slug("migrate"), Site: now, Title: "Migrate the Primary role from " + old + " to " + now, Timeout: 10 * time.Minute,
		Why: "both sides agree on the roles in one handshake; when it fails VVR restores the old roles",
	}, migrateArgs{Old: a.p.place(old), New: a.p.place(now)}))
}

func (a adder) checkPrimary(on string) {
	a.add(checkPrimary.Step(kit.At{
		Phase: a.phase, Slug: a.slug("check-primary"), Site: on, Title: "Read that " + on + " is Primary and takes I/O", Timeout: 2 * time.Minute,
	}, onArgs{On: a.p.place(on)}))
}

// sync adds Example 3's syncrvg. Its undo deletes its checkpoint.
func (a adder) sync(source, target, checkpoint string, full bool) {
	args := syncArgs{Source: a.p.place(source), Target: a.p.place(target), Checkpoint: checkpoint, Full: full, MaxPercent: a.p.s.set.SRLStopPercent}
	u := checkdelete.Step(kit.At{
		Phase: a.phase, Slug: a.slug("undo-sync-" + target), Site: source, Title: "Delete the checkpoint " + checkpoint + " of " + source, Timeout: 2 * time.Minute,
	}, checkpointArgs{On: args.Source, Checkpoint: checkpoint})
	title := "Synchronise " + target + " with " + source + " by difference"
	why := "only blocks whose checksums differ are sent; the checkpoint keeps the writes made meanwhile"
	if full {
		title, why = "Copy all volumes of "+source+" to "+target, "everything is sent; the checkpoint keeps the writes made meanwhile"
	}
	a.add(syncrvg.Step(kit.At{
		Phase: a.phase, Slug: a.slug("sync-" + target), Site: target, Title: title, Timeout: 48 * time.Hour, Undo: &u, Interruptible: true, Why: why,
	}, args))
}

func (a adder) start(primary, secondary, checkpoint string) {
	title, why := "Start replication to "+secondary+" from the checkpoint "+checkpoint, "writes made during the synchronisation arrive through the SRL"
	if checkpoint == "" {
		title, why = "Start automatic synchronisation of "+secondary, "VVR sends all volumes over the network and follows with what is written meanwhile"
	}
	a.add(startrep.Step(kit.At{
		Phase: a.phase, Slug: a.slug("start-" + secondary), Site: primary, Title: title, Timeout: 10 * time.Minute, Why: why,
	}, startArgs{Primary: a.p.place(primary), Secondary: a.p.place(secondary), Checkpoint: checkpoint}))
}

func (a adder) stop(primary, secondary, why string, skip dr.Skip) {
	a.add(stoprep.Step(kit.At{
		Phase: a.phase, Slug: a.slug("stop-" + secondary), Site: primary, Title: "Detach " + secondary + " from " + primary, Timeout: 10 * time.Minute, Skip: skip, Why: why,
	}, pairArgs{Primary: a.p.place(primary), Secondary: a.p.place(secondary)}))
}

func (a adder) drop(on, checkpoint string) {
	a.add(checkdelete.Step(kit.At{
		Phase: a.phase, Slug: a.slug("drop-" + checkpoint), Site: on, Title: "Delete the checkpoint " + checkpoint + " of " + on, Timeout: 5 * time.Minute, Skip: dr.SkipFree,
		Why: "an RVG holds at most 46 checkpoints; a forgotten one fails a synchronisation later",
	}, checkpointArgs{On: a.p.place(on), Checkpoint: checkpoint}))
}

// keep takes a snapshot of a target, or has people say that they do without:
// named is true where the target is a consistent copy that somebody may need.
func (a adder) keep(on, before string, named bool) {
	st, _ := a.p.s.site(on)
	if st.Snapshot != nil {
		a.add(snapshot.Step(kit.At{
			Phase: a.phase, Slug: a.slug("snapshot-" + on), Site: on, Title: "Take a snapshot of " + on, Timeout: 2 * time.Hour, Skip: dr.SkipDecision,
			Why: before + " makes its data inconsistent until it ends",
		}, snapshotArgs{On: a.p.place(on), Take: st.Snapshot.Take, Check: st.Snapshot.Check, Run: a.p.in.RunID}))
		return
	}
	if named && a.p.cache() == "" {
		a.p.d.Waive(dr.Waiver{ID: "snapshot:" + on, Text: "No snapshot of " + on + " is taken. During " + before + " its data is inconsistent: if the Primary is lost then, no copy is left."})
		return
	}
	if a.p.cache() == "" {
		a.p.d.Consequence("No snapshot of %s is taken before %s (the inventory names none): its old data is gone from then on.", on, before)
	}
}

// cache is the attribute with which VVR takes its own snapshots.
func (p *planner) cache() string {
	switch {
	case p.s.set.SnapshotCache != "":
		return "cache=" + p.s.set.SnapshotCache
	case p.s.set.SnapshotCachesize != "":
		return "cachesize=" + p.s.set.SnapshotCachesize
	}
	return ""
}

func (a adder) resync(primary, secondary string) {
	a.add(resync.Step(kit.At{
		Phase: a.phase, Slug: a.slug("resync-" + secondary), Site: primary, Title: "Replay the DCM of " + primary + " to " + secondary, Timeout: 10 * time.Minute,
		Why: "the SRL overflowed: what changed since is only in the DCM",
	}, replayArgs{Primary: a.p.place(primary), Secondary: a.p.place(secondary), Cache: a.p.cache()}))
}

func (a adder) fbsync(primary, secondary string) {
	a.add(fbsync.Step(kit.At{
		Phase: a.phase, Slug: a.slug("fbsync"), Site: secondary, Title: "Make " + secondary + " a Secondary and replay the failback log of " + primary, Timeout: 10 * time.Minute,
		Why: "the takeover kept a log of changed regions: only these are sent; makesec is not allowed here",
	}, replayArgs{Primary: a.p.place(primary), Secondary: a.p.place(secondary), Cache: a.p.cache()}))
}
