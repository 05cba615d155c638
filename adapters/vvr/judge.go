package vvr

import (
	"fmt"
	"strings"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// Judge concludes over all sites. "is up to date" on the Primary proves the
// Secondary up to the beginning of the observation, and nothing beyond it:
// asynchronous replication acknowledges alone, and synchronous replication with
// override may.
func (s *system) Judge(sit dr.Situation) dr.Judgement {
	rs := kit.Details[Reading](sit)
	j := dr.Judgement{InSync: dr.Unknown}
	prim := sit.Primaries()
	if len(prim) > 1 {
		j.InSync = dr.No
		j.Alarms = append(j.Alarms, fmt.Sprintf("two Primaries take writes: %s; stop the application at one now, nothing is resolved automatically", strings.Join(prim, " and ")))
		j.Facts = append(j.Facts, dr.Fact{Name: "vvr.one_primary", Truth: dr.No, Text: strings.Join(prim, ", ") + " take writes", At: sit.At, Safety: true, Want: dr.Yes})
		return j
	}
	j.Facts = append(j.Facts, dr.Fact{Name: "vvr.one_primary", Truth: onePrimary(sit), Text: "sites that take writes: " + orNo(strings.Join(prim, ", ")), At: sit.At})
	j.Alarms = s.alarms(rs)
	if len(prim) == 0 {
		j.Recommendation = kit.NobodyWrites(sit)
		return j
	}
	s.judgeSync(sit, rs, prim[0], &j)
	return j
}

func onePrimary(sit dr.Situation) dr.Tri {
	for _, v := range sit.Sites {
		if v.AcceptsWrites == dr.Unknown {
			return dr.Unknown
		}
	}
	return dr.TriOf(len(sit.Primaries()) == 1)
}

// alarms tell of what people must see now.
func (s *system) alarms(rs map[string]Reading) []string {
	var out []string
	for _, st := range s.sites {
		r, ok := rs[st.Name]
		if !ok {
			continue
		}
		if name, both := r.PrimaryPrimary(); both {
			out = append(out, fmt.Sprintf("%s: VVR shows a Primary-Primary configuration with %s: keep its application stopped until a failback has made one of them a Secondary", st.Name, kit.OrNotRead(name)))
		}
		if p := r.SRLPercent(); p >= 80 {
			out = append(out, fmt.Sprintf("the SRL of %s is %d %% full", st.Name, p))
		}
		if r.Checkpoints != nil && len(*r.Checkpoints) >= maxCheckpoints-3 {
			out = append(out, fmt.Sprintf("%s has %d checkpoints of at most %d: delete those that nobody needs", st.Name, len(*r.Checkpoints), maxCheckpoints))
		}
		if !r.IsPrimary() {
			continue
		}
		for _, o := range s.sites {
			if o.Name == st.Name {
				continue
			}
			if b := behindOf(r, s.placeOf(o.Name, rs)); b.Link.Name != "" && b.overflowed() {
				out = append(out, fmt.Sprintf("the SRL of %s overflowed: %s stays at an old state until a resync", st.Name, o.Name))
			}
		}
	}
	return out
}

func (s *system) judgeSync(sit dr.Situation, rs map[string]Reading, primary string, j *dr.Judgement) {
	r := rs[primary]
	best, bestKB := "", int64(-1)
	proven, broken := "", ""
	for _, st := range s.sites {
		if st.Name == primary {
			continue
		}
		b := behindOf(r, s.placeOf(st.Name, rs))
		switch {
		case b.UpToDate():
			proven = st.Name
		case b.Why == "" && b.KB >= 0:
			if best == "" || b.KB < bestKB {
				best, bestKB = st.Name, b.KB
			}
		case broken == "":
			broken = b.Why
		}
	}
	switch {
	case proven != "":
		zero := dr.Bytes(0)
		j.InSync, j.Lag = dr.Yes, &zero
		j.Proof = &dr.Proof{At: sit.At, Site: proven, Primary: primary, Source: "vxrlink status on " + primary + " says that " + proven + " is up to date"}
		j.Facts = append(j.Facts, dr.Fact{Name: "vvr.replicating", Truth: dr.Yes, Text: proven + " is up to date", At: sit.At})
	case best != "":
		lag := dr.Bytes(bestKB * 1024)
		j.Lag = &lag
		j.Facts = append(j.Facts, dr.Fact{Name: "vvr.replicating", Truth: dr.Yes, Text: fmt.Sprintf("%s is connected and consistent, %s behind", best, dr.ByteText(bestKB*1024)), At: sit.At})
	default:
		if r.Text["rlink"] == "" && r.Text["status"] == "" {
			j.InSync = dr.No
		}
		j.Facts = append(j.Facts, dr.Fact{Name: "vvr.replicating", Truth: j.InSync, Text: "no Secondary is a good copy: " + kit.OrNotRead(broken), At: sit.At})
	}
}
