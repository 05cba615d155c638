package oceanbase

import (
	"context"
	"fmt"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// pairArgs are the arguments of proofs that look at two sides.
type pairArgs struct {
	On    Place `json:"on"`
	Other Place `json:"other"`
	// Lag is how far On may be behind, in milliseconds.
	Lag int64 `json:"lag,omitempty"`
	// Archive says that the log goes by an archive, which must be complete.
	Archive bool `json:"archive,omitempty"`
	// Source is what the restore source of On must name.
	Source *Source `json:"source,omitempty"`
	// Verifies says that VERIFY really checks in this version.
	Verifies bool `json:"verifies,omitempty"`
}

func (a pairArgs) check() error { return kit.Checks(a.On.Check(), a.Other.Check()) }

// behind compares the two logs by position, stream by stream: "" when the first
// has everything that the second has.
func behind(on string, r Reading, other string, o Reading) string {
	if o.Unread["streams"] != "" || o.Unread["logs"] != "" {
		return "the log streams of " + other + " were not read"
	}
	n := 0
	for _, s := range o.Streams {
		if s.Meta || !s.counts() {
			continue
		}
		theirs, ok := o.leader(s.ID)
		if !ok {
			return fmt.Sprintf("log stream %d has no leader at %s", s.ID, other)
		}
		ours, ok := r.leader(s.ID)
		switch {
		case !ok:
			return fmt.Sprintf("log stream %d has no leader at %s", s.ID, on)
		case ours.End < theirs.End:
			return fmt.Sprintf("log stream %d of %s ends at %d, %s behind %s", s.ID, on, ours.End, dr.ByteText(int64(theirs.End-ours.End)), other)
		}
		n++
	}
	if n == 0 {
		return other + " has no log stream"
	}
	return ""
}

var proveCaughtUp = kit.Spec[pairArgs]{
	Name: "oceanbase.prove_caught_up", Kind: dr.KindRead,
	Doc:   "Reads that the former primary is a standby and that every log stream of the other tenant ends where its own ends (END_LSN in GV$OB_LOG_STAT); with an archive also SYNCHRONIZED = YES. Only then nothing is lost.",
	Check: pairArgs.check,
	Commands: func(a pairArgs) []dr.Command {
		return append(a.Other.reading("LS_ID, ROLE, END_LSN, END_SCN", "GV$OB_LOG_STAT"), a.On.reading("LS_ID, ROLE, END_LSN, END_SCN", "GV$OB_LOG_STAT")...)
	},
	Probe: func(ctx context.Context, env kit.Env, a pairArgs) kit.Effect {
		want := partStreams
		if a.Archive {
			want |= partArchive
		}
		o, err := a.Other.look(ctx, env, want)
		if err != nil {
			return notRead(err)
		}
		r, err := a.On.look(ctx, env, partStreams|partSource)
		if err != nil {
			return notRead(err)
		}
		if r.Tenant.Role == rolePrimary {
			return kit.Done("%s is primary already: the server has checked", a.On.Site)
		}
		if !o.Tenant.is(roleStandby) {
			return progress(env, "%s is no standby at rest: %s", a.Other.Site, o.summary())
		}
		if a.Archive && (o.Archive == nil || o.Archive.Synchronized != dr.Yes) {
			return progress(env, "the archive of %s is not yet SYNCHRONIZED", a.Other.Site)
		}
		if why := behind(a.On.Site, r, a.Other.Site, o); why != "" {
			e := progress(env, "%s", why)
			if h, text := r.fetching(); h == healthLost {
				e.Never = dr.HoldReplan("diverged", "%s can never catch up: %s", a.On.Site, text).WithNext("undo, then reseed %s", a.On.Site)
			}
			return e
		}
		e := kit.Done("the log of %s ends where that of %s ends, in every log stream", a.On.Site, a.Other.Site)
		for _, s := range o.Streams {
			if l, ok := o.leader(s.ID); ok && !s.Meta {
				e.Evidence = append(e.Evidence, dr.Evidence{Name: fmt.Sprintf("log stream %d", s.ID), Text: fmt.Sprintf("END_LSN %d, END_SCN %s", l.End, l.EndSCN)})
			}
		}
		return e
	},
	ProofText: func(a pairArgs) string {
		return "for every LS_ID, END_LSN of the leader at " + a.On.Site + " is not below that at " + a.Other.Site + ", which is STANDBY"
	},
	Poll: 100 * time.Millisecond,
}

var waitReady = kit.Spec[pairArgs]{
	Name: "oceanbase.wait_ready", Kind: dr.KindRead,
	Doc:   "Waits until the server will let the tenant be promoted: no server with units is temporarily offline, no replica is on one that is gone, every log stream has a leader. Manual: physical standby database, preconditions of a failover.",
	Check: pairArgs.check,
	Commands: func(a pairArgs) []dr.Command {
		return append(a.On.command("SELECT SVR_IP, SVR_PORT, STATUS, LAST_OFFLINE_TIME FROM oceanbase.DBA_OB_SERVERS"), a.On.reading("LS_ID, ROLE", "GV$OB_LOG_STAT")...)
	},
	Probe: func(ctx context.Context, env kit.Env, a pairArgs) kit.Effect {
		r, err := a.On.look(ctx, env, partStreams|partServers)
		if err != nil {
			return notRead(err)
		}
		ok, text, wait := r.serving()
		switch {
		case ok == dr.Yes:
			return kit.Done("%s: %s", a.On.Site, text)
		case ok == dr.Unknown && a.On.Own && a.Verifies && r.Unread["servers"] == serversUnread:
			return kit.Done("%s: %s; the server's own VERIFY checks them", a.On.Site, text)
		case ok == dr.Unknown:
			return kit.NotKnown("%s: %s", a.On.Site, text)
		}
		e := progress(env, "%s: %s", a.On.Site, text)
		e.Progress.Left = dr.Duration(wait)
		return e
	},
	ProofText: func(pairArgs) string {
		return "every server that DBA_OB_UNITS names for the tenant is ACTIVE, or gone for longer than server_permanent_offline_time without a replica in CDB_OB_LS_LOCATIONS; every log stream has a LEADER row in GV$OB_LOG_STAT"
	},
	Poll: time.Second,
}

var checkPrimary = kit.Spec[pairArgs]{
	Name: "oceanbase.check_primary", Kind: dr.KindRead,
	Doc:   "Reads that the tenant is PRIMARY, NORMAL, NORMAL, and that every log stream has a leader whose access mode is APPEND: it takes writes.",
	Check: pairArgs.check,
	Commands: func(a pairArgs) []dr.Command {
		return append(a.On.reading(roleColumns, "DBA_OB_TENANTS"), a.On.reading("LS_ID, ROLE, ACCESS_MODE", "GV$OB_LOG_STAT")...)
	},
	Probe: func(ctx context.Context, env kit.Env, a pairArgs) kit.Effect {
		r, err := a.On.look(ctx, env, partStreams)
		if err != nil {
			return notRead(err)
		}
		if !r.Tenant.is(rolePrimary) {
			return progress(env, "%s: %s", a.On.Site, r.summary())
		}
		if r.Tenant.Locked {
			return progress(env, "the tenant at %s is locked: no client can log in; ALTER TENANT %s UNLOCK", a.On.Site, r.Tenant.Name)
		}
		if none := r.leaderless(); len(none) > 0 || r.Unread["logs"] != "" || r.Unread["streams"] != "" {
			return kit.NotKnown("%s: log streams without a leader, or not read: %v", a.On.Site, none)
		}
		for _, l := range r.Logs {
			if l.Leader && !l.Meta && l.Access != "APPEND" {
				return progress(env, "log stream %d at %s is in access mode %s", l.Stream, a.On.Site, l.Access)
			}
		}
		e := kit.Done("%s is primary and every log stream takes writes", a.On.Site)
		e.Evidence = []dr.Evidence{{Name: a.On.Site, Text: r.Tenant.evidence()}}
		return e
	},
	ProofText: func(a pairArgs) string {
		return a.On.Site + ": PRIMARY, NORMAL, NORMAL; ACCESS_MODE of every leader is APPEND"
	},
	Poll: 200 * time.Millisecond,
}

var waitFetching = kit.Spec[pairArgs]{
	Name: "oceanbase.wait_fetching", Kind: dr.KindRead,
	Doc:   "Waits until every log stream of the standby fetches from the primary (V$OB_LS_LOG_RESTORE_STATUS NORMAL) and it is less than the limit behind. Role and status alone do not tell a diverged standby from a good one.",
	Check: pairArgs.check,
	Commands: func(a pairArgs) []dr.Command {
		return append(a.On.reading("LS_ID, SYNC_SCN, SYNC_STATUS, ERR_CODE", "V$OB_LS_LOG_RESTORE_STATUS"), a.Other.reading("LS_ID, ROLE, END_SCN", "GV$OB_LOG_STAT")...)
	},
	Probe: probeFetching,
	ProofText: func(a pairArgs) string {
		return fmt.Sprintf("SYNC_STATUS is NORMAL for every log stream of %s, and END_SCN at %s minus SYNC_SCN is at most %d ms", a.On.Site, a.Other.Site, a.Lag)
	},
	Poll: 300 * time.Millisecond,
}

func probeFetching(ctx context.Context, env kit.Env, a pairArgs) kit.Effect {
	r, err := a.On.look(ctx, env, partStreams|partSource)
	if err != nil {
		return notRead(err)
	}
	if r.Tenant.Role == rolePrimary {
		e := kit.NotDone("%s is primary", a.On.Site)
		e.Never = dr.HoldReplan("primary", "%s is primary, not a standby", a.On.Site).WithNext("replan")
		return e
	}
	h, text := r.fetching()
	if !r.Tenant.is(roleStandby) || h != healthGood {
		e := progress(env, "%s: %s", a.On.Site, r.summary())
		if h == healthUnknown {
			e.State = kit.EffectUnknown
		}
		if h == healthLost {
			e.Never = dr.HoldReplan("diverged", "%s can never catch up with %s: %s", a.On.Site, a.Other.Site, text).WithNext("replan: only a new copy of %s helps", a.Other.Site)
		}
		return e
	}
	if err := a.On.follows(r, a.Source); err != nil {
		return progress(env, "%s", dr.AsError(err, "guard").Text)
	}
	o, err := a.Other.look(ctx, env, partStreams)
	if err != nil {
		return notRead(err)
	}
	end, ok := o.endSCN()
	cut, known := r.cut()
	if !ok || !known {
		return kit.NotKnown("the positions of %s and %s were not read", a.On.Site, a.Other.Site)
	}
	if lag := ahead(end, cut); lag > time.Duration(a.Lag)*time.Millisecond {
		return progress(env, "%s is %s behind %s, the limit is %d ms", a.On.Site, dr.SpanText(lag), a.Other.Site, a.Lag)
	} else if cut > end {
		return kit.Done("%s fetches from %s; its SYNC_SCN is ahead, as after a recent switchover", a.On.Site, a.Other.Site)
	}
	return kit.Done("%s fetches from %s, %s behind", a.On.Site, a.Other.Site, dr.SpanText(ahead(end, cut)))
}
