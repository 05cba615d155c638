package postgres

import (
	"fmt"
	"strings"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// Judge concludes over all sites. Streaming replication, also synchronous, is
// never a complete proof: a cancelled wait acknowledges without the standby.
func (s *system) Judge(sit dr.Situation) dr.Judgement {
	rs := kit.Details[Reading](sit)
	j := dr.Judgement{InSync: dr.Unknown}
	prim := sit.Primaries()
	if len(prim) > 1 {
		j.InSync = dr.No
		j.Alarms = append(j.Alarms, fmt.Sprintf("two primaries accept writes: %v; stop the clients of one now, nothing is resolved automatically", prim))
		j.Facts = append(j.Facts, dr.Fact{Name: "postgres.one_primary", Truth: dr.No, Text: fmt.Sprintf("%v accept writes", prim), At: sit.At, Safety: true, Want: dr.Yes})
		return j
	}
	j.Alarms = append(j.Alarms, s.diskAlarms(rs)...)
	j.Alarms = append(j.Alarms, s.returnAlarms(sit, rs)...)
	j.Facts = append(j.Facts, s.memberFacts(sit, rs)...)
	if len(prim) == 0 {
		j.Recommendation = kit.NobodyWrites(sit)
		return j
	}
	s.judgeSync(sit, rs, prim[0], &j)
	return j
}

func (s *system) judgeSync(sit dr.Situation, rs map[string]Reading, primary string, j *dr.Judgement) {
	p := rs[primary]
	if p.Server == nil || p.Server.Current == nil {
		return
	}
	var best *Repl
	var bestSite string
	for _, st := range s.sites {
		if st.Name == primary {
			continue
		}
		row, ok := p.FindRepl(st.AppName)
		if !ok || row.State != "streaming" || row.Flush == nil {
			continue
		}
		if best == nil || *row.Flush > *best.Flush {
			best, bestSite = &row, st.Name
		}
	}
	if best == nil {
		j.InSync = dr.No
		j.Facts = append(j.Facts, dr.Fact{Name: "postgres.streaming", Truth: dr.No, Text: "no standby streams from " + primary, At: sit.At, Safety: true, Want: dr.Yes})
		return
	}
	behind := int64(0)
	if *p.Server.Current > *best.Flush {
		behind = int64(*p.Server.Current - *best.Flush)
	}
	lag := dr.Bytes(behind)
	j.Lag = &lag
	j.Facts = append(j.Facts, dr.Fact{
		Name: "postgres.streaming", Truth: dr.Yes, At: sit.At, Safety: true, Want: dr.Yes,
		Text: fmt.Sprintf("%s streams from %s (%s), %s behind", bestSite, primary, best.Sync, dr.ByteText(behind)),
	})
	j.Positions = map[string]string{positionTimeline: fmt.Sprint(p.Timeline()), positionCurrent: p.Server.Current.String()}
	j.Proof = proofOf(sit, primary, bestSite, p, *best, behind)
	j.InSync = dr.TriOf(j.Proof != nil)
	if j.Proof == nil && !remembers(sit.Memory, primary, p) {
		// Busy, streaming, and nothing to compare with: a second look tells.
		j.InSync = dr.Unknown
	}
}

// The names of positions in proofs and memories.
const (
	positionTimeline = "timeline"
	positionCurrent  = "current"
	positionFlush    = "flush"
)

// proofOf proves that the standby holds everything up to some time. When it has
// flushed all that the primary has written, that is the beginning of this
// observation: a later time would cover writes that were acknowledged after the
// reading. On a busy primary it is the observation before this one, when the
// standby has flushed all that was written then. That the standby is a
// synchronous one proves nothing: a session may commit without waiting for it.
func proofOf(sit dr.Situation, primary, site string, p Reading, best Repl, behind int64) *dr.Proof {
	proof := &dr.Proof{
		At: sit.At, Site: site, Primary: primary, Source: "pg_stat_replication on " + primary + ", " + best.Sync,
		Positions: map[string]string{positionTimeline: fmt.Sprint(p.Timeline()), positionCurrent: p.Server.Current.String(), positionFlush: best.Flush.String()},
	}
	if behind == 0 {
		return proof
	}
	if !remembers(sit.Memory, primary, p) {
		return nil
	}
	then, err := ParseLSN(sit.Memory.Positions[positionCurrent])
	if err != nil || *best.Flush < then {
		return nil
	}
	proof.At = *sit.Memory.PrimarySeen
	proof.Source += "; it holds what " + primary + " had written at the observation before"
	return proof
}

// remembers says whether the watch's memory has a position of the same primary
// on the same timeline, read before this observation.
func remembers(m *dr.Memory, primary string, p Reading) bool {
	return m != nil && m.Primary == primary && m.PrimarySeen != nil &&
		m.Positions[positionTimeline] == fmt.Sprint(p.Timeline()) && m.Positions[positionCurrent] != ""
}

// diskAlarms warn before retained log fills a disk.
func (s *system) diskAlarms(rs map[string]Reading) []string {
	var out []string
	for _, st := range s.sites {
		r := rs[st.Name]
		for _, v := range r.Slots {
			free := r.DiskFreeKB * 1024
			switch {
			case v.Status != nil && *v.Status == "lost":
				out = append(out, fmt.Sprintf("the slot %s on %s has lost its log: its standby must be made anew", v.Name, st.Name))
			case r.DiskTotalKB > 0 && v.Retained > free && v.Retained > 1<<20:
				out = append(out, fmt.Sprintf("the slot %s on %s keeps %s of log and only %s are free", v.Name, st.Name, dr.ByteText(v.Retained), dr.ByteText(free)))
			case v.Retained > s.set.MaxWALKeepMB*1_000_000:
				out = append(out, fmt.Sprintf("the slot %s on %s keeps %s of log", v.Name, st.Name, dr.ByteText(v.Retained)))
			}
		}
		if r.DiskTotalKB > 0 && r.DiskFreeKB*20 < r.DiskTotalKB {
			out = append(out, fmt.Sprintf("less than 5 %% of the log's disk on %s is free (%s)", st.Name, dr.ByteText(r.DiskFreeKB*1024)))
		}
	}
	return out
}

// returnAlarms tell of an old primary that can start by itself.
func (s *system) returnAlarms(sit dr.Situation, rs map[string]Reading) []string {
	prim := sit.Primaries()
	if len(prim) != 1 {
		return nil
	}
	p := rs[prim[0]]
	var out []string
	for _, st := range s.sites {
		r, ok := rs[st.Name]
		if !ok || st.Name == prim[0] || r.Running != dr.No || roleOf(r) != dr.RolePrimary {
			continue
		}
		if !r.Fenced || r.FenceBroken {
			out = append(out, fmt.Sprintf("%s is a stopped former primary and not fenced: a start of it makes a second primary beside %s (timeline %d)", st.Name, prim[0], p.Timeline()))
		}
	}
	return out
}

// memberFacts compare the sites with each other.
func (s *system) memberFacts(sit dr.Situation, rs map[string]Reading) []dr.Fact {
	var ids, majors, tls []string
	same, version, tl := dr.Yes, dr.Yes, dr.Yes
	put := func(list *[]string, t *dr.Tri, v string, bad bool) {
		if bad {
			*t = t.And(dr.Unknown)
			return
		}
		for _, o := range *list {
			if o != v {
				*t = dr.No
			}
		}
		*list = append(*list, v)
	}
	for _, st := range s.sites {
		r, ok := rs[st.Name]
		if !ok {
			continue
		}
		put(&ids, &same, r.Control.System, r.Control.System == "")
		put(&majors, &version, r.Major, r.Major == "")
		put(&tls, &tl, fmt.Sprint(r.Timeline()), r.Timeline() == 0)
	}
	at := latest(sit)
	return []dr.Fact{
		{Name: "postgres.one_primary", Truth: onePrimary(sit), Text: "sites that accept writes: " + writers(sit), At: at},
		{Name: "postgres.same_system", Truth: same, Text: fmt.Sprintf("system identifiers: %v", ids), At: at, Safety: true, Want: dr.Yes},
		{Name: "postgres.same_version", Truth: version, Text: fmt.Sprintf("major versions: %v", majors), At: at},
		{Name: "postgres.same_timeline", Truth: tl, Text: fmt.Sprintf("timelines: %v", tls), At: at},
	}
}

func writers(sit dr.Situation) string {
	if p := sit.Primaries(); len(p) > 0 {
		return strings.Join(p, ", ")
	}
	return "none"
}

func onePrimary(sit dr.Situation) dr.Tri {
	t := dr.TriOf(len(sit.Primaries()) == 1)
	for _, v := range sit.Sites {
		if v.AcceptsWrites == dr.Unknown {
			return dr.Unknown
		}
	}
	return t
}

func latest(sit dr.Situation) time.Time {
	at := sit.At
	for _, v := range sit.Sites {
		if v.At.After(at) {
			at = v.At
		}
	}
	return at
}
