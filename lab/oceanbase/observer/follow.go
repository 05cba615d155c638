package observer

import (
	"errors"
	"fmt"
	"time"
)

// followState is what the follower of a tenant last saw, in memory only.
type followState struct {
	health map[int64]health
	past   string // of the whole tenant; "" when the streams' own count
	code   int64
}

// health is a stream's row in V$OB_LS_LOG_RESTORE_STATUS.
type health struct {
	status  string
	code    int64
	comment string
}

// Values of SYNC_STATUS (server source of the log restore handler).
const (
	syncNormal     = "NORMAL"
	syncGap        = "SOURCE HAS A GAP"
	syncNoMatch    = "STANDBY LOG NOT MATCH"
	syncLogin      = "CHECK USER OR PASSWORD"
	syncNetwork    = "CHECK NETWORK"
	syncSuspended  = "RESTORE SUSPEND"
	syncUpgrade    = "STANDBY NEED UPGRADE"
	syncDropped    = "PRIMARY TENANT DROPPED"
	syncWaitStream = "WAITING LS CREATED"
	syncQuery      = "QUERY PRIMARY FAILED"
	syncNoLeader   = "RESTORE HANDLER HAS NO LEADER"
	syncNone       = "NOT AVAILABLE"
)

func lagOf(t *tenant, ls int64) string { return fmt.Sprintf("%s-%s-%d", knobStreamLag, t.Name, ls) }

// followForever fetches log for one tenant as long as it exists. It takes up a
// new source, a new role and a new limit by itself.
func (o *Cluster) followForever(id int64) {
	var a *asker
	defer func() {
		if a != nil {
			a.close()
		}
	}()
	for o.sleep(time.Duration(o.Pace.Poll)) {
		for again := true; again && o.ctx.Err() == nil; {
			var gone bool
			if a, again, gone = o.follow(id, a); gone {
				return
			}
		}
	}
}

// follow does one round; again says that more is waiting.
func (o *Cluster) follow(id int64, a *asker) (next *asker, again, gone bool) {
	o.mu.Lock()
	t := o.state.tenantID(id)
	if t == nil {
		o.mu.Unlock()
		return a, false, true
	}
	q, src, ready := o.question(t)
	o.mu.Unlock()
	if !ready {
		if a != nil {
			a.close()
		}
		return nil, false, false
	}
	if src.Type == "LOCATION" {
		return a, o.followArchive(t, src, q), false
	}
	if a == nil || a.source.value() != src.value() {
		if a != nil {
			a.close()
		}
		a = newAsker(src)
	}
	reply, err := a.ask(o.ctx, q)
	if err != nil {
		a.close()
		o.blame(t, err)
		return a, false, false
	}
	return a, o.takeIn(t, src, q, reply), false
}

// question says what the tenant lacks; it follows nobody while it is no
// standby, has no source, or is being cut.
func (o *Cluster) question(t *tenant) (q fetchRequest, src source, ready bool) {
	passive := t.Role == roleStandby && (t.Change == stateNormal || t.Change == statePrimarySoon)
	if !passive || t.Source == nil || t.Status == statusRestore {
		t.follow.past, t.follow.health, t.follow.code = syncNone, nil, 0
		return q, src, false
	}
	limits := o.limits(t)
	for _, s := range t.Streams {
		if _, ok := o.leader(t, s.ID); !ok || s.Sync >= t.Until {
			continue
		}
		q.Streams = append(q.Streams, fetchFrom{ID: s.ID, LSN: s.end(), Chain: s.chainAt(s.end()), Sync: s.Sync, Limit: limits[s.ID]})
	}
	if len(q.Streams) == 0 && len(t.Streams) > 0 {
		t.follow.past, t.follow.health, t.follow.code = syncSuspended, nil, 0
		return q, src, false
	}
	return q, *t.Source, true
}

// blame notes why the source did not answer.
func (o *Cluster) blame(t *tenant, err error) {
	status, code := syncNetwork, int64(-2002)
	var q *queryError
	if errors.As(err, &q) {
		code = q.code
		switch q.code {
		case -1045:
			status = syncLogin
		case -5160, -5157:
			status = syncDropped
		case -1142, -1044, -3118, -5260:
			status = syncQuery
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	t.follow.past, t.follow.code = status, code
}

// takeIn writes what the source gave.
func (o *Cluster) takeIn(t *tenant, src source, q fetchRequest, r fetchReply) (again bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if t.Source == nil || t.Source.value() != src.value() || t.Role != roleStandby || t.Change != stateNormal && t.Change != statePrimarySoon {
		return false // it was changed meanwhile
	}
	t.follow.past, t.follow.code = "", 0
	if t.follow.health == nil {
		t.follow.health = map[int64]health{}
	}
	if !o.Version.AtLeast(r.Version) {
		t.follow.past, t.follow.code = syncUpgrade, -int64(standbyTooOld.code)
		return false
	}
	if src.TenantID != 0 && src.TenantID != r.Tenant {
		t.follow.past, t.follow.code = syncDropped, -int64(primaryDropped.code)
		return false
	}
	if o.adopt(t, r) {
		return true
	}
	for _, from := range q.Streams {
		if o.takeStream(t, from, r) {
			again = true
		}
	}
	t.refresh()
	return again
}

// adopt makes the streams that the source has and this tenant lacks.
func (o *Cluster) adopt(t *tenant, r fetchReply) bool {
	made := false
	for _, f := range r.Streams {
		if t.stream(f.ID) != nil {
			continue
		}
		s := &stream{ID: f.ID, Create: f.Create, Begin: f.Begin, BeginSCN: f.BeginSCN, Access: accessRaw}
		if t.Status == statusCreating {
			s.Begin, s.BeginSCN = 0, 0
		}
		if err := s.open(o.store.tenantDir(t.ID)); err != nil {
			t.follow.health[f.ID] = health{syncWaitStream, -4018, ""}
			return false
		}
		t.Streams = append(t.Streams, s)
		t.History = append(t.History, streamPast{f.ID, f.Create})
		made = true
	}
	if made {
		if err := o.save(); err != nil {
			o.log.line("%v", err)
		}
	}
	return made
}

func (o *Cluster) takeStream(t *tenant, from fetchFrom, r fetchReply) (again bool) {
	s := t.stream(from.ID)
	if s == nil || s.end() != from.LSN {
		return false
	}
	f := fetchStream{Problem: problemNoLeader}
	for _, one := range r.Streams {
		if one.ID == from.ID {
			f = one
		}
	}
	switch f.Problem {
	case problemGap:
		t.follow.health[s.ID] = health{syncGap, -4016, fmt.Sprintf("fetch log from LSN %d, the source begins at %d", from.LSN, f.Begin)}
		return false
	case problemNoMatch:
		t.follow.health[s.ID] = health{syncNoMatch, -4070, "log of the standby does not match that of the source"}
		return false
	case problemNoLeader:
		t.follow.health[s.ID] = health{syncNoLeader, -int64(noLeader.code), ""}
		return false
	}
	if len(f.Entries) > 0 {
		if err := s.write(f.Entries...); err != nil {
			o.log.line("%v", err)
			return false
		}
	}
	// An answer may come after RECOVER ... CANCEL set the end to the slowest
	// stream's: a faster one does not go back.
	if to := min(f.Through, t.Until); to > s.Sync {
		if err := s.setSync(to); err != nil {
			o.log.line("%v", err)
			return false
		}
	}
	t.follow.health[s.ID] = health{status: syncNormal}
	// More at once when the answer was cut off, not when it is up to date.
	return len(f.Entries) == mostEntries || f.Through < f.Sync && f.Through-from.Sync > int64(time.Second)
}
