package oceanbase

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// The names of positions in proofs and memories. Log positions are compared as
// LSN, which are bytes of the same log on both sides; SCNs can lie ahead of it
// after a change of roles and prove nothing.
const (
	posTenant = "tenant"
	posEpoch  = "epoch"
	posEndSCN = "end_scn"
	posLSN    = "lsn."
)

// Judge concludes over all sites. Replication is asynchronous: no observation is
// a complete proof.
func (s *system) Judge(sit dr.Situation) dr.Judgement {
	rs := kit.Details[Reading](sit)
	j := dr.Judgement{InSync: dr.Unknown}
	prim := sit.Primaries()
	one := dr.Fact{Name: "oceanbase.one_primary", Truth: dr.TriOf(len(prim) == 1), Text: "sites that accept writes: " + orNobody(prim), At: sit.At}
	if len(prim) > 1 {
		j.InSync, one.Truth, one.Safety, one.Want = dr.No, dr.No, true, dr.Yes
		j.Facts = append(j.Facts, one)
		j.Alarms = append(j.Alarms, fmt.Sprintf("two primaries accept writes: %s; stop the clients of one now, nothing is resolved automatically", strings.Join(prim, " and ")))
		return j
	}
	for _, v := range sit.Sites {
		if v.AcceptsWrites == dr.Unknown && one.Truth == dr.Yes {
			one.Truth = dr.Unknown
		}
	}
	j.Facts = append(j.Facts, one)
	j.Alarms = s.alarms(prim, rs)
	if len(prim) == 0 {
		j.Recommendation = kit.NobodyWrites(sit)
		return j
	}
	s.judgeSync(sit, rs, prim[0], &j)
	return j
}

func orNobody(sites []string) string {
	if len(sites) == 0 {
		return "none"
	}
	return list(sites)
}

// alarms tell of what looks healthy by role and status alone.
func (s *system) alarms(prim []string, rs map[string]Reading) []string {
	var out []string
	for _, st := range s.sites {
		r, ok := rs[st.Name]
		if !ok || r.Tenant == nil {
			continue
		}
		if h, text := r.fetching(); r.Tenant.Role == roleStandby && h == healthLost {
			out = append(out, fmt.Sprintf("%s can never catch up: %s; reseed it", st.Name, text))
		}
		if len(prim) == 1 && st.Name != prim[0] && r.Tenant.Role == roleStandby {
			up, _ := s.site(prim[0])
			if text := r.pastCut(rs[prim[0]], prim[0]); text != "" && !s.from(r, up, rs[prim[0]]) {
				out = append(out, fmt.Sprintf("%s cannot follow %s: %s", st.Name, prim[0], text))
			}
		}
		if r.Tenant.Switchover != switchNormal {
			out = append(out, fmt.Sprintf("a change of roles is half-way at %s: SWITCHOVER_STATUS is %s", st.Name, kit.OrNotRead(r.Tenant.Switchover)))
		}
		if r.Tenant.Role == rolePrimary && !slices.Contains(prim, st.Name) && len(prim) == 1 {
			out = append(out, fmt.Sprintf("%s is a former primary beside %s and can take writes again when it is unlocked", st.Name, prim[0]))
		}
	}
	return out
}

func (s *system) judgeSync(sit dr.Situation, rs map[string]Reading, primary string, j *dr.Judgement) {
	p := rs[primary]
	up, _ := s.site(primary)
	end, ok := p.endSCN()
	if !ok || p.Tenant == nil || p.Unread["logs"] != "" || p.Unread["streams"] != "" || len(p.leaderless()) > 0 {
		return
	}
	j.Positions = positions(p, end)
	best := ""
	for _, st := range s.sites {
		r := rs[st.Name]
		h, _ := r.fetching()
		if st.Name == primary || r.Tenant == nil || r.Tenant.Role != roleStandby || h != healthGood || !s.from(r, up, p) {
			continue
		}
		c, ok := r.cut()
		if !ok {
			continue
		}
		if lag := ahead(end, c).Milliseconds(); best == "" || lag < j.Lag.Millis {
			a := dr.UnknownAmount()
			a.Millis = lag
			best, j.Lag = st.Name, &a
		}
	}
	if best == "" {
		j.InSync = dr.No
		j.Facts = append(j.Facts, dr.Fact{Name: "oceanbase.fetching", Truth: dr.No, Text: "no standby fetches the log of " + primary, At: sit.At, Safety: true, Want: dr.Yes})
		return
	}
	j.Facts = append(j.Facts, dr.Fact{
		Name: "oceanbase.fetching", Truth: dr.Yes, At: sit.At, Safety: true, Want: dr.Yes,
		Text: fmt.Sprintf("%s fetches the log of %s, %d ms behind", best, primary, j.Lag.Millis),
	})
	j.Proof = proofOf(sit, primary, best, rs[best], j.Positions)
	if j.Proof != nil {
		j.InSync = dr.Yes
	}
}

// positions are the primary's ends of log, by stream.
func positions(p Reading, end SCN) map[string]string {
	out := map[string]string{posTenant: number(p.Tenant.ID), posEpoch: p.Tenant.Epoch, posEndSCN: end.String()}
	for _, st := range p.Streams {
		if l, ok := p.leader(st.ID); ok && !st.Meta && st.counts() {
			out[posLSN+number(st.ID)] = strconv.FormatUint(l.End, 10)
		}
	}
	return out
}

// proofOf proves that the standby holds everything up to some time: the
// beginning of this observation, when it has the log as far as the primary had
// written it; else that of the observation before.
func proofOf(sit dr.Situation, primary, name string, r Reading, now map[string]string) *dr.Proof {
	proof := &dr.Proof{At: sit.At, Site: name, Primary: primary, Positions: now, Source: "END_LSN of every log stream's leader at both sites"}
	if r.covers(now) {
		return proof
	}
	m := sit.Memory
	if m == nil || m.Primary != primary || m.PrimarySeen == nil || m.Positions[posTenant] != now[posTenant] || m.Positions[posEpoch] != now[posEpoch] || !r.covers(m.Positions) {
		return nil
	}
	proof.At, proof.Positions = *m.PrimarySeen, m.Positions
	proof.Source += "; it holds what " + primary + " had written at the observation before"
	return proof
}

// covers says whether a standby's log reaches the given ends in every stream.
func (r Reading) covers(pos map[string]string) bool {
	any := false
	for _, k := range sortedKeys(pos) {
		id, ok := strings.CutPrefix(k, posLSN)
		if !ok {
			continue
		}
		n, err1 := strconv.ParseInt(id, 10, 64)
		want, err2 := strconv.ParseUint(pos[k], 10, 64)
		l, led := r.leader(n)
		if err1 != nil || err2 != nil || !led || l.End < want {
			return false
		}
		any = true
	}
	return any
}
