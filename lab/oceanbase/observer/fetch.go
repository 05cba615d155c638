package observer

import (
	"encoding/json"
	"slices"
	"time"
)

// fetchVerb begins the statement by which one cluster asks another for log, as
// a user of the primary tenant. The real servers speak an RPC protocol of their
// own for it; nothing outside of two clusters sees either.
const fetchVerb = "FETCH LOG "

// fetchRequest asks for log behind what the follower has. Without streams it
// only asks who the tenant is.
type fetchRequest struct {
	Streams []fetchFrom `json:"streams,omitempty"`
}

type fetchFrom struct {
	ID    int64  `json:"id"`
	LSN   int64  `json:"lsn"`
	Chain uint64 `json:"chain"`
	Sync  int64  `json:"sync"`
	Limit int64  `json:"limit"`
}

// fetchReply says who the tenant is and gives log.
type fetchReply struct {
	ClusterID int64         `json:"cluster_id"`
	Cluster   string        `json:"cluster"`
	Version   Version       `json:"version"`
	Tenant    int64         `json:"tenant"`
	Mode      string        `json:"mode"`
	Role      string        `json:"role"`
	Status    string        `json:"status"`
	Change    string        `json:"change"`
	Streams   []fetchStream `json:"streams"`
}

type fetchStream struct {
	ID       int64   `json:"id"`
	Create   int64   `json:"create"`
	Begin    int64   `json:"begin"`
	BeginSCN int64   `json:"begin_scn"`
	End      int64   `json:"end"`
	Sync     int64   `json:"sync"`
	Access   string  `json:"access"`
	Entries  []entry `json:"entries,omitempty"`
	// Through is the SCN up to which the follower is complete with these.
	Through int64  `json:"through"`
	Problem string `json:"problem,omitempty"`
}

// Problems of one stream that its source knows.
const (
	problemGap      = "gap"
	problemNoMatch  = "no match"
	problemNoLeader = "no leader"
)

// mostEntries bounds one answer.
const mostEntries = 500

// serveFetch answers a follower. The caller has checked the user's privileges.
func (o *Cluster) serveFetch(t *tenant, question string) (string, error) {
	var q fetchRequest
	if err := json.Unmarshal([]byte(question), &q); err != nil {
		return "", parseError.with(fetchVerb)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	r := fetchReply{
		ClusterID: o.clusterID(), Cluster: o.Cluster, Version: o.Version, Tenant: t.ID, Mode: t.Mode,
		Role: t.Role, Status: t.Status, Change: t.Change,
	}
	for _, s := range t.Streams {
		f := fetchStream{ID: s.ID, Create: s.Create, Begin: s.Begin, BeginSCN: s.BeginSCN, End: s.end(), Access: s.Access}
		f.Sync = o.endSCN(t, s)
		if i := slices.IndexFunc(q.Streams, func(f fetchFrom) bool { return f.ID == s.ID }); i >= 0 {
			f.answer(o, t, s, q.Streams[i])
		}
		r.Streams = append(r.Streams, f)
	}
	b, err := json.Marshal(r)
	return string(b), err
}

// answer compares the follower's log with this one and gives what it lacks.
func (f *fetchStream) answer(o *Cluster, t *tenant, s *stream, from fetchFrom) {
	_, led := o.leader(t, s.ID)
	primary := t.Role == rolePrimary
	switch {
	case !led:
		f.Problem = problemNoLeader
		return
	case from.LSN < s.Begin:
		f.Problem = problemGap
		return
	case from.LSN > s.end() && !primary:
		return // this one is a standby, too, and behind
	case from.LSN > s.end(), s.chainAt(from.LSN) != from.Chain:
		f.Problem = problemNoMatch
		return
	}
	rest := s.entries[from.LSN:]
	f.Through = max(from.Sync, min(f.Sync, from.Limit))
	for i, e := range rest {
		if e.Do.Cut > 0 && from.Sync > e.Do.Cut {
			// The follower has log that the cut of this primary took away.
			f.Problem, f.Entries = problemNoMatch, nil
			return
		}
		// A cut is never held back by the limit: a follower that came past it
		// without taking it would look like one that had gone another way.
		if e.SCN > from.Limit && e.Do.Cut == 0 || i == mostEntries {
			if i > 0 {
				f.Through = max(from.Sync, min(f.Through, e.SCN-1))
			} else {
				f.Through = max(from.Sync, min(f.Sync, from.Limit, e.SCN-1))
			}
			return
		}
		f.Entries = append(f.Entries, e)
	}
}

// limits gives how far each stream may be fetched now: not beyond the recovery
// limit, not more than about 3 s ahead of the slowest stream (server source),
// and not younger than the switch for lag says. The caller holds the lock.
func (o *Cluster) limits(t *tenant) map[int64]int64 {
	all := map[int64]int64{}
	slowest := maxSCN
	for _, s := range t.Streams {
		slowest = min(slowest, max(s.Sync, s.BeginSCN, s.Create))
	}
	now := time.Now()
	// A tenant that is far behind takes half of the way at once: a new standby
	// would need a round for every three seconds of history otherwise.
	// One with a stream that stands still does not.
	ahead := int64(3 * time.Second)
	if !o.standsStill(t) {
		ahead = max(ahead, (now.UnixNano()-slowest)/2)
	}
	for _, s := range t.Streams {
		limit := min(t.Until, slowest+ahead)
		for _, knob := range []string{knobLag + "-" + t.Name, lagOf(t, s.ID)} {
			if d := o.knobs.duration(knob); d > 0 {
				limit = min(limit, now.Add(-d).UnixNano())
			}
		}
		all[s.ID] = limit
	}
	return all
}

// standsStill says whether one of a tenant's streams cannot keep up.
func (o *Cluster) standsStill(t *tenant) bool {
	for _, s := range t.Streams {
		if _, ok := o.leader(t, s.ID); !ok || o.knobs.on(lagOf(t, s.ID)) {
			return true
		}
	}
	return false
}
