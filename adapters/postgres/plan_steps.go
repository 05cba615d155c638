package postgres

import (
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// What follows adds single steps. Each says why the step stands there.

func (p *planner) add(ph dr.Phase, st dr.Step) { p.d.Add(ph, kit.PlaceProduct, st) }

func (p *planner) stepCheckpoint(ph dr.Phase, on string) {
	p.add(ph, checkpointAction.Step(kit.At{
		Phase: ph, Slug: "checkpoint", Site: on, Title: "Write a checkpoint on " + on, Timeout: 15 * time.Minute, Skip: dr.SkipFree,
		Why: "the shutdown checkpoint within the outage then has little to write",
	}, checkpointArgs{On: p.place(on), Run: p.in.RunID}))
}

func (p *planner) stepTimeline(ph dr.Phase, on string) {
	p.add(ph, checkpointTimeline.Step(kit.At{
		Phase: ph, Slug: "checkpoint-timeline", Site: on, Title: "Write the first checkpoint on the new timeline of " + on, Timeout: 15 * time.Minute,
		Why: "until then the control file of " + on + " names the old timeline, and a rewind would go wrong",
	}, checkpointArgs{On: p.place(on), Run: p.in.RunID}))
}

// stepSlot makes a slot on a server for a standby.
func (p *planner) stepSlot(ph dr.Phase, on, standby string, undo bool) {
	a := slotArgs{On: p.place(on), Slot: p.slot(standby)}
	at := kit.At{
		Phase: ph, Slug: "slot-" + standby, Site: on, Title: "Create the replication slot of " + standby + " on " + on, Timeout: time.Minute,
		Why: "slots are not replicated, and the log that " + standby + " needs must be kept from now on",
	}
	if undo {
		u := dropSlot.Step(kit.At{Phase: ph, Slug: "undo-slot-" + standby, Site: on, Title: "Drop the slot of " + standby + " on " + on, Timeout: time.Minute}, a)
		at.Undo = &u
	}
	p.add(ph, createSlot.Step(at, a))
}

func (p *planner) stepDropSlot(ph dr.Phase, on, slot string) {
	p.add(ph, dropSlot.Step(kit.At{
		Phase: ph, Slug: "drop-" + on + "-" + slot, Site: on, Title: "Drop the left-over slot " + slot + " on " + on, Timeout: 2 * time.Minute, Skip: dr.SkipFree,
		Why: "a slot that nobody reads keeps log until the disk is full",
	}, slotArgs{On: p.place(on), Slot: slot}))
}

func (p *planner) stepSave(ph dr.Phase, on string) {
	p.add(ph, saveConfig.Step(kit.At{
		Phase: ph, Slug: "save-config", Site: on, Title: "Save the configuration files of " + on, Timeout: time.Minute, Skip: dr.SkipDecision,
		Why: "a rewind or a base backup brings the other side's",
	}, saveArgs{On: p.place(on), Run: p.in.RunID}))
}

// stepSync sets synchronous_standby_names; undo puts the observed value back.
func (p *planner) stepSync(ph dr.Phase, on, names, why string, undo bool) {
	a := syncArgs{On: p.place(on), Names: names}
	at := kit.At{Phase: ph, Slug: "synchronous", Site: on, Title: "Set synchronous_standby_names of " + on + " to '" + names + "'", Timeout: time.Minute, Skip: dr.SkipDecision, Why: why}
	if undo {
		u := setSynchronous.Step(kit.At{Phase: ph, Slug: "undo-synchronous", Site: on, Title: "Restore synchronous_standby_names of " + on, Timeout: time.Minute},
			syncArgs{On: a.On, Names: p.rs[on].Server.Synchronous})
		at.Undo = &u
	}
	p.add(ph, setSynchronous.Step(at, a))
}

// stepReady makes a restart of the old primary harmless.
func (p *planner) stepReady(ph dr.Phase, old, standby string) {
	u := p.undoPrimary(ph, "undo-ready", old, standby)
	p.add(ph, readyStandby.Step(kit.At{
		Phase: ph, Slug: "ready-standby", Site: old, Title: "Make any restart of " + old + " read-only", Timeout: time.Minute, Undo: &u,
		Why: "a reboot of " + old + " after the promotion must not make a second primary",
	}, p.upstreamArgs(old, standby)))
}

func (p *planner) upstreamArgs(on, primary string) upstreamArgs {
	return upstreamArgs{On: p.place(on), Primary: p.place(primary), Run: p.in.RunID, Conninfo: p.conninfo(on, primary), Slot: p.slot(on)}
}

func (p *planner) undoPrimary(ph dr.Phase, slug, old, standby string) dr.Step {
	on := p.place(old)
	return restorePrimary.Step(kit.At{
		Phase: ph, Slug: slug, Site: old, Title: "Let " + old + " serve again as primary", Timeout: 5 * time.Minute,
		Why: "only while " + standby + " is proven not to be promoted",
	}, restoreArgs{On: on, Standby: p.place(standby), Run: p.in.RunID, Options: on.options()})
}

func (p *planner) stepStop(ph dr.Phase, old, standby string) {
	u := p.undoPrimary(ph, "undo-stop", old, standby)
	p.add(ph, stopPrimary.Step(kit.At{
		Phase: ph, Slug: "stop", Site: old, Title: "Stop " + old, Timeout: 2 * time.Minute, Undo: &u, StopsClients: true,
		Why: "the fast shutdown is the fence: it ends every session and sends all log to " + standby,
	},
		stopArgs{On: p.place(old), Standby: p.place(standby), Name: p.app(standby), Timeline: p.rs[old].Timeline(), MaxLag: p.s.set.MaxLagMB * 1_000_000, Wait: 6000}))
}

func (p *planner) stepProve(ph dr.Phase, old, standby string) {
	p.add(ph, proveShutdown.Step(kit.At{
		Phase: ph, Slug: "prove-shutdown", Site: standby, Title: "Prove that " + standby + " holds the shutdown checkpoint of " + old, Timeout: 20 * time.Second,
		Why: "only then nothing that was acknowledged is lost; without the proof there is no promotion",
	},
		proveArgs{Old: p.place(old), Standby: p.place(standby), Timeline: p.rs[old].Timeline()}))
}

func (p *planner) stepPromote(ph dr.Phase, old, standby, held string, timeline uint32) {
	p.add(ph, promote.Step(kit.At{
		Phase: ph, Slug: "promote", Site: standby, Title: "Promote " + standby, Timeout: 2 * time.Minute,
		Why: "the point of no return: " + standby + " becomes the primary on a new timeline",
	},
		promoteArgs{On: p.place(standby), Old: p.place(old), Held: held, Timeline: timeline}))
}

// verify proves the new primary by a write.
func (p *planner) verify(ph dr.Phase, on string, after uint32) {
	p.add(ph, checkPrimary.Step(kit.At{Phase: ph, Slug: "check-primary", Site: on, Title: "Read that " + on + " is primary on a new timeline", Timeout: time.Minute},
		primaryArgs{On: p.place(on), After: after}))
	p.add(ph, testWrite.Step(kit.At{
		Phase: ph, Slug: "test-write", Site: on, Title: "Commit a test write on " + on, Timeout: time.Minute, Skip: dr.SkipDecision,
		Why: "a select would be green while every commit hangs",
	}, writeArgs{On: p.place(on), Run: p.in.RunID}))
}

// startAndWait starts a standby and waits until it streams.
func (p *planner) startAndWait(ph dr.Phase, on, primary string, fresh bool) {
	pl := p.place(on)
	if fresh {
		pl.System = p.place(primary).System
	}
	p.add(ph, startStandby.Step(kit.At{Phase: ph, Slug: "start-" + on, Site: on, Title: "Start " + on + " as a standby of " + primary, Timeout: 10 * time.Minute},
		startArgs{On: pl, Primary: p.place(primary), Fresh: fresh, Options: pl.options()}))
	p.stepWait(ph, on, primary, 0)
}

func (p *planner) stepWait(ph dr.Phase, on, primary string, maxLag int64) {
	p.add(ph, waitStreaming.Step(kit.At{
		Phase: ph, Slug: "wait-streaming-" + on, Site: primary, Title: "Wait until " + on + " streams from " + primary, Timeout: 30 * time.Minute, Skip: dr.SkipDecision,
		Why: "an exit code of 0 from a start is no proof of replication",
	}, streamArgs{Primary: p.place(primary), Name: p.app(on), MaxLag: maxLag}))
}

// repointSiblings turns the other standbys before the old primary is started
// again: an archive may hand them its last segment otherwise.
func (p *planner) repointSiblings(ph dr.Phase, siblings []string, primary string) {
	for _, sib := range siblings {
		p.repointOne(ph, sib, primary)
	}
}

func (p *planner) repointOne(ph dr.Phase, sib, primary string) {
	up, _ := p.s.site(primary)
	p.add(ph, repoint.Step(kit.At{Phase: ph, Slug: "repoint-" + sib, Site: sib, Title: "Turn " + sib + " to " + primary, Timeout: 5 * time.Minute, Skip: dr.SkipDecision},
		repointArgs{On: p.place(sib), Primary: p.place(primary), Conninfo: p.conninfo(sib, primary), Slot: p.slot(sib), Address: up.Listen, Port: up.Place.Port}))
}
