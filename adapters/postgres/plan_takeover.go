package postgres

import (
	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// sides are the two sites of a change of roles.
type sides struct {
	// Old gives up the primary role, New gets it.
	Old, New string
	Siblings []string
}

func (p *planner) takeover() error {
	to := p.in.Request.To
	if err := p.s.sites.Known(p.s.name, to); err != nil {
		return err
	}
	if prim := p.in.Situation.Primaries(); len(prim) == 1 && prim[0] == to {
		return p.alreadyPrimary(to)
	}
	v, err := p.sides(to)
	if err != nil {
		return err
	}
	p.d.From, p.d.To = v.Old, v.New
	if err := p.promotable(v); err != nil {
		return err
	}
	if p.in.Request.Mode == dr.ModePlanned {
		return p.planned(v, kit.TakeoverPhases)
	}
	return p.unplanned(v)
}

// sides finds who is, or was, the primary.
func (p *planner) sides(to string) (sides, error) {
	v := sides{Old: p.s.sites.OldPrimary(p.in.Situation, to, ""), New: to}
	if _, ok := p.s.site(v.Old); !ok {
		return v, dr.Refuse("no_primary", "no site of %s says that it is, or was, the primary", p.s.name).WithNext("find out by hand which site was the primary and make it readable")
	}
	v.Siblings = p.siblings(v.Old, v.New)
	return v, nil
}

// promotable refuses a site that must not become primary.
func (p *planner) promotable(v sides) error {
	r, ok := p.rs[v.New]
	if !ok {
		return dr.Refuse("unreadable", "%s could not be read, so it cannot be promoted", v.New).WithNext("bring its host back, or choose another site")
	}
	if r.Rewind != "" {
		return dr.Refuse("rewind_open", "a rewind of %s did not end: its data is not usable", v.New).WithNext("reseed %s", v.New)
	}
	if err := p.silent(v.New); err != nil {
		return err
	}
	switch {
	case r.InRecovery() == dr.Yes:
	case r.InRecovery() == dr.Unknown && r.Running != dr.No:
		return dr.Refuse("unclear", "whether %s is a running standby is not known: %s", v.New, summary(r)).WithNext("find out why it could not be read, or choose another site")
	default:
		return dr.Refuse("no_standby", "%s is no running standby: %s", v.New, summary(r)).WithNext("start it as a standby, or choose another site")
	}
	held, ok := r.Held()
	if !ok || r.Timeline() == 0 {
		return dr.Refuse("no_position", "%s told no log position", v.New).WithNext("look into the server's log on %s, or choose another site", v.New)
	}
	for _, other := range v.Siblings {
		o := p.rs[other]
		h, ok := o.Held()
		if ok && (o.Timeline() > r.Timeline() || (o.Timeline() == r.Timeline() && h > held)) && p.in.Request.Mode == dr.ModeUnplanned {
			return dr.Refuse("behind", "%s is behind %s: it holds %s on timeline %d, %s holds %s on timeline %d", v.New, other, held, r.Timeline(), other, h, o.Timeline()).
				WithNext("take over to %s", other)
		}
	}
	return nil
}

// silent refuses a site where no PostgreSQL answers: it is not where the
// inventory says, or it does not let us in.
func (p *planner) silent(name string) error {
	r := p.rs[name]
	st, _ := p.s.site(name)
	switch {
	case r.DataExists == dr.No:
		return dr.Refuse("no_data", "there is no PostgreSQL on %s: it has no directory %s", name, st.Place.Data).
			WithNext("correct data of %s in the inventory, or reseed %s", name, name)
	case r.Running == dr.Yes && r.Server == nil:
		return dr.Refuse("no_answer", "PostgreSQL on %s runs, but psql got no answer from it: %s", name, kit.OrNotRead(r.SQLError)).
			WithNext("check bin, socket, port, user and the user's password for %s", name)
	}
	return nil
}

// planned is a change of roles without loss. Only stop, proof and promotion
// lie within the outage.
func (p *planner) planned(v sides, ph kit.PhaseNames) error {
	old := p.rs[v.Old]
	stopped := old.Running == dr.No && old.Control.State == stateShutDown
	if err := p.plannable(v, stopped); err != nil {
		return err
	}
	if stopped {
		p.d.Empty(ph.Prepare, "%s is shut down already", v.Old)
	} else {
		p.prepare(v, ph.Prepare)
	}
	p.stepReady(ph.Stop, v.Old, v.New)
	p.stepStop(ph.Stop, v.Old, v.New)
	p.stepProve(ph.Prove, v.Old, v.New)
	p.stepPromote(ph.Promote, v.Old, v.New, heldByShutdown, old.Timeline())
	p.d.Empty(ph.Redirect, "PostgreSQL itself redirects nobody: clients with several hosts and target_session_attrs=read-write find %s", v.New)
	p.verify(ph.Verify, v.New, old.Timeline())
	p.protect(v, ph.Protect, stopped)
	p.d.NeedFence(fenceByShutdown(v.Old))
	if ph.Stop == dr.PhaseIsolate {
		p.d.BackTo = dr.PhasePrepare
	}
	p.d.Loss = dr.Loss{
		Kind: dr.LossNone, Certain: dr.Amount{Bytes: 0, Transactions: 0, Millis: -1},
		Why: "the promotion waits for the proof that " + v.New + " holds the shutdown checkpoint of " + v.Old + "; without it " + v.Old + " is started again",
	}
	p.d.Outage = "less than a second, from the stop of " + v.Old + " to the promotion of " + v.New
	p.consequencesPlanned(v, old)
	return nil
}

func (p *planner) plannable(v sides, stopped bool) error {
	old, ok := p.rs[v.Old]
	if !ok {
		return dr.Refuse("primary_unreadable", "%s could not be read: a planned takeover needs both sides", v.Old).
			WithNext(`use mode "unplanned" if %s is lost`, v.Old)
	}
	if stopped {
		return nil
	}
	if err := p.silent(v.Old); err != nil {
		return err
	}
	switch {
	case old.InRecovery() == dr.No:
	case old.InRecovery() == dr.Unknown && old.Running != dr.No:
		return dr.Refuse("unclear", "whether %s is a running primary is not known: %s", v.Old, summary(old)).WithNext(`find out why it could not be read; use mode "unplanned" only if it is lost`)
	default:
		return dr.Refuse("no_primary", "%s is no running primary: %s", v.Old, summary(old)).WithNext(`use mode "unplanned"`)
	}
	to := p.rs[v.New]
	row, found := old.FindRepl(p.app(v.New))
	switch {
	case !found || row.State != "streaming" || to.Receiver == nil:
		return dr.Refuse("not_streaming", "%s does not stream from %s as %q", v.New, v.Old, p.app(v.New)).
			WithNext("repair replication (application_name in primary_conninfo of %s must be %q), or reseed %s", v.New, p.app(v.New), v.New)
	case row.Replay != nil && old.Server.Current != nil && *old.Server.Current > *row.Replay && int64(*old.Server.Current-*row.Replay) > p.s.set.MaxLagMB*1_000_000:
		return dr.Refuse("lag", "%s is %s behind, the limit is %s", v.New, dr.ByteText(int64(*old.Server.Current-*row.Replay)), dr.ByteText(p.s.set.MaxLagMB*1_000_000)).
			WithNext("wait until it has caught up, or raise max_lag_mb")
	case to.Server.Pause == nil:
		return dr.Refuse("unclear", "whether replay runs on %s is not known", v.New).WithNext("look into the server's log on %s", v.New)
	case *to.Server.Pause != "not paused":
		return dr.Refuse("paused", "replay on %s is paused", v.New).WithNext("select pg_wal_replay_resume() on %s", v.New)
	case to.Timeline() != old.Timeline():
		return dr.Refuse("timeline", "%s is on timeline %d and %s on %d", v.New, to.Timeline(), v.Old, old.Timeline()).WithNext("reseed %s", v.New)
	case old.Server.BaseBackups > 0:
		return dr.Refuse("base_backup", "a base backup of %s is running and would be broken off", v.Old).WithNext("wait for its end")
	}
	return nil
}

func (p *planner) prepare(v sides, ph dr.Phase) {
	p.stepSlot(ph, v.New, v.Old, true)
	for _, sib := range v.Siblings {
		p.stepSlot(ph, v.New, sib, true)
	}
	if r := p.rs[v.New]; r.Server.Synchronous != "" {
		p.stepSync(ph, v.New, "", "a name of a server that is not there would let every commit on "+v.New+" hang", true)
	}
	p.stepSave(ph, v.Old)
	p.stepCheckpoint(ph, v.Old)
}

// protect makes the old primary the standby of the new one.
func (p *planner) protect(v sides, ph dr.Phase, stopped bool) {
	if stopped {
		p.stepSlot(ph, v.New, v.Old, false)
		for _, sib := range v.Siblings {
			p.stepSlot(ph, v.New, sib, false)
		}
	}
	p.stepTimeline(ph, v.New)
	p.repointSiblings(ph, v.Siblings, v.New)
	p.startAndWait(ph, v.Old, v.New, false)
	if names := p.synchronousAfter(v); names != "" {
		p.stepSync(ph, v.New, names, "the system was synchronous and stays so with the roles exchanged", false)
	}
	p.dropLeft(v, ph)
}

// synchronousAfter gives synchronous_standby_names for the new primary: the old
// one's with the names exchanged, or what the baseline says that it had.
func (p *planner) synchronousAfter(v sides) string {
	if p.s.set.Synchronous != "keep" {
		return ""
	}
	if old := p.rs[v.Old]; old.Server != nil && old.Server.Synchronous != "" {
		names := swapNames(old.Server.Synchronous, p.app(v.New), p.app(v.Old))
		if !syncNames.MatchString(names) {
			p.d.Consequence("synchronous_standby_names of %s holds unusual names: set it on %s by hand afterwards.", v.Old, v.New)
			return ""
		}
		return names
	}
	if b := p.in.Baseline; b != nil && p.in.Request.Procedure == dr.ProcFailback {
		for _, s := range b.Sites {
			if n := s.Settings["synchronous_standby_names"]; s.Site == v.New && syncNames.MatchString(n) {
				return n
			}
		}
	}
	return ""
}

// dropLeft drops the slots that the exchange of roles leaves without a reader.
func (p *planner) dropLeft(v sides, ph dr.Phase) {
	done := map[string]bool{}
	drop := func(on, slot string) {
		if slot != "" && !done[on+" "+slot] {
			done[on+" "+slot] = true
			p.stepDropSlot(ph, on, slot)
		}
	}
	// The reader of this slot has just become the primary.
	if to := p.rs[v.New]; to.Server != nil {
		if _, ok := p.rs[v.Old].FindSlot(to.Server.Slot); ok {
			drop(v.Old, to.Server.Slot)
		}
	}
	for _, sib := range v.Siblings {
		if r := p.rs[sib]; r.Server != nil {
			if _, ok := p.rs[v.Old].FindSlot(r.Server.Slot); ok {
				drop(v.Old, r.Server.Slot)
			}
		}
	}
	keep := []string{p.slot(v.Old)}
	for _, sib := range v.Siblings {
		keep = append(keep, p.slot(sib))
	}
	for _, on := range []string{v.Old, v.New} {
		for _, s := range p.leftSlots(on, keep...) {
			drop(on, s)
		}
	}
}

func (p *planner) consequencesPlanned(v sides, old Reading) {
	p.d.Consequence("All sessions on %s end; transactions that are open then are rolled back.", v.Old)
	if old.Server != nil && old.Server.Prepared > 0 {
		p.d.Consequence("Prepared transactions are open on %s; they stay open on %s.", v.Old, v.New)
	}
	if old.Server != nil && old.Server.Long > 0 {
		p.d.Consequence("Transactions older than five minutes run on %s and are killed.", v.Old)
	}
	p.d.Consequence("Unlogged tables are empty on %s; sequences may jump; logical slots older than version 17 are not there.", v.New)
	p.drift(v)
}

// drift tells of settings that stop a standby from replaying.
func (p *planner) drift(v sides) {
	a, b := p.rs[v.Old].Server, p.rs[v.New].Server
	if a == nil || b == nil {
		return
	}
	for _, s := range []struct {
		name string
		a, b int
	}{
		{"max_connections", a.MaxConnections, b.MaxConnections},
		{"max_worker_processes", a.MaxWorkers, b.MaxWorkers},
		{"max_wal_senders", a.MaxSenders, b.MaxSenders},
		{"max_prepared_transactions", a.MaxPrepared, b.MaxPrepared},
		{"max_locks_per_transaction", a.MaxLocks, b.MaxLocks},
	} {
		if s.a < s.b {
			p.d.Consequence("%s is %d on %s and %d on %s: %s as a standby will pause its recovery until it is raised.", s.name, s.a, v.Old, s.b, v.New, v.Old)
		}
	}
}
