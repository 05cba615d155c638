package openedge

import (
	"fmt"
	"strconv"
	"time"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// The names of positions in proofs and memories. A source's position is the
// number of its current after-image file: blocks are acknowledged in order, so
// that an agent that has acknowledged a block of a later file holds everything
// that was written into the earlier ones.
const (
	positionFile         = "ai_file"
	positionAcknowledged = "acknowledged"
)

// Judge concludes over all sites. Replication is asynchronous: that both ends
// say "normal processing" is no proof that the target has everything.
func (s *system) Judge(sit dr.Situation) dr.Judgement {
	rs := kit.Details[Reading](sit)
	j := dr.Judgement{InSync: dr.Unknown}
	prim := sit.Primaries()
	if len(prim) > 1 {
		j.InSync = dr.No
		j.Alarms = append(j.Alarms, fmt.Sprintf("two databases take updates: %v; stop the clients of one now, nothing is resolved automatically", prim))
		j.Facts = append(j.Facts, dr.Fact{Name: "openedge.one_source", Truth: dr.No, Text: fmt.Sprintf("%v take updates", prim), At: sit.At, Safety: true, Want: dr.Yes})
		return j
	}
	j.Alarms = append(s.siteAlarms(rs), s.returnAlarms(sit, rs)...)
	if len(prim) == 0 {
		j.Recommendation = kit.NobodyWrites(sit)
		return j
	}
	s.judgeSync(sit, rs, prim[0], &j)
	return j
}

// inStep says whether a source, its control agent and the target itself all
// say normal processing.
func inStep(source, target Reading, agent string) bool {
	return source.Role() == roleSource && target.Role() == roleTarget && source.InUse() == dr.Yes && target.InUse() == dr.Yes &&
		source.Status.Code == codeServerNormal && source.Agents[agent] == codeAgentNormal && target.Status.Code == codeAgentNormal
}

func (s *system) judgeSync(sit dr.Situation, rs map[string]Reading, primary string, j *dr.Judgement) {
	p := rs[primary]
	best := ""
	for _, o := range s.others(primary) {
		if r, ok := rs[o.Name]; ok && best == "" && inStep(p, r, o.Place.Agent) {
			best = o.Name
		}
	}
	if p.Describe.AIFile > 0 {
		j.Positions = map[string]string{positionFile: strconv.FormatInt(p.Describe.AIFile, 10)}
	}
	if best == "" {
		j.InSync = dr.No
		j.Facts = append(j.Facts, dr.Fact{Name: "openedge.replicating", Truth: dr.No, Text: "no target is in normal processing with " + primary, At: sit.At, Safety: true, Want: dr.Yes})
		return
	}
	j.Facts = append(j.Facts, dr.Fact{
		Name: "openedge.replicating", Truth: dr.Yes, At: sit.At, Safety: true, Want: dr.Yes,
		Text: fmt.Sprintf("%s and %s are in normal processing (6021, 3049 at both ends)", primary, best),
	})
	j.Proof = proofOf(sit, primary, best, p)
	if j.Proof != nil {
		j.InSync = dr.Yes
	}
}

// proofOf proves that the target holds everything that was written before an
// earlier observation: the after-image file that was current then is
// acknowledged to its end. Inside one file nothing is proven, because the
// release's screens do not tell the source's own block.
func proofOf(sit dr.Situation, primary, site string, p Reading) *dr.Proof {
	m := sit.Memory
	if m == nil || m.Primary != primary || m.PrimarySeen == nil || len(p.ServerInfo) != 1 {
		return nil
	}
	return proofAt(m, p.ServerInfo[0], site, "dsrutil -C recovery server on "+primary)
}

// proofAt proves for the time at which the primary was last seen, when the block
// that was acknowledged is of a later after-image file than was current then.
func proofAt(m *dr.Memory, ack Acknowledged, site, source string) *dr.Proof {
	then, err := strconv.ParseInt(m.Positions[positionFile], 10, 64)
	if err != nil || then <= 0 || ack.Seq <= then {
		return nil
	}
	return &dr.Proof{
		At: *m.PrimarySeen, Site: site, Primary: m.Primary, Source: source,
		Positions: map[string]string{positionFile: strconv.FormatInt(then, 10), positionAcknowledged: ack.key()},
	}
}

// siteAlarms tell what a person must see before production stands still or
// protection is gone.
func (s *system) siteAlarms(rs map[string]Reading) []string {
	var out []string
	for _, st := range s.sites {
		r, ok := rs[st.Name]
		if !ok {
			continue
		}
		open := r.InUse() == dr.Yes
		if n := r.EmptyExtents(); open && r.Role() == roleSource && n >= 0 && n < s.set.MinEmptyExtents {
			out = append(out, fmt.Sprintf("only %d of %d AI extents of %s are empty, about %s: when none is left, the database stalls or stops", n, len(r.Extents), st.Name, s.extentTime(n)))
		}
		if open && r.Role() == roleSource && !r.Status.Code.server() {
			out = append(out, fmt.Sprintf("the replication server of %s is gone (%s) while its database works: nothing is replicated; dsrutil -C restart server", st.Name, r.Status.Code))
		}
		if r.Properties.auto() {
			out = append(out, fmt.Sprintf("%s has transition=auto: a break of the network alone can make a second source; set it to manual", st.Name))
		}
		if r.Lock == dr.Yes && r.Holder == 16 && !r.broker() {
			out = append(out, fmt.Sprintf("%s.lk on %s says multi-user, but no broker process is there: prove that nobody holds the database before it is taken away", st.Place.base(), st.Name))
		}
		if r.HalfRestored() != "" {
			out = append(out, fmt.Sprintf("%s is half restored: do not start it; reseed it", st.Name))
		}
	}
	return out
}

// extentTime is how long empty extents last.
func (s *system) extentTime(n int) string {
	return dr.Duration(time.Duration(n*s.set.ExtentMinutes) * time.Minute).String()
}

// returnAlarms tell of an old source that can start by itself.
func (s *system) returnAlarms(sit dr.Situation, rs map[string]Reading) []string {
	prim := sit.Primaries()
	var out []string
	for _, st := range s.sites {
		r, ok := rs[st.Name]
		if len(prim) == 1 && ok && st.Name != prim[0] && r.Role() == roleSource && r.InUse() == dr.No {
			out = append(out, fmt.Sprintf("%s is a stopped source and not fenced: a start of it makes a second source beside %s", st.Name, prim[0]))
		}
	}
	return out
}
