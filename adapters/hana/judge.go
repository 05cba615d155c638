package hana

import (
	"fmt"
	"strings"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// Judge concludes over all sites.
func (s *system) Judge(sit dr.Situation) dr.Judgement {
	rs := kit.Details[Reading](sit)
	j := dr.Judgement{InSync: dr.Unknown}
	online := s.onlinePrimaries(rs)
	one := dr.Fact{Name: "hana.one_primary", Truth: s.onePrimary(sit, rs), Text: "sites that are open as a primary: " + orNone(strings.Join(online, ", ")), At: sit.At}
	j.Facts = append(j.Facts, one)
	if len(online) > 1 {
		j.InSync = dr.No
		j.Alarms = append(j.Alarms, fmt.Sprintf("two primaries: %s are online as primary and not proven to be suspended; the newer takeover is that of %s; nothing is resolved automatically",
			strings.Join(online, " and "), orNone(s.newest(rs))))
		j.Facts = append(j.Facts, s.guide(sit, rs, "", link{})...)
		j.Recommendation = "two primaries: stop the clients of one now"
		return j
	}
	j.Alarms = append(j.Alarms, s.alarms(sit, rs, online)...)
	var best link
	primary := ""
	if prim := sit.Primaries(); len(prim) == 1 {
		primary = prim[0]
		best = s.judgeSync(sit, rs, primary, &j)
	}
	j.Facts = append(j.Facts, s.guide(sit, rs, primary, best)...)
	j.Recommendation = s.recommend(sit, rs, primary, j)
	return j
}

// onlinePrimaries are the sites that are, or may be, open as a primary: a
// suspended one is none only while it is read as suspended.
func (s *system) onlinePrimaries(rs map[string]Reading) []string {
	var out []string
	for _, st := range s.sites {
		r := rs[st.Place.Site]
		if r.OnlinePrimary() == dr.Yes && r.State.Suspended != dr.Yes {
			out = append(out, st.Place.Site)
		}
	}
	return out
}

func (s *system) onePrimary(sit dr.Situation, rs map[string]Reading) dr.Tri {
	t := dr.TriOf(len(s.onlinePrimaries(rs)) == 1)
	for _, v := range sit.Sites {
		if v.AcceptsWrites == dr.Unknown && t == dr.Yes {
			return dr.Unknown
		}
	}
	return t
}

// newest names the site of the newest takeover that any history tells.
func (s *system) newest(rs map[string]Reading) string {
	best := Takeover{}
	for _, r := range rs {
		if n := len(r.SQL.Takeovers); n > 0 && r.SQL.Takeovers[n-1].Start > best.Start {
			best = r.SQL.Takeovers[n-1]
		}
	}
	if best.Start == "" {
		return ""
	}
	return best.Site + " at " + best.Start
}

// judgeSync finds the secondary that is in sync, and what that proves. The
// positions hold the number of takeovers too, so that a later one can be told
// from those before when the primary has gone.
func (s *system) judgeSync(sit dr.Situation, rs map[string]Reading, primary string, j *dr.Judgement) link {
	p := rs[primary]
	var best link
	found := ""
	for _, st := range s.sites {
		if st.Place.Site == primary || !s.fedBy(p, primary, st.Place.Name) {
			continue
		}
		l := linkTo(p, st.Place.Name, st.Place.SQL.Tenants)
		j.Facts = append(j.Facts, dr.Fact{
			Name: "hana.in_sync_" + st.Place.Site, Truth: l.InSync, Text: l.Text, At: sit.At,
			Source: "primary " + primary, Safety: true, Want: dr.Yes,
		})
		if found == "" || better(l, best) {
			best, found = l, st.Place.Site
		}
	}
	j.Positions = positions(p.SQL.Rows)
	if p.SQL.HistoryRead {
		j.Positions[positionTakeovers] = fmt.Sprint(len(p.SQL.Takeovers))
	}
	if found == "" {
		j.InSync = dr.No
		j.Facts = append(j.Facts, dr.Fact{Name: "hana.secondary", Truth: dr.No, Text: primary + " feeds no secondary of the inventory", At: sit.At})
		return link{}
	}
	j.InSync = best.InSync
	if j.InSync != dr.Yes {
		return best
	}
	shipped, remembered := shippedSince(sit.Memory, primary, best)
	switch {
	case remembered && !shipped:
		// Tools have said ACTIVE while nothing was shipped.
		j.InSync = dr.Unknown
		j.Alarms = append(j.Alarms, primary+" says that "+found+" is in sync, but it has not been shipped what was written before the observation before this one")
	case !asynchronous(best.Rows):
		j.Proof = &dr.Proof{
			At: sit.At, Site: found, Primary: primary, Positions: positions(best.Rows), Complete: best.fullSync(),
			Source: "systemReplicationStatus.py and M_SERVICE_REPLICATION on " + primary,
		}
	case remembered:
		j.Proof = &dr.Proof{
			At: *sit.Memory.PrimarySeen, Site: found, Primary: primary, Positions: positions(best.Rows),
			Source: "the log positions of the observation before were shipped, by M_SERVICE_REPLICATION on " + primary,
		}
	default:
		j.InSync = dr.Unknown
	}
	return best
}

// positionTakeovers is the number of rows of the takeover history.
const positionTakeovers = "takeovers"

// shippedSince says whether the secondary was shipped what the primary had
// written at the observation before this one, and whether that is remembered.
// It is the proof for an asynchronous secondary, which may be behind while it is
// active, and a check of what the tools say for every other.
func shippedSince(m *dr.Memory, primary string, l link) (shipped, remembered bool) {
	if m == nil || m.Primary != primary || m.PrimarySeen == nil {
		return false, false
	}
	for _, v := range l.Rows {
		then := m.Positions[v.Database+":"+v.Port+"/"+v.Volume]
		if then == "" || v.ShippedPos == "" {
			return false, false
		}
		if less(v.ShippedPos, then) {
			return false, true
		}
	}
	return len(l.Rows) > 0, len(l.Rows) > 0
}

// less compares two log positions, which are decimal numbers.
func less(a, b string) bool {
	if len(a) != len(b) {
		return len(a) < len(b)
	}
	return a < b
}

func asynchronous(rows []Service) bool {
	for _, v := range rows {
		if !strings.EqualFold(v.Mode, "SYNC") && !strings.EqualFold(v.Mode, "SYNCMEM") {
			return true
		}
	}
	return len(rows) == 0
}

func better(a, b link) bool {
	rank := map[dr.Tri]int{dr.No: 0, dr.Unknown: 1, dr.Yes: 2}
	return rank[a.InSync] > rank[b.InSync]
}

// fedBy says whether the primary feeds the named site itself. In a multi-tier
// chain the third site is not the primary's own.
func (s *system) fedBy(p Reading, primary, name string) bool {
	st, _ := s.site(primary)
	if p.State == nil {
		return false
	}
	if src := p.State.Source(name); src != "" {
		return src == st.Place.Name
	}
	return len(only(p.SQL.Rows, name))+len(scriptRows(p, name)) > 0
}

// alarms tell of an old primary that can come back by itself, and of a lying
// tool.
func (s *system) alarms(sit dr.Situation, rs map[string]Reading, online []string) []string {
	var out []string
	for _, st := range s.sites {
		n := st.Place.Site
		r, ok := rs[n]
		if !ok || len(online) != 1 || n == online[0] || r.Mode() != "primary" {
			continue
		}
		switch {
		case r.Running() == dr.No:
			how := "a start of it makes a second primary beside " + online[0]
			for host, v := range r.Autostart {
				if v == dr.Yes {
					how += "; " + host + " starts it at boot"
				}
			}
			out = append(out, n+" is a stopped former primary: "+how)
		case r.State != nil && r.State.Suspended == dr.Yes:
			out = append(out, n+" is a suspended former primary: it must be registered again, never resumed")
		}
	}
	for _, prim := range sit.Primaries() {
		if n := rs[prim].LogUsed; n != nil && *n >= logAlmostFull {
			out = append(out, fmt.Sprintf("the file system of the log volumes of %s is %d %% full: when it is full, writers wait, or log kept for secondaries is given up and the next synchronisation is a full one", prim, *n))
		}
		for _, st := range s.sites {
			if st.Place.Site != prim && s.fedBy(rs[prim], prim, st.Place.Name) && linkTo(rs[prim], st.Place.Name, st.Place.SQL.Tenants).Suspect {
				out = append(out, "the tools of "+prim+" contradict each other about "+st.Place.Site)
			}
		}
	}
	return out
}
